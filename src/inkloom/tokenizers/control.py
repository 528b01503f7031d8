"""Control tokens: what a text is to be like, told to a model before the text begins.

N. Keskar, B. McCann, L. Varshney, C. Xiong and R. Socher, "CTRL: A Conditional Transformer Language Model for
Controllable Generation" (arXiv:1909.05858): the value of a field, such as the language of a name, is a token of its
own. It stands between the end token that opens a document and the document's first token. Nothing else is needed:
whatever predicts the next token from those before it, by gradients or by counts, takes it into account.

The ids are those of another tokenizer, and behind them one for each value. They have no text, so a score of the text
leaves them out: see docs/decisions/0006.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from inkloom.config import Config
from inkloom.errors import InputError, unknown_name
from inkloom.tokenizers.base import Encoding, Lengths, TokenDecoder, Tokenizer


class ControlledTokenizer(Tokenizer):
    """Another tokenizer, with a token for each value of a field behind its own."""

    name = "control"

    def __init__(self, inner: Tokenizer, field: str, values: Sequence[str], under: int | None = None) -> None:
        """field: what the values are of, for messages. values: distinct. under: the token that begins prompts."""
        self.inner = inner
        self.field = field
        self.values = tuple(values)
        self._before_prompts = [] if under is None else [under]
        self.config = inner.config
        self.end_id, self.unknown_id = inner.end_id, inner.unknown_id
        self.vocab_size = inner.vocab_size + len(self.values)
        self._ids = {value: inner.vocab_size + number for number, value in enumerate(self.values)}

    @classmethod
    def fit(cls, texts: Iterable[str], config: Config) -> Self:
        """Not possible: the values come with the texts, not from them."""
        raise NotImplementedError("Fit another tokenizer, and give it to ControlledTokenizer with the values.")

    @property
    def text_vocab_size(self) -> int:
        """The ids below are those of text."""
        return self.inner.vocab_size

    def control_id(self, value: str) -> int:
        """The token of a value. InputError lists the known ones and the nearest."""
        if value not in self._ids:
            folded = {known.casefold(): known for known in self.values}
            if value.casefold() not in folded:
                raise unknown_name(f"{self.field} of this run", value, self.values)
            value = folded[value.casefold()]
        return self._ids[value]

    def under(self, value: str) -> "ControlledTokenizer":
        """The same tokenizer, whose prompts begin with the token of a value. InputError where it is not known."""
        return ControlledTokenizer(self.inner, self.field, self.values, self.control_id(value))

    def encode(self, text: str) -> Encoding:
        return self.inner.encode(text)

    def encode_all(self, texts: Sequence[str], ends: Sequence[bool]) -> Encoding:
        return self.inner.encode_all(texts, ends)

    def encode_prompt(self, text: str) -> list[int]:
        return [*self._before_prompts, *self.inner.encode_prompt(text)]

    def decoder(self, prompt: Sequence[int] = ()) -> TokenDecoder:
        inner = self.inner.decoder([token for token in prompt if token < self.text_vocab_size])
        return _ControlDecoder(inner, self.text_vocab_size)

    def known(self, text: str) -> set[str]:
        return self.inner.known(text)

    def lengths(self, text: str) -> Lengths | None:
        return self.inner.lengths(text)

    def text_of(self, token: int) -> str:
        """The value in angle brackets, for a control token."""
        if token < self.text_vocab_size:
            return self.inner.text_of(token)
        return f"⟨{self.values[token - self.text_vocab_size]}⟩"

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "field": self.field,
            "values": list(self.values),
            "tokenizer": self.inner.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        from inkloom.tokenizers import read_tokenizer

        try:
            field, values, inner = data["field"], data["values"], data["tokenizer"]
            if not isinstance(inner, dict) or len(set(values)) != len(values) or not all(map(str.strip, values)):
                raise ValueError
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                "The vocabulary of controls is damaged. Restore tokenizer.json from a copy, or train again."
            ) from error
        return cls(read_tokenizer(inner), str(field), values)


class _ControlDecoder:
    """Leaves out control tokens, which have no text."""

    def __init__(self, inner: TokenDecoder, text_vocab_size: int) -> None:
        self._inner = inner
        self._text_vocab_size = text_vocab_size

    def push(self, token: int) -> str:
        return self._inner.push(token) if token < self._text_vocab_size else ""

    def flush(self) -> str:
        return self._inner.flush()
