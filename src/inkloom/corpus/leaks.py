"""The leak check: text that stands both in train and in a held-out part, where a score would count memory as skill.

Every window of `min_chars` characters of both parts is hashed by a rolling polynomial (Karp and Rabin, 1987), in NumPy
with arithmetic modulo 2**64. Equal hashes are only candidates: every span that is reported was compared character by
character. 90 MB of train against 10 MB take some 3 seconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inkloom.corpus.base import Part

# Below 60, honest splits of ordinary text share set phrases ("by the Recording Industry Association of America"):
# 7 of 50 characters in 0.6 million of Wikipedia, 3 in 0.1 million of captions. From 60 on only copies remained in
# plays, articles, sayings and captions.
MIN_CHARS = 60

# Rules such as "-----" and rows of spaces recur everywhere; a span of words has more different characters than this.
FEWEST_DISTINCT = 10

EXCERPT_CHARS = 80

# Texts are joined by a character that no decoded text holds (a lone surrogate), another one on each side, so that no
# match runs across the end of a text.
TRAIN_SEPARATOR, HELD_OUT_SEPARATOR = "\ud800", "\ud801"

Hashes = NDArray[np.uint64]
Positions = NDArray[np.int64]

BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64
CHUNK = 1 << 18  # characters hashed at a time; the arrays then stay in a processor's cache


@dataclass(frozen=True)
class Place:
    """Where a span starts: the text's index within the part, and the character within that text."""

    text: int
    start: int


@dataclass(frozen=True)
class Leak:
    """A stretch of held-out text, `length` characters from `held_out` on, every window of which stands in train.

    train: where its longest unbroken piece stands there. times_in_train: how often train has its windows (the median);
    above 1 it is something that the text itself repeats, such as a refrain or a licence.
    """

    held_out: Place
    train: Place
    length: int
    times_in_train: int
    excerpt: str


@dataclass(frozen=True)
class LeakReport:
    """What a held-out part shares with train.

    leaks: disjoint, in the held-out part's order, each at least `min_chars` long.
    duplicates: indices of held-out documents that are also whole documents of train, however short.
    """

    held_out: str
    chars: int
    texts: int
    min_chars: int
    leaks: tuple[Leak, ...]
    duplicates: tuple[int, ...]

    @cached_property
    def covered_chars(self) -> int:
        """Characters of the held-out part that stand in train too."""
        return sum(leak.length for leak in self.leaks)

    @property
    def share(self) -> float:
        """`covered_chars` as a share of the held-out part, 0 to 1."""
        return self.covered_chars / self.chars if self.chars else 0.0

    @property
    def intervals(self) -> Positions:
        """(leaks, 3): text index, first character, first character after it; what a score can leave out."""
        rows = [(leak.held_out.text, leak.held_out.start, leak.held_out.start + leak.length) for leak in self.leaks]
        return np.array(rows, dtype=np.int64).reshape(-1, 3)

    def largest(self, count: int) -> list[tuple[Leak, int]]:
        """The leaks that weigh most, each with how often its text leaks: a refrain is one entry, not forty."""
        first: dict[tuple[int, int, int], Leak] = {}
        times: dict[tuple[int, int, int], int] = {}
        for leak in self.leaks:
            key = (leak.train.text, leak.train.start, leak.length)  # the same text leads to the same place in train
            first.setdefault(key, leak)
            times[key] = times.get(key, 0) + 1
        heaviest = sorted(first, key=lambda key: first[key].length * times[key], reverse=True)
        return [(first[key], times[key]) for key in heaviest[:count]]

    def as_json(self) -> dict[str, Any]:
        """How much leaks, as plain JSON."""
        return {
            "split": self.held_out,
            "share": self.share,
            "characters": self.covered_chars,
            "spans": len(self.leaks),
            "duplicate_documents": len(self.duplicates),
            "summary": self.summary(),
        }

    def summary(self) -> str:
        """One line that says how much is shared, of what kind, and the heaviest example."""
        same = ""
        if self.duplicates:
            verb = "is" if len(self.duplicates) == 1 else "are"
            same = f" {len(self.duplicates):,} of its {self.texts:,} documents {verb} in train word for word."
        if not self.leaks:
            return f"{self.held_out} shares no span of {self.min_chars} characters with train.{same}"
        repeated = sum(leak.length for leak in self.leaks if leak.times_in_train > 1)
        spans = "1 span" if len(self.leaks) == 1 else f"{len(self.leaks):,} spans"
        part = repeated / self.covered_chars
        kind = f", {part:.0%} of it text that train itself repeats" if part >= 0.005 else ""
        longest = max(self.leaks, key=lambda leak: leak.length)
        return (
            f"{self.share:.2%} of {self.held_out} ({self.covered_chars:,} characters in {spans} of {self.min_chars} or "
            f"more) stands in train too{kind}.{same} The longest, {longest.length:,} characters: {longest.excerpt!r}."
        )


