"""The leak check: text that stands both in train and in a held-out part, where a score would count memory as skill.

Every window of `min_chars` characters of both parts is hashed by a rolling polynomial (Karp and Rabin, 1987), in NumPy
with arithmetic modulo 2**64. Equal hashes are only candidates: every span that is reported was compared character by
character. Train is read in a stream; where held-out parts are larger than MOST_CHARS, that much is checked, from all
over them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inkloom.corpus.base import Part
from inkloom.corpus.pieces import in_batches
from inkloom.threads import available_cores, in_order

# Below 60, honest splits of ordinary text share set phrases ("by the Recording Industry Association of America"):
# 7 of 50 characters in 0.6 million of Wikipedia, 3 in 0.1 million of captions. From 60 on only copies remained in
# plays, articles, sayings and captions.
MIN_CHARS = 60

# Rules such as "-----" and rows of spaces recur everywhere; a span of words has more different characters than this.
FEWEST_DISTINCT = 10

EXCERPT_CHARS = 80

# Of held-out parts together: the tables for them take 300 MB.
MOST_CHARS = 8_000_000
SPANS = 64  # of a running text, in which they lie

# As often as that a window of train is counted; one that recurs more often need not be looked for any longer.
MOST_TIMES = 100
CHUNKS_BETWEEN = 64  # after so many, what need not be looked for is taken out of the table

# Texts are joined by a character that no decoded text holds (a lone surrogate), another one on each side, so that no
# match runs across the end of a text.
TRAIN_SEPARATOR, HELD_OUT_SEPARATOR = "\ud800", "\ud801"

Hashes = NDArray[np.uint64]
Positions = NDArray[np.int64]

BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64
CHUNK = 1 << 18  # windows hashed at a time; the arrays then stay in a processor's cache


@dataclass(frozen=True)
class Place:
    """Where a span starts: the text's index within the part, and the character within that text."""

    text: int
    start: int


@dataclass(frozen=True)
class Leak:
    """A stretch of held-out text, `length` characters from `held_out` on, every window of which stands in train.

    train: where its longest unbroken piece stands there. times_in_train: how often train has its windows (the median,
    about MOST_TIMES at most); above 1 it is something that the text itself repeats, such as a refrain or a licence.
    """

    held_out: Place
    train: Place
    length: int
    times_in_train: int
    excerpt: str


@dataclass(frozen=True)
class LeakReport:
    """What a held-out part shares with train.

    chars, texts: how many were checked. all_chars: of the part; more, where it is so large that some were checked.
    leaks: disjoint, in the held-out part's order, each at least `min_chars` long; their places are those in what was
    checked.
    duplicates: indices of held-out documents that are also whole documents of train, however short.
    """

    held_out: str
    chars: int
    texts: int
    all_chars: int
    min_chars: int
    leaks: tuple[Leak, ...]
    duplicates: tuple[int, ...]

    @property
    def partial(self) -> bool:
        """Whether only some of the held-out part was checked."""
        return self.chars < self.all_chars

    @cached_property
    def covered_chars(self) -> int:
        """Characters, of those that were checked, that stand in train too."""
        return sum(leak.length for leak in self.leaks)

    @property
    def share(self) -> float:
        """`covered_chars` as a share of what was checked, 0 to 1."""
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
            "checked_characters": self.chars,
            "spans": len(self.leaks),
            "duplicate_documents": len(self.duplicates),
            "summary": self.summary(),
        }

    def summary(self) -> str:
        """One line that says how much is shared, of what kind, and the heaviest example."""
        held_out = f"{self.chars:,} characters from all over {self.held_out}" if self.partial else self.held_out
        same = ""
        if self.duplicates:
            verb = "is" if len(self.duplicates) == 1 else "are"
            same = f" {len(self.duplicates):,} of its {self.texts:,} documents {verb} in train word for word."
        if not self.leaks:
            share = "share" if self.partial else "shares"
            return f"{held_out} {share} no span of {self.min_chars} characters with train.{same}"
        repeated = sum(leak.length for leak in self.leaks if leak.times_in_train > 1)
        spans = "1 span" if len(self.leaks) == 1 else f"{len(self.leaks):,} spans"
        part = repeated / self.covered_chars
        kind = f", {part:.0%} of it text that train itself repeats" if part >= 0.005 else ""
        longest = max(self.leaks, key=lambda leak: leak.length)
        return (
            f"{self.share:.2%} of {held_out} ({self.covered_chars:,} characters in {spans} of {self.min_chars} or "
            f"more) stands in train too{kind}.{same} The longest, {longest.length:,} characters: {longest.excerpt!r}."
        )


