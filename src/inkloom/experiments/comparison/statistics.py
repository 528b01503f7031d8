"""How certain a score is: intervals and paired tests by a bootstrap over blocks of the held-out text and over seeds.

A score would have come out otherwise on another piece of the same kind of text, and with other random numbers. The
bootstrap (Efron 1979) imitates both: it draws blocks of text and seeds with replacement and looks how far their mean
strays from the mean of all. Three things are done about what a plain bootstrap gets wrong here:

- Neighbouring tokens are hard or easy together, so whole blocks are drawn (Künsch 1989): of BLOCK_CHARS characters,
  and twice as long again for as long as neighbouring blocks resemble each other more than chance allows. An LSTM's
  scores of 1,000 characters have a correlation of 0.2 with the next ones within a play of Shakespeare's; on the last
  tenth of tiny-Shakespeare, the end of one play and the beginning of a harder one, it is 0.6.
- The mean of n drawn values strays too little, by the factor (n - 1) / n in the variance, and a variance known from n
  values is itself uncertain. Each deviation is therefore multiplied by sqrt(n / (n - 1)), and by sqrt(f / chi2) with
  f = n - 1 degrees of freedom, which makes Student's t of it for normal values. Three seeds that differ more than the
  blocks do are then covered 94 times in 100, where the plain bootstrap manages 77.
- The deviations of blocks and of seeds are added. With one seed only the blocks are left: the interval then
  speaks of these very runs.

Models are compared on the differences of what they pay for the same tokens, so what is hard for both does not count.

Shapes: S seeds, T tokens, B blocks.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

BLOCK_CHARS = 1000

FEWEST_BLOCKS = 12
"""Blocks are not lengthened below this number. Student's t makes up for the few: its 95 % interval is 1.12 times as
wide as a normal one."""

MOST_BLOCKS = 1000
"""Of a long text the blocks are longer instead: more would cost time and tell nothing more."""

DRAWS = 10_000
COVERAGE = 0.95


@dataclass(frozen=True)
class HeldOut:
    """What turns nats per token into bits per character on one split. The charge for lost text is part of the score."""

    tokens: int
    chars: int
    charge_nats: float

    def bits_per_char(self, nats_per_token: float) -> float:
        return (nats_per_token * self.tokens + self.charge_nats) / self.chars / math.log(2)


@dataclass(frozen=True)
class Interval:
    """A mean in bits per character, and where 95 in 100 such intervals hold the true one."""

    mean: float
    low: float
    high: float
    seeds: int
    blocks: int
    correlation: float
    """Of neighbouring blocks: near 0 where they are as independent as the interval takes them to be."""

    def as_json(self) -> dict[str, float]:
        return {"mean": self.mean, "low": self.low, "high": self.high}


def interval(nats_ST: Floats, held_out: HeldOut) -> Interval:
    """The score of a model from what each of its runs (one a seed) pays for every token, in nats.

    The same runs give the same interval.
    """
    blocks_B = independent_blocks(_mean_over_seeds(nats_ST), held_out)
    rng = np.random.default_rng(0)
    deviations = bootstrap_deviations(rng, blocks_B) + bootstrap_deviations(rng, _mean_over_tokens(nats_ST))
    scale = held_out.tokens / held_out.chars / math.log(2)
    low, high = scale * np.quantile(deviations, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    mean = held_out.bits_per_char(float(_mean_over_tokens(nats_ST).mean()))
    return Interval(mean, mean + float(low), mean + float(high), len(nats_ST), len(blocks_B), correlation(blocks_B))


def difference_p_value(nats_ST: Floats, other_ST: Floats, held_out: HeldOut) -> float:
    """How often chance alone would set two models at least this far apart on this text, from 0 to 1.

    Both have read the same T tokens; their numbers of seeds may differ. Two-sided.
    """
    difference_T = _mean_over_seeds(nats_ST) - _mean_over_seeds(other_ST)
    rng = np.random.default_rng(0)
    of_text = bootstrap_deviations(rng, independent_blocks(difference_T, held_out))
    of_seeds = bootstrap_deviations(rng, _mean_over_tokens(nats_ST), _mean_over_tokens(other_ST))
    deviations = of_text + of_seeds
    as_far = np.abs(deviations) >= abs(float(difference_T.mean()))
    return float((1 + as_far.sum()) / (1 + len(deviations)))


def bootstrap_deviations(rng: np.random.Generator, *samples: Floats) -> NDArray[np.float64]:
    """(DRAWS,): how far the sum of the samples' means may stray, by a bootstrap mended for small samples (see above).

    Samples of several values share the degrees of freedom, as if their values were equally scattered. A sample of one
    value tells nothing of how others would be, and adds nothing.
    """
    samples = tuple(values for values in samples if len(values) > 1)
    freedom = sum(len(values) - 1 for values in samples)
    if not freedom:
        return np.zeros(DRAWS)
    strayed = sum(_bootstrap_means(values, rng) for values in samples)
    return np.asarray(strayed * np.sqrt(freedom / rng.chisquare(freedom, size=DRAWS)))


def _bootstrap_means(values: Floats, rng: np.random.Generator) -> NDArray[np.float64]:
    """(DRAWS,): means of n values drawn with replacement, from the mean of all, with the variance mended."""
    n = len(values)
    centred = np.asarray(values, dtype=np.float64) - np.mean(values, dtype=np.float64)
    # A thousand draws at a time: all at once would take 80 MB for the longest texts.
    sizes = np.diff([*range(0, DRAWS, 1000), DRAWS])
    means = np.concatenate([centred[rng.integers(n, size=(size, n))].mean(axis=1) for size in sizes])
    return np.asarray(means * math.sqrt(n / (n - 1)))


def independent_blocks(values_T: Floats, held_out: HeldOut) -> NDArray[np.float64]:
    """(B,): the means of blocks so long that neighbours are nearly independent, or of the longest there can be.

    They are lengthened while their correlation is above 2 / sqrt(B), which independent blocks exceed once in 40
    times (Bartlett 1946).
    """
    count = int(np.clip(held_out.chars / BLOCK_CHARS, FEWEST_BLOCKS, MOST_BLOCKS))
    means_B = block_means(values_T, min(count, len(values_T)))
    while len(means_B) >= 2 * FEWEST_BLOCKS and correlation(means_B) > 2 / math.sqrt(len(means_B)):
        means_B = block_means(values_T, len(means_B) // 2)
    return means_B


def block_means(values_T: Floats, blocks: int) -> NDArray[np.float64]:
    """(B,): the means of contiguous blocks, whose lengths differ by at most one token."""
    bounds = np.linspace(0, len(values_T), blocks + 1).astype(np.int64)
    sums_B = np.add.reduceat(np.asarray(values_T, dtype=np.float64), bounds[:-1])
    return np.asarray(sums_B / np.diff(bounds))


def correlation(values: Floats) -> float:
    """Of each value with the next one, from -1 to 1; 0 where there are too few or all are the same."""
    centred = np.asarray(values, dtype=np.float64) - np.mean(values, dtype=np.float64)
    spread = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / spread if len(values) > 2 and spread > 0 else 0.0


def _mean_over_seeds(nats_ST: Floats) -> NDArray[np.float64]:
    return np.asarray(np.mean(nats_ST, axis=0, dtype=np.float64))


def _mean_over_tokens(nats_ST: Floats) -> NDArray[np.float64]:
    return np.asarray(np.mean(nats_ST, axis=1, dtype=np.float64))