def find_leaks(train: Part, held_out: Part, min_chars: int = MIN_CHARS) -> LeakReport:
    """Every span of `held_out`, at least `min_chars` long, that stands in `train` too.

    Spans never run across the end of a text. Spans of fewer than 10 different characters (rules, blank space) are
    left out.
    """
    train_text = TRAIN_SEPARATOR.join(train.texts)
    held_text = HELD_OUT_SEPARATOR.join(held_out.texts)
    train_starts, held_starts = _starts(train.texts), _starts(held_out.texts)
    windows, places, counts = _shared_windows(train_text, held_text, min_chars)
    leaks = []
    for stretch in _verified(train_text, held_text, windows, places, min_chars):
        text = held_text[stretch.start : stretch.stop]
        if len(set(text)) < FEWEST_DISTINCT:
            continue
        first, last = np.searchsorted(windows, [stretch.start, stretch.stop - min_chars + 1])
        excerpt = held_text[stretch.piece : min(stretch.stop, stretch.piece + EXCERPT_CHARS)]
        leak = Leak(
            held_out=_place(held_starts, stretch.start),
            train=_place(train_starts, stretch.origin),
            length=stretch.stop - stretch.start,
            times_in_train=int(np.median(counts[first:last])),
            excerpt=" ".join(excerpt.split()),
        )
        leaks.append(leak)
    known = set(train.texts) if train.documents and held_out.documents else set()
    duplicates = tuple(index for index, text in enumerate(held_out.texts) if text in known)
    return LeakReport(held_out.name, held_out.chars, len(held_out.texts), min_chars, tuple(leaks), duplicates)


def _shared_windows(train: str, held_out: str, width: int) -> tuple[Positions, Positions, Positions]:
    """Held-out windows whose hash a window of train has: (their starts, the first such start in train, how many)."""
    keys = _distinct_hashes(held_out, width)
    first = np.full(len(keys), -1, dtype=np.int64)
    count = np.zeros(len(keys), dtype=np.int64)
    for starts, index in _matches(train, width, keys):
        new = first[index] < 0
        first[index[new][::-1]] = starts[new][::-1]  # backwards: of equal windows the first is written last, and stays
        np.add.at(count, index, 1)
    in_train = np.flatnonzero(count)
    found = [(starts, in_train[index]) for starts, index in _matches(held_out, width, keys[in_train])]
    if not found:
        return (np.zeros(0, dtype=np.int64),) * 3
    index = np.concatenate([index for _, index in found])
    return np.concatenate([starts for starts, _ in found]), first[index], count[index]


def _distinct_hashes(text: str, width: int) -> Hashes:
    """The hashes of all windows, ascending, each once."""
    chunks = [hashes for _, hashes in _window_hashes(text, width)]
    keys: Hashes = np.sort(np.concatenate(chunks)) if chunks else np.zeros(0, np.uint64)
    new = np.ones(len(keys), dtype=np.bool_)
    new[1:] = keys[1:] != keys[:-1]
    return keys[new]