def find_leaks(train: Part, held_out: Part, min_chars: int = MIN_CHARS) -> LeakReport:
    """Every span of `held_out`, at least `min_chars` long, that stands in `train` too.

    Spans never run across the end of a text. Spans of fewer than 10 different characters (rules, blank space) are
    left out.
    """
    (report,) = find_all_leaks(train, [held_out], min_chars)
    return report


def find_all_leaks(
    train: Part,
    held_out: Sequence[Part],
    min_chars: int = MIN_CHARS,
    advance: Callable[[int], object] = lambda done: None,
) -> list[LeakReport]:
    """`find_leaks` for several held-out parts, for which train is read once.

    advance: hears of every stretch of train that was read, in characters.
    """
    checked = _some_of(held_out)
    together = Part("held out", tuple(text for part in checked for text in part.texts))
    leaks = _leaks(train, together, min_chars, advance)
    reports, first_text = [], 0
    for part, of_part in zip(held_out, checked, strict=True):
        own = [
            replace(leak, held_out=Place(leak.held_out.text - first_text, leak.held_out.start))
            for leak in leaks
            if 0 <= leak.held_out.text - first_text < len(of_part.texts)
        ]
        duplicates = _duplicates(train, of_part) if train.documents and part.documents else ()
        reports.append(
            LeakReport(part.name, of_part.chars, len(of_part.texts), part.chars, min_chars, tuple(own), duplicates)
        )
        first_text += len(of_part.texts)
    return reports


def _leaks(train: Part, held_out: Part, min_chars: int, advance: Callable[[int], object]) -> list[Leak]:
    """What `held_out` shares with train, in its order."""
    in_train, in_held_out = _Joined(train, TRAIN_SEPARATOR), _Joined(held_out, HELD_OUT_SEPARATOR)
    held_text = "".join(in_held_out.blocks())
    windows, places, counts = _shared_windows(in_train, held_text, min_chars, advance)
    leaks = []
    for stretch in _verified(in_train, held_text, windows, places, min_chars):
        text = held_text[stretch.start : stretch.stop]
        if len(set(text)) < FEWEST_DISTINCT:
            continue
        first, last = np.searchsorted(windows, [stretch.start, stretch.stop - min_chars + 1])
        excerpt = held_text[stretch.piece : min(stretch.stop, stretch.piece + EXCERPT_CHARS)]
        leak = Leak(
            held_out=in_held_out.place(stretch.start),
            train=in_train.place(stretch.origin),
            length=stretch.stop - stretch.start,
            times_in_train=int(np.median(counts[first:last])),
            excerpt=" ".join(excerpt.split()),
        )
        leaks.append(leak)
    return leaks


def _some_of(held_out: Sequence[Part]) -> list[Part]:
    """Held-out parts as far as they are checked: all, or of large ones an equal share of MOST_CHARS."""
    share = MOST_CHARS // len(held_out)
    if sum(part.chars for part in held_out) <= MOST_CHARS:
        return list(held_out)
    return [_from_all_over(part, share) if part.chars > share else part for part in held_out]


