"""Byte-pair encoding: frequent sequences of bytes are tokens (Sennrich et al. 2016). Nothing is unknown.

The ids are 0 for the end of a document (`<end>`), then the 256 bytes, then the merges, the most frequent first, as the
`tokenizers` library finds them in train. Bytes are merged within pieces of text: a run of letters, of digits or of
other signs, with the space or, for letters, the apostrophe before it; or white space.

Encoding finds the pieces in Python and looks each up among those that were met before, whose ids the library gave. The
ids are the library's own for the whole text, at five to ten times its speed. For that the pieces must be the same in
Python's regular expressions and in the library's, whatever version of Unicode either knows: so letters are listed here
by their ranges, and all of a script that is not ASCII counts as letters.

Shapes: N pieces of a text, U distinct pieces, T tokens.
"""

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Self

import numpy as np
import pydantic
import tokenizers

from inkloom.errors import InputError
from inkloom.tokenizers.base import Encoding, Ids, TokenDecoder, Tokenizer
from inkloom.tokenizers.byte_level import (
    BYTE_NAMES,
    END,
    ByteDecoder,
    library_json,
    library_tokenizer,
    named,
    unnamed,
    utf8,
)

log = logging.getLogger("inkloom")

LETTER = (
    "A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u167f\u1681-\u1fff\u200c\u200d\u2c00-\u2dff\u3040-\ud7ff"
    "\ue000-\ufdff\ufe20-\ufe2f\ufe70-\ufefe\uff10-\uffdc\U00010000-\U0001efff\U00020000-\U0010ffff"
)
SPACE = " \t\n\v\f\r\x1c-\x1f\x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
PIECE = rf"[ ']?[{LETTER}]+| ?[0-9]+| ?[^{SPACE}0-9{LETTER}]+|[{SPACE}]+(?![^{SPACE}])|[{SPACE}]+"

CHUNK_CHARS = 1 << 20
FITTED_AT_ONCE = 1 << 14
"""Characters in a string given to the library's trainer, which takes hundreds of them at once into much more memory."""

END_PIECE = ""
"""Stands for the end of a document among pieces, of which none is empty."""

PIECES_AT_ONCE = 1 << 18
MOST_PIECES = 1 << 17
"""Distinct pieces that are kept from one text to the next, in some 200 bytes each. A megabyte of English has 20,000."""

FITTED_CHARS = 1 << 26
"""Of train, at its beginning, that merges are looked for in: more text changes few of them, and takes half a second a
megabyte."""

_PIECES = re.compile(PIECE)
_CUT = re.compile(rf"(?<=[^{SPACE}])[{SPACE}]")


