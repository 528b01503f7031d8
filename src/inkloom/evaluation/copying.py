"""What a text has word for word from the training text: its longest copied spans with their places, and what is new.

A span is novel where it stands nowhere in train; the share of novel spans is measured at every length from 5 to 20
characters and from 3 to 8 words (the n-gram novelty of McCoy et al. 2023, "How Much Do Language Models Copy From Their
Training Data?"). Real text copies, too: of held-out Shakespeare half of the spans of 8 characters stand in the other
plays, and in 500 characters there is one span of 18. So `held_out_level` measures held-out pieces in the same way.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from inkloom.corpus.base import Part, fingerprint
from inkloom.corpus.leaks import FEWEST_DISTINCT
from inkloom.errors import InkloomError
from inkloom.evaluation.suffixes import SuffixArray, Suffixes, sort_suffixes
from inkloom.evaluation.text_metrics import MOST_CHARS, held_out_pieces
from inkloom.evaluation.words import words, words_of_large_text
from inkloom.files import atomic_write, cache_dir

log = logging.getLogger("inkloom")

Lengths: TypeAlias = NDArray[np.int64]
Stored = TypeVar("Stored", bound=NDArray[Any])

CHAR_LENGTHS = range(5, 21)
WORD_LENGTHS = range(3, 9)

MIN_COPIED = 30
"""Characters of a span that is called copied: held-out plays have 0.1 % of their text in such spans, articles 1 %."""

LEVEL_PIECES = 40
"""Held-out pieces that make the yardstick."""

SEPARATOR = b"\xff"  # stands in no UTF-8, so that no match runs across the end of a text
ANNOUNCED_BYTES = 10 << 20  # of a text whose index takes longer than a second to make


@dataclass(frozen=True)
class CopiedSpan:
    """A stretch of a text that stands in train, and that is longer in neither direction."""

    start: int
    """Its first character in the text."""

    text: str
    times: int
    """How often train has it."""

    document: int
    """The document of train that has it first, from 0; always 0 in a running text."""

    offset: int
    """Its first character in that document, from 0."""

    line: int
    """Its line in that document, from 1."""

    @property
    def stop(self) -> int:
        """The first character behind it in the text."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class CopyLevel:
    """How much of a text, or of several on average, stands in train."""

    longest: float
    """Characters of the longest span that stands in train, however short."""

    copied_share: float
    """Share of the characters that lie in spans of `MIN_COPIED` characters or more, 0 to 1."""

    novel_chars: Mapping[int, float | None]
    """By length: the share of the spans of so many characters that train lacks; None where the text is shorter."""

    novel_words: Mapping[int, float | None]
    """By length: the same for spans of so many words, whatever stands between the words."""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; lengths are text."""
        return {
            "longest": self.longest,
            "copied_share": self.copied_share,
            "novel_chars": {str(length): share for length, share in self.novel_chars.items()},
            "novel_words": {str(length): share for length, share in self.novel_words.items()},
        }


@dataclass(frozen=True)
class CopyReport:
    """What a text has from train."""

    spans: tuple[CopiedSpan, ...]
    """Those of `MIN_COPIED` characters or more, the longest first. They may overlap; none lies inside another."""

    covered: tuple[tuple[int, int], ...]
    """The stretches (first character, first behind) that the spans cover, in order; none touches the next."""

    level: CopyLevel

    def as_json(self) -> dict[str, Any]:
        """The level's keys, and `spans`."""
        return {**self.level.as_json(), "spans": [{"length": len(span.text), **asdict(span)} for span in self.spans]}


