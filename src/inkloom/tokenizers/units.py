"""A text as units: each token with the white space before it, its gap.

The end of a line is a token, "\\n"; white space is all else that `str.isspace` knows. Two modes cut a line:

- `whitespace`: a token is what stands between white space, as in text that was tokenised before, such as WikiText.
- `basic`: words in lower case, numbers and punctuation marks are tokens. An apostrophe inside a word begins a token of
  its own: kill 'd. A run of one mark, such as -- or ..., is one token. Ideographs and kana are words of one character.

In both, `<unk>` is a token. A text may be cut wherever white space begins: its pieces have the units of the whole.

Shapes: N units of a stretch of text, U distinct units.
"""

import math
import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inkloom.tokenizers.letters import ALONE, LETTER, LETTERS
from inkloom.tokenizers.spelling import NATS_PER_BYTE

Mode = Literal["whitespace", "basic"]

LINE_END, UNKNOWN = "\n", "<unk>"

NO_GAP, SPACE, OTHER_GAP = range(3)
"""Nothing, one space, and any other white space."""

LOWER, TITLE, UPPER, MIXED, IRREGULAR, NO_CASE = range(6)
"""How a token of `basic` is written: as it is, with its first letter or with all letters capital, with some, in a way
that none of these describes; and a token that has no capitals."""

PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~“”‘’„«»–—…"
AT_LINE_END, AT_TEXT_END, WORD, NUMBER, CLITIC, IDEOGRAPH, SYMBOL, FIRST_MARK = range(8)
KINDS = FIRST_MARK + len(PUNCTUATION)
"""Kinds of tokens; from FIRST_MARK on, one for each of PUNCTUATION. `whitespace` knows words and ends alone."""

CHUNK_CHARS = 1 << 20

Ints = NDArray[np.int64]

_RUNS = "".join(f"|[{mark}]+" for mark in "-._=*~#!?")
PATTERNS = {
    "whitespace": r"\n|\S+",
    "basic": rf"\n|{UNKNOWN}|\d+(?:[.,]\d+)+|{LETTERS}|(?<={LETTER})['’]{LETTERS}|{ALONE}{_RUNS}|\S",
}
"""What a token is, behind white space or another token."""

_UNITS = {mode: re.compile(rf"[^\S\n]*(?:{pattern})") for mode, pattern in PATTERNS.items()}
_ALONE = re.compile(ALONE)
_CUT = re.compile(r"(?<=\S)\s")


class Unit(NamedTuple):
    """A token as it stands in a text. At the end of a text there is one more, of a gap without a token."""

    token: str
    gap: str
    kind: int
    case: int
    case_nats: float
    """What the case costs beyond its name: which letters are capital, or all bytes."""

    length: int
    """Characters of the text."""


class Traits(NamedTuple):
    """What the distinct units are, by number."""

    kind_U: Ints
    gap_U: Ints
    """NO_GAP, SPACE or OTHER_GAP."""

    case_U: Ints
    length_U: Ints


class Stretch(NamedTuple):
    """Units of one text or of several by their numbers, those in front of them included.

    units: the N of the stretch, and two more for each of `fronts`.
    fronts: where two units stand that are not of the stretch but in front of it: those that were read before, or, where
        a text begins, the ends of two lines.
    """

    units: Ints
    fronts: Ints

    @property
    def own(self) -> NDArray[np.bool_]:
        """Which units are of the stretch."""
        own = np.ones(len(self.units), np.bool_)
        own[self.fronts] = own[self.fronts + 1] = False
        return own


