"""What it costs to tell how tokens are laid out: the gap before each, and its capital letters.

A tokenizer of words keeps neither. So that a model of words and a model of characters can be compared, somebody has to
pay for both, and these two models of train say how much. They know the tokens, which the language model pays for:

- A gap is nothing, one space, or other white space, which is spelt. It depends on the kinds of the tokens before and
  behind, and on the gap before the token before: a quotation mark opens behind a space, or where a line begins.
- The case of a token depends on the token, and on whether a line or a sentence begins there.

Each probability is that of train, in contexts from the most general to the whole; each takes the one before it as if it
had been seen PRIOR times. The probabilities of all that could have stood in a place sum to 1.

Shapes: N tokens, V vocabulary, U distinct units.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inkloom.tokenizers.units import (
    AT_LINE_END,
    FIRST_MARK,
    KINDS,
    LOWER,
    NO_CASE,
    NO_GAP,
    OTHER_GAP,
    PUNCTUATION,
    SPACE,
    UPPER,
    Ints,
    Stretch,
    Traits,
)

GAPS = 1 + OTHER_GAP
CASES = NO_CASE
LINE_START, SENTENCE_START, INSIDE = range(3)
POSITIONS = 1 + INSIDE

PRIOR = 1.0

Floats = NDArray[np.float64]

_COMMA = FIRST_MARK + PUNCTUATION.index(",")
_POSITION_BEHIND = np.full(KINDS, INSIDE)
_POSITION_BEHIND[AT_LINE_END] = LINE_START
_POSITION_BEHIND[[FIRST_MARK + PUNCTUATION.index(mark) for mark in ".?!:…\"'“‘„«"]] = SENTENCE_START


class Layout(NamedTuple):
    """How N tokens are laid out."""

    before_N: Ints
    """The kind of the token before each."""

    gap_before_N: Ints
    """The gap before that one: SPACE at the start of a line, NO_GAP where it is the end of a line itself."""

    kind_N: Ints
    gap_N: Ints
    case_N: Ints

    @property
    def position_N(self) -> Ints:
        """Where each token stands: LINE_START, SENTENCE_START or INSIDE."""
        return np.asarray(_POSITION_BEHIND[self.before_N])


def layout_of(stretch: Stretch, traits: Traits) -> Layout:
    """How the units of a stretch are laid out."""
    kinds, gaps = traits.kind_U[stretch.units], traits.gap_U[stretch.units]
    gaps_seen = np.where(kinds[:-2] == AT_LINE_END, SPACE, gaps[1:-1])
    own_N = np.flatnonzero(stretch.own)
    before_N = kinds[own_N - 1]
    gap_before_N = np.where(before_N == AT_LINE_END, NO_GAP, gaps_seen[own_N - 2])
    return Layout(before_N, gap_before_N, kinds[own_N], gaps[own_N], traits.case_U[stretch.units[own_N]])


class GapModel:
    """The probability of a gap. `counts` of train: (kind before, gap before that, kind, gap)."""

    SHAPE = (KINDS, GAPS, KINDS, GAPS)

    def __init__(self, counts: Ints) -> None:
        self.counts = counts
        self._nats = _nats(counts, ((0, 1, 2), (0, 1), (1,), ()))

    @classmethod
    def count(cls, layout: Layout) -> Ints:
        """The counts of a stretch of text."""
        places_N = np.ravel_multi_index((layout.before_N, layout.gap_before_N, layout.kind_N, layout.gap_N), cls.SHAPE)
        return np.bincount(places_N, minlength=int(np.prod(cls.SHAPE))).reshape(cls.SHAPE)

    def nats(self, layout: Layout) -> float:
        """The price of all gaps of a stretch, less the spelling of other white space."""
        return float(self._nats[layout.before_N, layout.gap_before_N, layout.kind_N, layout.gap_N].sum())

    def usual(self, before: int, gap_before: int, kind: int) -> int:
        """NO_GAP or SPACE, whichever is more usual there; lines begin without."""
        if before == AT_LINE_END:
            return NO_GAP
        return int(self._nats[before, gap_before, kind, [NO_GAP, SPACE]].argmin())

    @property
    def commas_stand_apart(self) -> bool:
        """Whether train was tokenised before, so that there is a space before most commas."""
        of_commas = self.counts[:, :, _COMMA].sum(axis=(0, 1))
        return bool(of_commas[SPACE] > of_commas[NO_GAP])


class CaseModel:
    """The probability of a token's case. `counts` of train: (V, position, case)."""

    def __init__(self, counts: Ints) -> None:
        self.counts = counts
        self._nats = _nats(counts, ((0, 1), (0,), ()))

    def nats(self, tokens_N: Ints, layout: Layout) -> float:
        """The price of all cases of a stretch, less what they cost beyond their names; NO_CASE costs nothing."""
        told_N = layout.case_N != NO_CASE
        return float(self._nats[tokens_N[told_N], layout.position_N[told_N], layout.case_N[told_N]].sum())

    def usual(self, token: int, before: int) -> int:
        """LOWER, TITLE or UPPER, whichever is most usual for a token behind one of this kind."""
        return int(self._nats[token, _POSITION_BEHIND[before], LOWER : UPPER + 1].argmin())


def _nats(counts: Ints, summed_over: tuple[tuple[int, ...], ...]) -> Floats:
    """-ln p of the last axis given the others; `summed_over`: the axes that each context leaves out."""
    outcomes = counts.shape[-1]
    probs = np.full(outcomes, 1 / outcomes)
    for axes in summed_over:
        own = counts.sum(axis=axes, keepdims=True)
        probs = (own + PRIOR * probs) / (own.sum(axis=-1, keepdims=True) + PRIOR)
    return np.asarray(-np.log(probs))
