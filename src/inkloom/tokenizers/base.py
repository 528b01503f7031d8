"""The contract of every tokenizer: text to ids and back, and what it costs to lose text on the way."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from inkloom.config import Config

Ids = NDArray[np.uint16 | np.uint32]
Lengths = NDArray[np.int64]


@dataclass(frozen=True)
class Encoding:
    """A text as ids, with what the tokenizer could not hold.

    ids: (tokens,) uint16 or uint32.
    unknown_tokens: how many of them stand for text outside the vocabulary.
    charge_nats: the price of all that the ids do not tell, which the per-character and per-byte scores add.
    """

    ids: Ids
    unknown_tokens: int
    charge_nats: float


class TokenDecoder(Protocol):
    """Ids to text one by one, for streaming: `push` returns text that later ids cannot change."""

    def push(self, token: int) -> str: ...

    def flush(self) -> str:
        """What was held back (an unfinished UTF-8 character, say), at the end of the stream."""
        ...


class Tokenizer(ABC):
    """Text to ids and back. Fitted on the train split alone.

    Every vocabulary holds `end_id`: it ends a document and stands before the first token of every text,
    so that a model always has something to condition on.

    A long text may be fitted and encoded in pieces, cut where `corpus.pieces` cuts: behind a line's end between two
    characters that are no white space, else before a single space between two such. The ids of the pieces are those of
    the whole; their charges add up to its own, but for the space at a cut.
    """

    name: ClassVar[str]
    config: Config
    vocab_size: int
    end_id: int
    unknown_id: int | None
    """The id of text outside the vocabulary; None where there is no such text."""

    class Config(Config):
        """No options, unless a tokenizer adds some."""

    @classmethod
    @abstractmethod
    def fit(cls, texts: Iterable[str], config: Config) -> Self:
        """The tokenizer whose vocabulary these texts have."""

    @abstractmethod
    def encode(self, text: str) -> Encoding:
        """The ids of a text; text outside the vocabulary becomes `unknown_id` and is charged for."""

    def encode_all(self, texts: Sequence[str], ends: Sequence[bool]) -> Encoding:
        """Texts one after the other, with the end token behind those that `ends` says; for many short ones."""
        end: Ids = np.array([self.end_id], self.dtype)
        ids: list[Ids] = [np.empty(0, self.dtype)]
        unknown_tokens, charge_nats = 0, 0.0
        for text, ended in zip(texts, ends, strict=True):
            encoding = self.encode(text)
            ids += [encoding.ids, end] if ended else [encoding.ids]
            unknown_tokens += encoding.unknown_tokens
            charge_nats += encoding.charge_nats
        return Encoding(np.concatenate(ids), unknown_tokens, charge_nats)

    @abstractmethod
    def encode_prompt(self, text: str) -> list[int]:
        """The ids of what a user typed. InputError names what the vocabulary lacks and the nearest it has."""

    @abstractmethod
    def decoder(self, prompt: Sequence[int] = ()) -> TokenDecoder:
        """A new streaming decoder of what goes on from a prompt's ids."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """What tokenizer.json holds, as plain JSON: all that `from_json` needs, and the name.

        It is the format of the `tokenizers` library where that can express the tokenizer. What is inkloom's own then
        stands in `model.inkloom`, where the library skips it; else, with the name, at the top.
        """

    @classmethod
    @abstractmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The tokenizer that `to_json` described. InputError where the data is none."""

    def known(self, text: str) -> set[str]:
        """What the text has of what the vocabulary knows; nothing where nothing can be unknown."""
        del text
        return set()

    def lengths(self, text: str) -> Lengths | None:
        """How many characters of a text each of its tokens stands for; None where they do not read as the text.

        What the decoder holds back counts to the token that releases it.
        """
        decoder = self.decoder()
        pieces = [decoder.push(token) for token in self.encode(text).ids.tolist()]
        if pieces:
            pieces[-1] += decoder.flush()
        return np.fromiter(map(len, pieces), np.int64, len(pieces)) if "".join(pieces) == text else None

    def text_of(self, token: int) -> str:
        """What a token reads as by itself, for lists of tokens."""
        return self.decode([token])

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids."""
        decoder = self.decoder()
        return "".join(decoder.push(int(token)) for token in ids) + decoder.flush()

    @property
    def dtype(self) -> type[np.uint16] | type[np.uint32]:
        """The narrowest unsigned type that holds every id."""
        return np.uint16 if self.vocab_size <= 1 << 16 else np.uint32

    def __reduce__(self) -> tuple[Any, ...]:
        """Other processes get what tokenizer.json holds, without what was kept to be faster."""
        return type(self).from_json, (self.to_json(),)