class CopyIndex:
    """A train split, ready to be searched for what a text has from it.

    Kept in the cache folder by the hash of the text, in arrays of some 5 bytes a character: 100 MB take 21 s and 1.5 GB
    of memory the first time, 0.3 s from then on. Of more than MOST_CHARS characters, that many from the beginning are
    searched, which is announced.
    """

    def __init__(self, train: Part) -> None:
        if train.chars > MOST_CHARS:
            log.warning(f"Copies are looked for in the first {MOST_CHARS:,} characters of train, of {train.chars:,}.")
            train = train.head(MOST_CHARS)
        encoded = [_utf8(text) for text in train.texts]
        self._text = SEPARATOR.join(encoded)
        self._starts = np.array([0, *accumulate(len(text) + 1 for text in encoded)])
        key = fingerprint([train])
        if len(self._text) > ANNOUNCED_BYTES and not _kept_file(f"{key}-word-starts").exists():
            log.info("Indexing the training text to look for copies; the index is kept for the next time.")
        suffixes = _cached(f"{key}-characters", lambda: sort_suffixes(self._text))
        word_text = _cached(f"{key}-words", lambda: np.frombuffer(_word_text(train.texts), np.uint8)).tobytes()
        word_suffixes = _cached(f"{key}-word-starts", lambda: _word_suffixes(word_text))
        self._characters = SuffixArray(self._text, suffixes)
        self._words = SuffixArray(word_text, word_suffixes)

    def report(self, text: str) -> CopyReport:
        """What `text` has from train."""
        chars, of_words = self._matched_chars(text), self._matched_words(text)
        copied = _copied(text, chars)
        covered = _united(copied)
        level = CopyLevel(
            longest=int(chars.max(initial=0)),
            copied_share=sum(stop - start for start, stop in covered) / max(1, len(text)),
            novel_chars={length: _novel_share(chars, length) for length in CHAR_LENGTHS},
            novel_words={length: _novel_share(of_words, length) for length in WORD_LENGTHS},
        )
        longest_first = sorted(copied, key=lambda stretch: stretch[0] - stretch[1])
        return CopyReport(tuple(self._span(text, *stretch) for stretch in longest_first), tuple(covered), level)

    def _matched_chars(self, text: str) -> Lengths:
        """For each character, the length of the longest span that begins with it and stands in train."""
        encoded = _utf8(text)
        bounds = np.append(np.flatnonzero((np.frombuffer(encoded, np.uint8) & 0xC0) != 0x80), len(encoded))
        matched = np.array([self._characters.longest_match(encoded[start:]) for start in bounds[:-1]], dtype=np.int64)
        # A match may end inside a character of several bytes, of which train has another one there.
        return np.searchsorted(bounds, bounds[:-1] + matched, side="right") - 1 - np.arange(len(text))

    def _matched_words(self, text: str) -> Lengths:
        """For each word, how many words from it on stand in train in a row, up to the longest of WORD_LENGTHS."""
        found = words(text)
        lengths = []
        for start in range(len(found)):
            pattern = _utf8(f" {' '.join(found[start : start + WORD_LENGTHS[-1]])} ")
            lengths.append(pattern[: self._words.longest_match(pattern)].count(b" ") - 1)
        return np.maximum(np.array(lengths, dtype=np.int64), 0)

    def _span(self, text: str, start: int, stop: int) -> CopiedSpan:
        span = text[start:stop]
        places = self._characters.places(_utf8(span))
        document = int(np.searchsorted(self._starts, places[0], side="right")) - 1
        before = self._text[self._starts[document] : places[0]].decode("utf-8", "surrogatepass")
        return CopiedSpan(start, span, len(places), document, len(before), before.count("\n") + 1)


def mean_level(levels: Sequence[CopyLevel]) -> CopyLevel:
    """The mean over texts, one or more; each share over the texts that have one."""
    return CopyLevel(
        longest=fmean(level.longest for level in levels),
        copied_share=fmean(level.copied_share for level in levels),
        novel_chars={length: _mean([level.novel_chars[length] for level in levels]) for length in CHAR_LENGTHS},
        novel_words={length: _mean([level.novel_words[length] for level in levels]) for length in WORD_LENGTHS},
    )


def held_out_level(index: CopyIndex, held_out: Part, chars: int) -> CopyLevel:
    """The yardstick: what honest text of `chars` characters has from train, the mean over pieces of held-out text."""
    return mean_level([index.report(piece).level for piece in held_out_pieces(held_out, [chars] * LEVEL_PIECES)])


def _copied(text: str, matched: Lengths) -> list[tuple[int, int]]:
    """The stretches, in order, of MIN_COPIED characters or more that stand in train and lie in no longer one.

    Rules and rows of spaces stand everywhere: as in the leak check, a span has ten different characters or more.
    """
    copied = []
    reached = 0
    for start, length in enumerate(matched.tolist()):
        stop = start + length
        if stop > reached and length >= MIN_COPIED and len(set(text[start:stop])) >= FEWEST_DISTINCT:
            copied.append((start, stop))
        reached = max(reached, stop)
    return copied


def _novel_share(matched: Lengths, length: int) -> float | None:
    if len(matched) < length:
        return None
    return float((matched[: len(matched) - length + 1] < length).mean())


def _united(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches in order, with those that overlap or touch made one."""
    united: list[tuple[int, int]] = []
    for start, stop in sorted(stretches):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(stop, united[-1][1]))
        else:
            united.append((start, stop))
    return united


def _word_text(texts: Iterable[str]) -> bytes:
    """The words of each text with one space before, between and after them: a span of words is then a piece of it."""
    return SEPARATOR.join(
        _utf8(" ".join(["", *(" ".join(found) for found in words_of_large_text(text) if found), ""])) for text in texts
    )


def _word_suffixes(word_text: bytes) -> Suffixes:
    """The suffixes that begin with the space before a word, in order."""
    suffixes = sort_suffixes(word_text)
    at_words: Suffixes = suffixes[np.frombuffer(word_text, np.uint8)[suffixes] == ord(" ")]
    return at_words


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _cached(name: str, make: Callable[[], Stored]) -> Stored:
    """The array that `make` makes, read from the cache folder where it was kept there before."""
    path = _kept_file(name)
    try:
        kept: Stored = np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
        return kept
    except FileNotFoundError:
        pass
    except (OSError, ValueError, EOFError):
        log.info(f"{path} is damaged and made again.")
    made = make()
    try:
        with atomic_write(path, binary=True) as file:
            np.save(file, made, allow_pickle=False)
    except (InkloomError, OSError) as error:
        log.warning(f"The index of the training text is not kept for the next time: {error}")
    return made


def _kept_file(name: str) -> Path:
    return cache_dir() / "copy-index" / f"{name}.npy"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
