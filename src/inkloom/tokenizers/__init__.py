"""IDS: tokenizers, one a file, one line each in the table."""

from collections.abc import Mapping
from typing import Any

from inkloom.registry import Registry
from inkloom.tokenizers.base import Encoding, Ids, Lengths, TokenDecoder, Tokenizer

TOKENIZERS: Registry[type[Tokenizer]] = Registry(
    "tokenizer",
    {
        "char": "inkloom.tokenizers.char:CharTokenizer",
        "word": "inkloom.tokenizers.word:WordTokenizer",
        "bpe": "inkloom.tokenizers.bpe:BpeTokenizer",
        "byte": "inkloom.tokenizers.byte:ByteTokenizer",
    },
)


def read_tokenizer(data: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer of a tokenizer.json. InputError where the data is none."""
    model = data.get("model")
    own = model.get("inkloom", data) if isinstance(model, dict) else data
    return TOKENIZERS.load(str(own.get("name"))).from_json(data)


__all__ = ["TOKENIZERS", "Encoding", "Ids", "Lengths", "TokenDecoder", "Tokenizer", "read_tokenizer"]
