"""The bytes of UTF-8 as tokens: each its own id, 0 to 255, and 256 for the end of a document. Nothing is unknown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import tokenizers

from inkloom.config import Config
from inkloom.errors import InputError
from inkloom.tokenizers.base import Encoding, TokenDecoder, Tokenizer
from inkloom.tokenizers.byte_level import BYTE_NAMES, END, ByteDecoder, library_json, library_tokenizer, utf8

_BYTES = (*(bytes([byte]) for byte in range(256)), b"")


class ByteTokenizer(Tokenizer):
    """A vocabulary that is the same for all texts."""

    name = "byte"
    unknown_id = None
    end_id = 256

    def __init__(self) -> None:
        self.config = self.Config()
        self.vocab_size = len(_BYTES)

    @classmethod
    def fit(cls, texts: Iterable[str], config: Config) -> Self:
        """There is nothing to fit."""
        del texts, config
        return cls()

    def encode(self, text: str) -> Encoding:
        """One id a byte of UTF-8."""
        return Encoding(np.frombuffer(utf8(text), np.uint8).astype(self.dtype), 0, 0.0)

    def encode_prompt(self, text: str) -> list[int]:
        return list(utf8(text))

    def decoder(self, prompt: Sequence[int] = ()) -> TokenDecoder:
        """A decoder that holds the first bytes of a character back."""
        return ByteDecoder(_BYTES, prompt)

    def to_json(self) -> dict[str, Any]:
        """The library's format: byte-pair encoding without merges."""
        library = library_tokenizer(tokenizers.models.BPE(dict(zip(BYTE_NAMES, range(256), strict=True)), []))
        library.add_special_tokens([END])
        return library_json(library, {"name": self.name})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        tokenizer = cls()
        if data != tokenizer.to_json():
            raise InputError("The byte vocabulary is damaged. Restore tokenizer.json from a copy, or train again.")
        return tokenizer
