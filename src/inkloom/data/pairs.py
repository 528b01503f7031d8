"""Pairs of a source and a target as ids, in batches of nearly equal lengths.

An epoch sorts the pairs by length, those of one length in an order drawn from (seed, epoch), cuts them into batches of
about as many tokens, and reads the batches in a drawn order. The lengths of the batches are the same in every epoch, so
`batch(step)` needs nothing but the step.

Shapes: B rows, S tokens of a source, T tokens of a target, N pairs, K batches of an epoch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inkloom.corpus.base import Part
from inkloom.data.batches import Batches, side_by_side
from inkloom.data.encoded import EncodedPart, encode_part
from inkloom.errors import InputError
from inkloom.tokenizers import Ids, Tokenizer

if TYPE_CHECKING:
    from rich.console import Console

MULTIPLE = 4
"""Of which the padded lengths of a batch are, so that batches have few shapes: for each shape a matrix product has,
oneDNN keeps code and memory and malloc finds other holes. A hundred shapes take 2.0 GB where these two dozen take 1.1
and one takes 0.8, at the same speed: what padding costs, the code that need not be made gains."""

NO_TARGET = -1
"""In the place of a target where a row is padded."""


class PairBatch(NamedTuple):
    """What one step reads and must predict. Rows are padded with zeros; targets are the inputs one token later."""

    sources_BS: Tensor
    source_lengths_B: Tensor
    inputs_BT: Tensor
    targets_BT: Tensor


@dataclass(frozen=True)
class Side:
    """Short texts as ids, one after the other, each closed by the end token."""

    encoded: EncodedPart
    end_id: int

    @cached_property
    def stops(self) -> NDArray[np.int64]:
        """(N + 1,): where each text's ids start, and behind the last where it ends."""
        return np.flatnonzero(self.encoded.ids == self.end_id) + 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(N,): the tokens of each, its end token included."""
        return np.diff(self.stops)

    def __len__(self) -> int:
        return len(self.stops) - 1

    def __getitem__(self, number: int) -> Ids:
        """The ids of one text, its end token included."""
        return self.encoded.ids[self.stops[number] : self.stops[number + 1]]


@dataclass(frozen=True)
class EncodedPairs:
    """One split of pairs as ids."""

    sources: Side
    targets: Side

    def __len__(self) -> int:
        return len(self.targets)

    def within(self, longest: int) -> NDArray[np.int64]:
        """The numbers of the pairs with at most so many tokens on either side."""
        return np.flatnonzero(np.maximum(self.sources.lengths, self.targets.lengths) <= longest)

    def by_length(self, numbers: NDArray[np.int64], draw_N: NDArray[np.float64]) -> NDArray[np.int64]:
        """These pairs by the target's length, then the source's, then a number drawn for each."""
        return numbers[np.lexsort((draw_N, self.sources.lengths[numbers], self.targets.lengths[numbers]))]

    def bounds(self, numbers: NDArray[np.int64], most: int, tokens: int) -> NDArray[np.int64]:
        """Where batches of pairs in this order begin and end: each as large as fits, rows times the padded length."""
        bounds = [0]
        padded = 0
        lengths = np.maximum(self.sources.lengths[numbers], self.targets.lengths[numbers])
        for place, length in enumerate(lengths.tolist()):
            padded = max(padded, _padded_length(length, most))
            if (place + 1 - bounds[-1]) * padded > tokens:
                bounds.append(place)
                padded = _padded_length(length, most)
        return np.array([*bounds, len(numbers)])

    def in_batches(self, longest: int, tokens: int) -> Iterator[NDArray[np.int64]]:
        """The numbers of all pairs with at most `longest` tokens a side, by length, at most `tokens` of a side at once.

        tokens: at least `longest`.
        """
        within = self.within(longest)
        numbers = self.by_length(within, np.zeros(len(within)))
        for first, last in pairwise(self.bounds(numbers, longest, tokens).tolist()):
            if last > first:
                yield numbers[first:last]

    def batch(self, numbers: Sequence[int] | NDArray[np.int64], most: int) -> PairBatch:
        """Some of the pairs side by side, padded to at most `most` tokens; no side has more."""
        sources = [self.sources[number] for number in numbers]
        targets = [self.targets[number] for number in numbers]
        end = np.array([self.targets.end_id])
        return PairBatch(
            _padded(sources, 0, most),
            torch.tensor([len(source) for source in sources]),
            _padded([np.concatenate([end, target[:-1]]) for target in targets], 0, most),
            _padded(targets, NO_TARGET, most),
        )


def encode_pairs(
    source_tokenizer: Tokenizer, target_tokenizer: Tokenizer, part: Part, console: "Console | None" = None
) -> EncodedPairs:
    """A split's sources and targets as ids. Raises InputError for a split whose texts have no sources."""
    if part.conditions is None:
        raise InputError(f"The texts of {part.name} have no sources. Give pairs: --source FILE --target FILE.")
    sources = Part(f"{part.name} sources", part.conditions, part.end_chars, documents=True)
    return EncodedPairs(
        Side(encode_part(source_tokenizer, sources, console), source_tokenizer.end_id),
        Side(encode_part(target_tokenizer, part, console), target_tokenizer.end_id),
    )


class PairBatches(Batches[PairBatch]):
    """The pairs of a split in batches of at most `tokens` a side, padding included; a longer pair is left out."""

    def __init__(self, pairs: EncodedPairs, tokens: int, longest: int, seed: int) -> None:
        """longest: tokens of a source or a target, end token included, that a model can read.

        Raises InputError where no pair is as short as that.
        """
        self.pairs = pairs
        self.seed = seed
        self.most = min(longest, tokens)
        self.numbers_N = pairs.within(self.most)
        self.left_out = len(pairs) - len(self.numbers_N)
        if not len(self.numbers_N):
            raise InputError(
                f"No pair has at most {self.most} tokens a side. Give a larger -o model.context_length, or "
                "a --batch-size and --seq-len whose product is larger."
            )
        in_order = pairs.by_length(self.numbers_N, np.zeros(len(self.numbers_N)))
        self.bounds_K = pairs.bounds(in_order, self.most, tokens)

    @property
    def steps_per_epoch(self) -> int:
        """Batches that read every pair once."""
        return len(self.bounds_K) - 1

    @property
    def tokens_per_step(self) -> int:
        """Target tokens of a batch, on the average."""
        return round(int(self.pairs.targets.lengths[self.numbers_N].sum()) / self.steps_per_epoch)

    def batch(self, step: int) -> PairBatch:
        epoch, place = divmod(step, self.steps_per_epoch)
        numbers_N, order_K = self._epoch(epoch)
        first, last = self.bounds_K[order_K[place]], self.bounds_K[order_K[place] + 1]
        return self.pairs.batch(numbers_N[first:last], self.most)

    @lru_cache(maxsize=1)  # noqa: B019  a pure function of the epoch; one source lives as long as its training
    def _epoch(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pairs by length, and the order of the batches."""
        generator = self.generator(epoch)
        in_order = self.pairs.by_length(self.numbers_N, generator.random(len(self.numbers_N)))
        return in_order, generator.permutation(self.steps_per_epoch)


def _padded_length(longest: int, most: int) -> int:
    """Tokens of a row of a batch whose longest has so many."""
    return min(-(-longest // MULTIPLE) * MULTIPLE, most)


def _padded(rows: Sequence[Ids], value: int, most: int) -> Tensor:
    return side_by_side(rows, value, _padded_length(max(map(len, rows)), most))