class Units:
    """Reads texts, and numbers the distinct units that it meets."""

    def __init__(self, mode: Mode) -> None:
        self.mode: Mode = mode
        self.found: list[Unit] = []
        self._numbers = _Numbers(self)
        self._numbers[LINE_END]  # the first in any case
        self._traits = np.empty((0, len(Traits._fields)), np.int64)

    def read(self, texts: Iterable[str]) -> Iterator[Stretch]:
        """The units of texts, about CHUNK_CHARS characters at a time; the last of each is that of its end."""
        found: list[str] = []
        fronts: list[int] = []
        chars = 0
        for text in texts:
            if chars + len(text) > CHUNK_CHARS and found:
                yield Stretch(self._numbered(found), np.array(fronts))
                found, fronts, chars = [], [], 0
            if len(text) > CHUNK_CHARS:
                yield from self._read_long(text)
                continue
            stop = len(text) - len(_gap_at_end(text))
            fronts.append(len(found))
            found += (LINE_END, LINE_END, *_UNITS[self.mode].findall(text, 0, stop), text[stop:])
            chars += len(text)
        if found:
            yield Stretch(self._numbered(found), np.array(fronts))

    def _read_long(self, text: str) -> Iterator[Stretch]:
        stop = len(text) - len(_gap_at_end(text))
        start, front = 0, self._numbered([LINE_END, LINE_END])
        while start < stop:
            cut = _CUT.search(text, min(start + CHUNK_CHARS, stop), stop)
            upto = cut.start() if cut else stop
            units = np.concatenate([front, self._numbered(_UNITS[self.mode].findall(text, start, upto))])
            yield Stretch(units, np.zeros(1, np.int64))
            start, front = upto, units[-2:]
        yield Stretch(np.concatenate([front, self._numbered([text[stop:]])]), np.zeros(1, np.int64))

    @property
    def traits(self) -> Traits:
        """Of all units that are numbered so far."""
        new = [(unit.kind, gap_class(unit.gap), unit.case, unit.length) for unit in self.found[len(self._traits) :]]
        if new:
            self._traits = np.concatenate([self._traits, np.array(new, np.int64)])
        return Traits(*self._traits.T)

    def kept(self, keep_U: NDArray[np.bool_]) -> "Units":
        """Some of the units, numbered anew in the same order; the first, the end of a line, stays in any case."""
        units = Units(self.mode)
        for text, keep in zip(self._numbers, keep_U.tolist(), strict=True):
            if keep:
                units._numbers[text]
        return units

    def _numbered(self, texts: list[str]) -> Ints:
        return np.fromiter(map(self._numbers.__getitem__, texts), np.int64, len(texts))


class _Numbers(dict[str, int]):
    """The number of each unit by its text; a new one is added to the units that are found."""

    def __init__(self, units: Units) -> None:
        self._units = units

    def __missing__(self, text: str) -> int:
        self[text] = number = len(self)
        self._units.found.append(unit_of(text, self._units.mode))
        return number


def unit_of(text: str, mode: Mode) -> Unit:
    """What a unit consists of."""
    written = text.lstrip()
    if not written:
        kind, token = (AT_LINE_END, LINE_END) if text.endswith(LINE_END) else (AT_TEXT_END, "")
        return Unit(token, text.removesuffix(LINE_END), kind, NO_CASE, 0.0, len(text))
    gap = text[: len(text) - len(written)]
    lower = written.lower()
    if mode == "whitespace" or written == UNKNOWN:
        return Unit(written, gap, WORD, NO_CASE, 0.0, len(text))
    if lower.upper() == lower:
        return Unit(written, gap, _kind(written), NO_CASE, 0.0, len(text))
    case, nats = _case(written, lower)
    return Unit(lower, gap, _kind(lower), case, nats, len(text))


def gap_class(gap: str) -> int:
    """NO_GAP, SPACE or OTHER_GAP."""
    return NO_GAP if not gap else SPACE if gap == " " else OTHER_GAP


def in_case(token: str, case: int) -> str:
    """A token of `basic` as it is written in LOWER, TITLE or UPPER case."""
    if case == TITLE:
        return token[0].upper() + token[1:]
    return token.upper() if case == UPPER else token


def _case(written: str, lower: str) -> tuple[int, float]:
    """How a token is written, and what that costs beyond its name. No byte of UTF-8 is 255, which ends the bytes."""
    for case in (LOWER, TITLE, UPPER):
        if written == in_case(lower, case):
            return case, 0.0
    if len(written) == len(lower) and all(a in (b, b.upper()) for a, b in zip(written, lower, strict=True)):
        return MIXED, len(written) * math.log(2)
    return IRREGULAR, (len(written.encode("utf-8", "surrogatepass")) + 1) * NATS_PER_BYTE


def _kind(token: str) -> int:
    first = token[0]
    if first in "'’" and len(token) > 1:
        return CLITIC
    if first in PUNCTUATION:
        return FIRST_MARK + PUNCTUATION.index(first)
    if _ALONE.match(first):
        return IDEOGRAPH
    if token.replace(",", "").replace(".", "").isdecimal():
        return NUMBER
    return WORD if first.isalnum() else SYMBOL


def _gap_at_end(text: str) -> str:
    return text[len(text.rstrip()) :].rpartition(LINE_END)[2]
