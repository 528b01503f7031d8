"""Characters as tokens: one id for each Unicode code point of the train text.

The ids are 0 for a character outside the vocabulary (`<unk>`), 1 for the end of a document (`<end>`), and from 2 on the
characters of the train text, sorted by code point. Encoding looks every code point up in one table (UTF-32 gives the
code points as an array): some 900 MB of ASCII text a second on one core.

A character that the vocabulary lacks costs 8 bits for each of its UTF-8 bytes: what it takes to spell it out. Lone
surrogates (halves of a UTF-16 pair, which no UTF-8 text can hold) never enter a vocabulary; they encode as unknown
characters of three bytes.
"""

import math
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from inkloom.config import Config
from inkloom.errors import InputError
from inkloom.tokenizers.base import Encoding, Ids, Lengths, TokenDecoder, Tokenizer

CODE_POINTS = 0x110000
SURROGATES = slice(0xD800, 0xE000)
CHUNK_CHARS = 1 << 18  # 1 MiB as UTF-32: stays in the cache, and a 1 GB text needs no 4 GB copy
NATS_PER_BYTE = 8 * math.log(2)

LOOK_ALIKES = (
    "'‘’‚‛′`´ʼ",
    '"“”„‟«»″',
    "-‐‑‒–—―−_",
    " \t\n\u00a0\u2002\u2003\u2009\u202f\u3000",
)


class CharTokenizer(Tokenizer):
    """A vocabulary of Unicode characters."""

    name = "char"
    unknown_id = 0
    end_id = 1

    def __init__(self, characters: str) -> None:
        """`characters`: distinct, sorted by code point, none of them a surrogate."""
        self.config = self.Config()
        self.characters = characters
        self._texts = ["\ufffd", "", *characters]  # what each id reads as
        self.vocab_size = len(self._texts)
        self._id_of_code: Ids = np.zeros(CODE_POINTS, self.dtype)
        self._id_of_code[_code_points(characters)] = np.arange(2, self.vocab_size)

    @classmethod
    def fit(cls, texts: Iterable[str], config: Config) -> Self:
        """The vocabulary of every character in `texts`."""
        del config
        seen = np.zeros(CODE_POINTS, np.bool_)
        for text in texts:
            for chunk in _chunks(text):
                seen[_code_points(chunk)] = True
        seen[SURROGATES] = False
        return cls("".join(map(chr, np.flatnonzero(seen))))

    def encode(self, text: str) -> Encoding:
        """One id a character; the charge is 8 bits for each UTF-8 byte of the unknown ones."""
        ids: Ids = np.empty(len(text), self.dtype)
        unknown_tokens = unknown_bytes = start = 0
        for chunk in _chunks(text):
            codes = _code_points(chunk)
            ids_of_chunk = ids[start : start + len(chunk)]
            np.take(self._id_of_code, codes, out=ids_of_chunk, mode="clip")  # "raise" would buffer the output
            unknown = codes[ids_of_chunk == self.unknown_id]
            unknown_tokens += len(unknown)
            unknown_bytes += _utf8_length(unknown)
            start += len(chunk)
        return Encoding(ids, unknown_tokens, unknown_bytes * NATS_PER_BYTE)

    def encode_all(self, texts: Sequence[str], ends: Sequence[bool]) -> Encoding:
        joined = self.encode("".join(texts))
        stops = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
        ids = np.insert(joined.ids, stops[np.flatnonzero(ends)], self.end_id)
        return Encoding(ids, joined.unknown_tokens, joined.charge_nats)

    def encode_prompt(self, text: str) -> list[int]:
        """The ids of a prompt. InputError names the first unknown character, the nearest known one and the others."""
        unknown = [character for character in dict.fromkeys(text) if not self._knows(character)]
        if unknown:
            raise InputError(self._complaint(unknown))
        ids: list[int] = self.encode(text).ids.tolist()
        return ids

    def known(self, text: str) -> set[str]:
        return set(text) & set(self.characters)

    def lengths(self, text: str) -> Lengths:
        return np.ones(len(text), np.int64)

    def decoder(self, prompt: Sequence[int] = ()) -> TokenDecoder:
        """A decoder that holds nothing back: every id is a whole character."""
        del prompt
        return _CharDecoder(self._texts)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "characters": self.characters}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        characters = data.get("characters")
        if not isinstance(characters, str):
            raise _damaged("it lacks its text of characters")
        codes = _code_points(characters)
        if np.any(codes[1:] <= codes[:-1]):
            raise _damaged("its characters are not sorted, or one stands there twice")
        if np.any((codes >= SURROGATES.start) & (codes < SURROGATES.stop)):
            raise _damaged("it holds half of a surrogate pair")
        return cls(characters)

    def _knows(self, character: str) -> bool:
        return bool(self._id_of_code[ord(character)] != self.unknown_id)

    def _complaint(self, unknown: list[str]) -> str:
        nearest = self._nearest(unknown[0])
        parts = [
            f"The prompt has {_described(unknown[0])}, which is not among the {len(self.characters)} characters "
            "that this model knows.",
            f"Nearest known: {_written(nearest)} (U+{ord(nearest):04X})." if nearest else "Leave it out.",
        ]
        if others := unknown[1:]:
            listed = ", ".join(_written(character) for character in others[:8])
            parts.append(f"Also unknown: {listed}{' …' if len(others) > 8 else ''}.")
        return " ".join(parts)

    def _nearest(self, character: str) -> str | None:
        for candidate in _alternatives(character):
            if self._knows(candidate):
                return candidate
        category = unicodedata.category(character)
        same_category = (known for known in self.characters if unicodedata.category(known) == category)
        return min(same_category, key=lambda known: abs(ord(known) - ord(character)), default=None)


class _CharDecoder:
    def __init__(self, texts: list[str]) -> None:
        self._texts = texts

    def push(self, token: int) -> str:
        return self._texts[token]

    def flush(self) -> str:
        return ""


def _chunks(text: str) -> Iterator[str]:
    for start in range(0, len(text), CHUNK_CHARS):
        yield text[start : start + CHUNK_CHARS]


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _utf8_length(codes: NDArray[np.uint32]) -> int:
    """UTF-8 bytes of code points; a lone surrogate counts as the three that it would take."""
    longer = sum(int(np.count_nonzero(codes >= first)) for first in (0x80, 0x800, 0x10000))
    return len(codes) + longer


def _alternatives(character: str) -> Iterator[str]:
    """Characters that may stand in for one: other case, look-alikes, then without accent or ligature."""
    plain = unicodedata.normalize("NFKD", character)[0]
    look_alikes = "".join(group for group in LOOK_ALIKES if character in group)
    for candidate in (character.swapcase(), *look_alikes, plain, plain.swapcase()):
        if len(candidate) == 1:  # the capital of ß is two letters
            yield candidate


def _described(character: str) -> str:
    """A character with its code point and Unicode name, on one line whatever it is."""
    code = f"U+{ord(character):04X}"
    if unicodedata.category(character) == "Cs":
        return f"{code}, half of a surrogate pair"
    if not character.isprintable():
        return code
    return f"{character!r} ({' '.join([code, unicodedata.name(character, '')]).strip()})"


def _written(character: str) -> str:
    return repr(character) if character.isprintable() else f"U+{ord(character):04X}"


def _damaged(what: str) -> InputError:
    return InputError(
        f"The character vocabulary is damaged: {what}. Restore tokenizer.json from a copy, or train again."
    )