def _matches(text: str, width: int, keys: Hashes) -> Iterator[tuple[Positions, Positions]]:
    """(starts, index into keys) of the windows of `text` whose hash is among the ascending `keys`, in order.

    A table of flags, one for each value of a hash's highest bits, thins the windows out to some 7 % first. The look-up
    goes through sorted hashes, since a binary search by random ones misses the cache at every step (20 times slower).
    """
    bits = min(max(16, (8 * len(keys)).bit_length()), 28)  # 8 to 16 flags for each key, at most 256 MB
    shift = np.uint64(64 - bits)  # the highest bits depend on all characters, the lowest on few
    flags = np.zeros(1 << bits, dtype=np.bool_)
    flags[keys >> shift] = True
    for start, hashes in _window_hashes(text, width):
        maybe = np.flatnonzero(flags[hashes >> shift])
        order = np.argsort(hashes[maybe])
        candidates = hashes[maybe[order]]
        index = np.empty(len(maybe), dtype=np.int64)
        index[order] = np.searchsorted(keys, candidates)
        real = np.zeros(len(maybe), dtype=np.bool_)
        real[order] = keys[np.minimum(index[order], len(keys) - 1)] == candidates
        if real.any():
            yield start + maybe[real], index[real]


def _window_hashes(text: str, width: int) -> Iterator[tuple[int, Hashes]]:
    """(start of the first, hashes) of all windows of `width` characters, chunk by chunk.

    The hash of the window at i is the sum of c[i + j] * BASE**j: a difference of two running sums of c[k] * BASE**k,
    brought down by BASE**-i.
    """
    powers = _powers(BASE, CHUNK + width)
    inverse_powers = _powers(pow(BASE, -1, 1 << 64), CHUNK)
    for start in range(0, len(text) - width + 1, CHUNK):
        chunk = text[start : start + CHUNK + width - 1]
        codes = np.frombuffer(chunk.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
        sums = np.zeros(len(codes) + 1, dtype=np.uint64)
        np.cumsum(codes * powers[: len(codes)], out=sums[1:])
        count = len(codes) - width + 1
        yield start, (sums[width:] - sums[:count]) * inverse_powers[:count]


def _powers(base: int, count: int) -> Hashes:
    """base**0, base**1, … modulo 2**64."""
    factors = np.full(count, base, dtype=np.uint64)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint64)


class _Stretch(NamedTuple):
    """Held-out text from `start` to `stop` that stands in train, its longest unbroken `piece` at `origin` there."""

    start: int
    stop: int
    piece: int
    origin: int


def _verified(train: str, held_out: str, starts: Positions, origins: Positions, width: int) -> Iterator[_Stretch]:
    """The stretches that candidate windows cover, each window compared with train character by character.

    A window is followed as far as the two texts agree, and the next one looked at is the first that reaches further.
    """
    stretch: _Stretch | None = None
    longest = 0
    index = 0
    while index < len(starts):
        position, origin = int(starts[index]), int(origins[index])
        length = _common_length(train, origin, held_out, position)
        if length < width:  # equal hashes of different text
            index += 1
            continue
        if stretch is None or position >= stretch.stop:
            if stretch is not None:
                yield stretch
            stretch, longest = _Stretch(position, position, position, origin), 0
        if length > longest:
            stretch, longest = stretch._replace(piece=position, origin=origin), length
        stretch = stretch._replace(stop=position + length)
        index = int(np.searchsorted(starts, stretch.stop - width + 1))
    if stretch is not None:
        yield stretch


def _common_length(left: str, i: int, right: str, j: int) -> int:
    """How many characters are equal from left[i] and right[j] on."""
    low = 0
    limit = min(len(left) - i, len(right) - j)
    step = 64
    while low < limit and left[i + low : i + low + step] == right[j + low : j + low + step]:
        low += step
        step *= 2
    if low >= limit:
        return limit
    high = min(low + step, limit)  # the first difference is in [low, high]
    while low < high:
        middle = (low + high + 1) // 2
        if left[i + low : i + middle] == right[j + low : j + middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _starts(texts: Sequence[str]) -> Positions:
    """Where each text starts in the joined one."""
    lengths = np.fromiter((len(text) + 1 for text in texts), dtype=np.int64, count=len(texts))
    return np.cumsum(lengths) - lengths


def _place(starts: Positions, position: int) -> Place:
    text = int(np.searchsorted(starts, position, side="right")) - 1
    return Place(text, position - int(starts[text]))
