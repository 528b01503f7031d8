"""What a word tokenizer loses, as train has it, and what that costs.

Shapes: U distinct units, P positions, V vocabulary.
"""

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from inkloom.tokenizers.layout import CASES, POSITIONS, CaseModel, GapModel, layout_of
from inkloom.tokenizers.spelling import Speller
from inkloom.tokenizers.units import LINE_END, NO_CASE, OTHER_GAP, UNKNOWN, Ints, Mode, Units, gap_class

MOST_UNITS = 1 << 19
"""Distinct units that are counted; beyond them, those met once are forgotten. A gigabyte of articles has 2 million."""

SPELT_WORDS = 50_000
"""Words of the vocabulary, and as many outside it, that the speller is fitted on, which takes it a second."""

SPELT_GAPS = 1_000


@dataclass(frozen=True)
class Charges:
    """The models of what the ids of words do not tell, fitted on train."""

    gaps: GapModel
    cases: CaseModel | None
    """None where words keep their capital letters."""

    words: Sequence[str]
    """The vocabulary, which is never spelt."""

    unlisted: Sequence[str]
    """Words of train outside it."""

    other_gaps: Mapping[str, int]
    """White space that is spelt, and how often train has it."""

    telling_nats: float
    """What a lost word pays for being told from a literal `<unk>`."""

    @functools.cached_property
    def speller(self) -> Speller:
        """Of unknown words."""
        known = self.words[:SPELT_WORDS]
        return Speller(dict.fromkeys([*known, *self.unlisted], 1), never=[*known, UNKNOWN])

    @functools.cached_property
    def gap_speller(self) -> Speller:
        """Of white space other than one space."""
        return Speller(self.other_gaps, never=["", " "])

    def to_json(self) -> dict[str, Any]:
        """All but the words."""
        return {
            "gaps": _sparse(self.gaps.counts),
            "cases": None if self.cases is None else _sparse(self.cases.counts),
            "unlisted": list(self.unlisted),
            "other_gaps": dict(self.other_gaps),
            "telling_nats": self.telling_nats,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], words: Sequence[str], vocab_size: int) -> Self:
        """What `to_json` described. Raises KeyError, TypeError, ValueError or IndexError where the data is damaged."""
        cases = data["cases"]
        return cls(
            gaps=GapModel(_dense(data["gaps"], GapModel.SHAPE)),
            cases=None if cases is None else CaseModel(_dense(cases, (vocab_size, POSITIONS, CASES))),
            words=words,
            unlisted=[str(word) for word in data["unlisted"]],
            other_gaps={str(gap): int(times) for gap, times in data["other_gaps"].items()},
            telling_nats=float(data["telling_nats"]),
        )


class Census:
    """Counts what train has of each unit."""

    def __init__(self, mode: Mode) -> None:
        self.units = Units(mode)
        self.times_UP = np.zeros((0, POSITIONS), np.int64)
        self.gap_counts = np.zeros(GapModel.SHAPE, np.int64)
        self.forgotten: set[str] = set()
        self.forgotten_times = 0

    def add(self, texts: Iterable[str]) -> None:
        """Count the units of some texts."""
        for stretch in self.units.read(texts):
            layout = layout_of(stretch, self.units.traits)
            places_N = stretch.units[stretch.own] * POSITIONS + layout.position_N
            times_UP = np.bincount(places_N, minlength=len(self.units.found) * POSITIONS).reshape(-1, POSITIONS)
            times_UP[: len(self.times_UP)] += self.times_UP
            self.times_UP = times_UP
            self.gap_counts += GapModel.count(layout)
        if len(self.units.found) > MOST_UNITS:
            self._forget_what_is_rare()

    def words(self) -> Counter[str]:
        """How often each word occurs; ends of lines and literal `<unk>` are none."""
        times = self._tokens()
        for token in ("", LINE_END, UNKNOWN):
            del times[token]
        return times

    def charges(self, words: Sequence[str], id_of: Callable[[str], int], vocab_size: int) -> Charges:
        """The price of what is lost with a vocabulary of `words`."""
        counts = self.words()
        unlisted = sorted((counts.keys() | self.forgotten) - set(words), key=lambda word: (-counts[word], word))
        lost = sum(counts[word] for word in unlisted) + self.forgotten_times
        unseen = sum(times == 1 for times in counts.values()) + self.forgotten_times
        every = max(1, -(-len(unlisted) // SPELT_WORDS))
        return Charges(
            gaps=GapModel(self.gap_counts),
            cases=CaseModel(self._case_counts(id_of, vocab_size)) if self.units.mode == "basic" else None,
            words=words,
            unlisted=unlisted[::every],
            other_gaps=dict(self._other_gaps().most_common(SPELT_GAPS)),
            telling_nats=telling_nats(lost + unseen, self._tokens()[UNKNOWN]),
        )

    def _forget_what_is_rare(self) -> None:
        """Drop the units met once, but for some of their words, which the speller learns from."""
        keep_U = self.times_UP.sum(axis=1) > 1
        keep_U[0] = True  # the end of a line, which all stretches refer to
        rare = [unit.token for unit, keep in zip(self.units.found, keep_U, strict=True) if not keep and unit.token]
        self.forgotten_times += len(rare)
        self.forgotten.update(rare[: max(0, SPELT_WORDS - len(self.forgotten))])
        self.units, self.times_UP = self.units.kept(keep_U), self.times_UP[keep_U]

    def _tokens(self) -> Counter[str]:
        times: Counter[str] = Counter()
        for unit, count in zip(self.units.found, self.times_UP.sum(axis=1).tolist(), strict=True):
            times[unit.token] += count
        return times

    def _case_counts(self, id_of: Callable[[str], int], vocab_size: int) -> Ints:
        case_U = self.units.traits.case_U
        told_U = case_U != NO_CASE
        id_U = np.array([id_of(unit.token) for unit in self.units.found])
        places_UP = (id_U[:, None] * POSITIONS + np.arange(POSITIONS)) * CASES + case_U[:, None]
        size = vocab_size * POSITIONS * CASES
        counts = np.bincount(places_UP[told_U].ravel(), self.times_UP[told_U].ravel(), size)
        return counts.astype(np.int64).reshape(vocab_size, POSITIONS, CASES)

    def _other_gaps(self) -> Counter[str]:
        times: Counter[str] = Counter()
        for unit, count in zip(self.units.found, self.times_UP.sum(axis=1).tolist(), strict=True):
            if gap_class(unit.gap) == OTHER_GAP:
                times[unit.gap] += count
        return times


def telling_nats(lost: int, literal: int) -> float:
    """What each lost word pays, on average, for being told from the literal `<unk>`s, which pay nothing.

    lost: how many words of held-out text as long as train are to be expected outside the vocabulary: those that train
    itself loses, and as many new ones as occur there once (Good 1953). literal: the `<unk>`s of train.
    """
    if not literal:
        return 0.0
    share = (lost + 1) / (lost + literal + 1)
    return -math.log(share) - (1 - share) / share * math.log(1 - share)


def _sparse(counts: Ints) -> str:
    """The counts that are not zero, as `place:count` with spaces between them; a list would take a line for each."""
    flat = counts.ravel()
    return " ".join(f"{place}:{flat[place]}" for place in np.flatnonzero(flat).tolist())


def _dense(text: str, shape: tuple[int, ...]) -> Ints:
    counts = np.zeros(math.prod(shape), np.int64)
    for item in text.split():
        place, _, count = item.partition(":")
        counts[int(place)] = int(count)
    return counts.reshape(shape)
