"""The contract of every tokenizer: text to ids and back, and what it costs to lose text on the way."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from inkloom.config import Config

Ids = NDArray[np.uint16 | np.uint32]


@dataclass(frozen=True)
class Encoding:
    """A text as ids, with what the tokenizer could not hold.

    ids: (tokens,) uint16 or uint32.
    unknown_tokens: how many of them stand for text outside the vocabulary.
    charge_nats: the price of spelling that text, which the per-character and per-byte scores add.
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

    @abstractmethod
    def encode_prompt(self, text: str) -> list[int]:
        """The ids of what a user typed. InputError names what the vocabulary lacks and the nearest it has."""

    @abstractmethod
    def decoder(self) -> TokenDecoder:
        """A new streaming decoder."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """All that `from_json` needs, as plain JSON."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The tokenizer that `to_json` described. InputError where the data is none."""

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids."""
        decoder = self.decoder()
        return "".join(decoder.push(int(token)) for token in ids) + decoder.flush()

    @property
    def dtype(self) -> type[np.uint16] | type[np.uint32]:
        """The narrowest unsigned type that holds every id."""
        return np.uint16 if self.vocab_size <= 1 << 16 else np.uint32