def _from_all_over(part: Part, chars: int) -> Part:
    """So many characters, in memory: spans of a running text at equal distances, or every so many-th document."""
    if len(part.texts) == 1:
        starts = np.linspace(0, part.chars, SPANS, endpoint=False).astype(int).tolist()
        some = part.spans((start, start + chars // SPANS) for start in starts)
    else:
        some = part.select(np.arange(0, len(part.texts), -(-part.chars // chars)))
    return some.head(chars)


def _duplicates(train: Part, held_out: Part) -> tuple[int, ...]:
    """The numbers of held-out documents that are documents of train."""
    wanted = set(held_out.texts)
    found = {text for text in train.texts if text in wanted}
    return tuple(number for number, text in enumerate(held_out.texts) if text in found)


class _Joined:
    """The texts of a part one behind the other, a separator behind each, so that a number is a place."""

    def __init__(self, part: Part, separator: str) -> None:
        self._part = part
        self._separator = separator
        self._starts = np.cumsum(part.lengths + 1) - (part.lengths + 1)

    def blocks(self) -> Iterator[str]:
        """All of it, in blocks."""
        for batch in in_batches(self._part.pieces()):
            yield "".join(piece.text + self._separator if piece.ends else piece.text for piece in batch)

    def chunks(self, width: int) -> Iterator["_Chunk"]:
        """All of it, in chunks whose windows are all there is."""
        return _chunks(self.blocks(), width)

    def place(self, position: int) -> Place:
        """The text and the character there."""
        text = int(np.searchsorted(self._starts, position, side="right")) - 1
        return Place(text, position - int(self._starts[text]))

    def excerpt(self, position: int, length: int) -> str:
        """So many characters from a place on, or as many as its text has."""
        place = self.place(position)
        return self._part.excerpt(place.text, place.start, place.start + length)


def _shared_windows(
    train: _Joined, held_out: str, width: int, advance: Callable[[int], object]
) -> tuple[Positions, Positions, NDArray[np.uint32]]:
    """Held-out windows whose hash a window of train has: (their starts, the first such start in train, how many)."""
    keys = _distinct_hashes(held_out, width)
    first = np.full(len(keys), -1, dtype=np.int64)
    count = np.zeros(len(keys), dtype=np.uint32)
    table = _Table(keys, np.arange(len(keys), dtype=np.uint32), width)
    with ThreadPoolExecutor(available_cores()) as pool:
        # Each chunk is looked up in the table as it is by then.
        found = in_order(pool, lambda chunk: table.find(chunk), train.chunks(width), at_once=2 * available_cores())
        for done, (chunk, starts, index) in enumerate(found, start=1):
            new = first[index] < 0
            first[index[new][::-1]] = starts[new][::-1]  # backwards: of equal windows the first is written last, stays
            np.add.at(count, index, np.uint32(1))  # of the same type: 50 times as fast as with 1
            advance(len(chunk.text))
            if done % CHUNKS_BETWEEN == 0:
                table = table.without(count[table.index] >= MOST_TIMES)
    in_train = np.flatnonzero(count).astype(np.uint32)
    table = _Table(keys[in_train], in_train, width)
    windows = [table.find(chunk) for chunk in _chunks([held_out], width)]
    starts = np.concatenate([np.zeros(0, np.int64), *(starts for _, starts, _ in windows)])
    index = np.concatenate([np.zeros(0, np.uint32), *(index for _, _, index in windows)])
    return starts, first[index], np.minimum(count[index], MOST_TIMES)


class _Chunk(NamedTuple):
    """Some text and its place; each but the first repeats the end of the one before, so that no window is lost."""

    start: int
    text: str


def _chunks(blocks: Iterable[str], width: int) -> Iterator[_Chunk]:
    """A text, given in blocks, in chunks of CHUNK windows."""
    start, held = 0, ""
    for block in blocks:
        held += block
        while len(held) >= CHUNK + width - 1:
            yield _Chunk(start, held[: CHUNK + width - 1])
            start, held = start + CHUNK, held[CHUNK:]
    if len(held) >= width:
        yield _Chunk(start, held)


def _distinct_hashes(text: str, width: int) -> Hashes:
    """The hashes of all windows, ascending, each once."""
    keys = np.empty(max(0, len(text) - width + 1), np.uint64)
    for chunk in _chunks([text], width):
        hashes = _hashes(chunk.text, width)
        keys[chunk.start : chunk.start + len(hashes)] = hashes
    keys.sort()
    new = np.ones(len(keys), dtype=np.bool_)
    new[1:] = keys[1:] != keys[:-1]
    return keys[new]


class _Table:
    """Hashes that are looked for, ascending, and the `index` of each.

    A table of flags, one for each value of a hash's highest bits, thins windows out to some 10 % first. The look-up
    goes through sorted hashes, since a binary search by random ones misses the cache at every step (20 times slower).
    """

    def __init__(self, keys: Hashes, index: NDArray[np.uint32], width: int) -> None:
        self.keys = keys
        self.index = index
        self._width = width
        bits = min(max(16, (8 * len(keys)).bit_length()), 26)  # at most 64 MB; 8 flags a key for MOST_CHARS
        self._shift = np.uint64(64 - bits)  # the highest bits depend on all characters, the lowest on few
        self._flags = np.zeros(1 << bits, dtype=np.bool_)
        self._flags[keys >> self._shift] = True

    def without(self, done: NDArray[np.bool_]) -> "_Table":
        """The table without some of its hashes; itself where they are too few to be worth it."""
        return self if done.mean() < 0.5 else _Table(self.keys[~done], self.index[~done], self._width)

    def find(self, chunk: _Chunk) -> tuple[_Chunk, Positions, NDArray[np.uint32]]:
        """The chunk, and (starts, indices) of its windows whose hash is looked for, in order."""
        hashes = _hashes(chunk.text, self._width)
        maybe = np.flatnonzero(self._flags[hashes >> self._shift])
        order = np.argsort(hashes[maybe])
        candidates = hashes[maybe[order]]
        places = np.searchsorted(self.keys, candidates)
        real = self.keys[np.minimum(places, len(self.keys) - 1)] == candidates if len(self.keys) else places < 0
        back = np.argsort(maybe[order[real]])
        return chunk, chunk.start + maybe[order[real]][back], self.index[places[real]][back]


def _hashes(text: str, width: int) -> Hashes:
    """The hashes of all windows of `width` characters of a chunk.

    The hash of the window at i is the sum of c[i + j] * BASE**j: a difference of two running sums of c[k] * BASE**k,
    brought down by BASE**-i.
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    powers, inverse_powers = _powers(CHUNK + width)
    sums = np.zeros(len(codes) + 1, dtype=np.uint64)
    np.cumsum(codes * powers[: len(codes)], out=sums[1:])
    count = len(codes) - width + 1
    hashes: Hashes = (sums[width:] - sums[:count]) * inverse_powers[:count]
    return hashes


@lru_cache(maxsize=1)
def _powers(count: int) -> tuple[Hashes, Hashes]:
    """BASE and its inverse to the power of 0, 1, … modulo 2**64."""
    factors = np.full((2, count), BASE, dtype=np.uint64)
    factors[1] = pow(BASE, -1, 1 << 64)
    factors[:, 0] = 1
    powers, inverse_powers = np.cumprod(factors, axis=1, dtype=np.uint64)
    return powers, inverse_powers


class _Stretch(NamedTuple):
    """Held-out text from `start` to `stop` that stands in train, its longest unbroken `piece` at `origin` there."""

    start: int
    stop: int
    piece: int
    origin: int


def _verified(train: _Joined, held_out: str, starts: Positions, origins: Positions, width: int) -> Iterator[_Stretch]:
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


def _common_length(train: _Joined, origin: int, held_out: str, position: int) -> int:
    """How many characters are equal from two places on, to the end of the nearer text's end at most."""
    length, step = 0, 64
    while True:
        left = train.excerpt(origin + length, step)
        right = held_out[position + length : position + length + step]
        if left != right or len(left) < step:
            return length + _common_beginning(left, right)
        length, step = length + step, 2 * step


def _common_beginning(left: str, right: str) -> int:
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