class BpeTokenizer(Tokenizer):
    """A vocabulary of byte pairs."""

    name = "bpe"
    unknown_id = None
    end_id = 0

    class Config(Tokenizer.Config):
        """How many sequences of bytes have an id."""

        vocab_size: int = pydantic.Field(1000, gt=256, le=1 << 32)
        """Ids: the end of a document, 256 bytes, and merges; fewer where nothing is left that train has twice."""

    config: Config

    def __init__(self, library: tokenizers.Tokenizer, config: Config) -> None:
        """Raises ValueError or KeyError where the library's vocabulary is not one of bytes."""
        self.config = config
        self.vocab_size = library.get_vocab_size()
        self._library = library
        numbers: dict[str, int] = library.get_vocab()
        names = sorted(numbers, key=numbers.__getitem__)
        if [numbers[name] for name in names] != list(range(self.vocab_size)):
            raise ValueError("its ids are not 0, 1, 2 and so on")
        self._bytes = [b"" if name == END else unnamed(name) for name in names]
        self._forget()

    @classmethod
    def fit(cls, texts: Iterable[str], config: Config) -> Self:  # type: ignore[override]  # its own Config
        """The merges that `texts` have, up to `vocab_size`; that there are fewer is announced."""
        fitted = list(_beginning(texts))
        most = 1 + len(BYTE_NAMES) + sum(map(len, fitted))  # the trainer makes room for as many as it is asked for
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=min(config.vocab_size, most),
            min_frequency=2,
            special_tokens=[END],
            initial_alphabet=BYTE_NAMES,
            show_progress=False,
        )
        library = library_tokenizer(tokenizers.models.BPE(), PIECE)
        library.train_from_iterator(chain.from_iterable(_chunks(text, FITTED_AT_ONCE) for text in fitted), trainer)
        tokenizer = cls(library, config)
        if tokenizer.vocab_size < config.vocab_size:
            log.info(f"The text gives {tokenizer.vocab_size:,} tokens of byte pairs, not {config.vocab_size:,}.")
        return tokenizer

    def encode(self, text: str) -> Encoding:
        """The ids that the library gives the text."""
        return self.encode_all([text], [False])

    def encode_all(self, texts: Sequence[str], ends: Sequence[bool]) -> Encoding:
        if len(self._numbers) > MOST_PIECES:
            self._forget()
        ids = [np.empty(0, self.dtype)]
        pieces: list[str] = []
        for text, ended in zip(texts, ends, strict=True):
            for chunk in _chunks(text, CHUNK_CHARS):
                pieces += _PIECES.findall(chunk)
                if len(pieces) >= PIECES_AT_ONCE:
                    ids.append(self._ids_of(pieces))
                    pieces = []
            if ended:
                pieces.append(END_PIECE)
        ids.append(self._ids_of(pieces))
        return Encoding(np.concatenate(ids), 0, 0.0)

    def encode_prompt(self, text: str) -> list[int]:
        ids: list[int] = self.encode(text).ids.tolist()
        return ids

    def decoder(self, prompt: Sequence[int] = ()) -> TokenDecoder:
        """A decoder that holds the first bytes of a character back."""
        return ByteDecoder(self._bytes, prompt)

    def to_json(self) -> dict[str, Any]:
        """The library's format."""
        return library_json(self._library, {"name": self.name, "config": self.config.model_dump()})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        try:
            own = data["model"]["inkloom"]
            return cls(tokenizers.Tokenizer.from_str(json.dumps(data)), cls.Config(**own["config"]))
        except Exception as error:  # the library raises no other kind
            raise InputError(
                f"The byte-pair vocabulary is damaged ({' '.join(str(error).split())[:80]}). "
                "Restore tokenizer.json from a copy, or train again."
            ) from error

    def _forget(self) -> None:
        """Keep no pieces but those that come from now on."""
        self._numbers = _Numbers()
        self._length_U = np.empty(0, np.int64)
        self._start_U = np.empty(0, np.int64)
        self._found_ids: Ids = np.empty(0, self.dtype)  # of all distinct pieces, one after the other

    def _ids_of(self, pieces: Sequence[str]) -> Ids:
        """The ids of pieces, one after the other."""
        pieces_N = np.fromiter(map(self._numbers.__getitem__, pieces), np.int64, len(pieces))
        if self._numbers.new:
            self._ask_library()
        length_N = self._length_U[pieces_N]
        begin_N = np.cumsum(length_N) - length_N
        places_T = np.repeat(self._start_U[pieces_N] - begin_N, length_N) + np.arange(length_N.sum())
        ids: Ids = self._found_ids[places_T]
        return ids

    def _ask_library(self) -> None:
        """Get the ids of the pieces that are new."""
        model = self._library.model
        new = [
            [self.end_id] if piece == END_PIECE else [token.id for token in model.tokenize(named(utf8(piece)))]
            for piece in self._numbers.new
        ]
        self._numbers.new.clear()
        self._length_U = np.concatenate([self._length_U, np.array(list(map(len, new)))])
        self._start_U = np.cumsum(self._length_U) - self._length_U
        self._found_ids = np.concatenate([self._found_ids, np.array(list(chain.from_iterable(new)), self.dtype)])


class _Numbers(dict[str, int]):
    """The number of each distinct piece; new ones are noted."""

    def __init__(self) -> None:
        self.new: list[str] = []

    def __missing__(self, piece: str) -> int:
        self[piece] = number = len(self)
        self.new.append(piece)
        return number


def _beginning(texts: Iterable[str]) -> Iterator[str]:
    """About FITTED_CHARS of the texts, as the library can read them: half of a surrogate pair is a question mark."""
    left = FITTED_CHARS
    for text in texts:
        yield text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
        left -= len(text)
        if left <= 0:
            return


def _chunks(text: str, size: int) -> Iterator[str]:
    """A text in pieces of about `size` characters, cut where white space begins: there a piece begins, too."""
    start = 0
    while start < len(text):
        cut = _CUT.search(text, start + size)
        stop = cut.start() if cut else len(text)
        yield text[start:stop]
        start = stop
