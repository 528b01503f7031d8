"""IDS: tokenizers, one a file, one line each in the table."""

from collections.abc import Iterable, Mapping
from typing import Any

from inkloom.config import build
from inkloom.errors import InputError
from inkloom.registry import Registry
from inkloom.tokenizers.base import Encoding, Ids, Lengths, TokenDecoder, Tokenizer
from inkloom.tokenizers.control import ControlledTokenizer

TOKENIZERS: Registry[type[Tokenizer]] = Registry(
    "tokenizer",
    {
        "char": "inkloom.tokenizers.char:CharTokenizer",
        "word": "inkloom.tokenizers.word:WordTokenizer",
        "bpe": "inkloom.tokenizers.bpe:BpeTokenizer",
        "byte": "inkloom.tokenizers.byte:ByteTokenizer",
    },
)


def configured(section: Mapping[str, Any]) -> tuple[type[Tokenizer], Tokenizer.Config]:
    """The class that a run's `tokenizer` section names, and its config with the section's other fields.

    Raises InputError for a name or field that is not known, or a value that is not accepted.
    """
    name = TOKENIZERS.canonical(section["name"])
    fields = {field: value for field, value in section.items() if field != "name"}
    tokenizer_class = TOKENIZERS.load(name)
    foreign = [field for field in fields if field not in tokenizer_class.Config.model_fields]
    owners = [other for other in TOKENIZERS if foreign and foreign[0] in TOKENIZERS.load(other).Config.model_fields]
    if owners:
        raise InputError(
            f"The tokenizer {name} has no {foreign[0]}; {' and '.join(owners)} {'have' if owners[1:] else 'has'} one. "
            f"Leave it out, or give --tokenizer {owners[0]}."
        )
    return tokenizer_class, build(tokenizer_class.Config, fields, "tokenizer")


def described(section: Mapping[str, Any]) -> dict[str, Any]:
    """A run's `tokenizer` section with the name as the table spells it and every field filled in."""
    _, fields = configured(section)
    return {"name": TOKENIZERS.canonical(section["name"]), **fields.model_dump(mode="json")}


def fit_tokenizer(section: Mapping[str, Any], texts: Iterable[str]) -> Tokenizer:
    """The tokenizer that a run's `tokenizer` section describes, fitted on texts."""
    tokenizer_class, fields = configured(section)
    return tokenizer_class.fit(texts, fields)


def read_tokenizer(data: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer of a tokenizer.json. InputError where the data is none."""
    model = data.get("model")
    own = model.get("inkloom", data) if isinstance(model, dict) else data
    if own.get("name") == ControlledTokenizer.name:
        return ControlledTokenizer.from_json(own)
    return TOKENIZERS.load(str(own.get("name"))).from_json(data)


__all__ = [
    "TOKENIZERS",
    "ControlledTokenizer",
    "Encoding",
    "Ids",
    "Lengths",
    "TokenDecoder",
    "Tokenizer",
    "configured",
    "described",
    "fit_tokenizer",
    "read_tokenizer",
]
