"""Training batches as pure functions of the step.

A source reads the train split as a ring: after the last token comes the end token that opens it, then the first. Each
epoch cuts the ring at another place, drawn from (seed, epoch), so that over the epochs every token is seen in every
position of a window, and `batch(step)` needs nothing but the step.

Shapes: B rows, T tokens.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inkloom.registry import Registry
from inkloom.tokenizers import Ids

BatchT = TypeVar("BatchT")

HALVED = 0.05
"""How often a random length is around half of `seq_len`."""

SPREAD = 1 / 14
"""Standard deviation of a random length, as a share of `seq_len`: 5 of the paper's 70 tokens."""


class Batch(NamedTuple):
    """What one step reads and what it must predict: targets are the inputs one token later."""

    inputs_BT: Tensor
    targets_BT: Tensor
    carries: bool
    """Whether every row goes on where the same row of the batch before it ended."""


class Batches(ABC, Generic[BatchT]):
    """What a training reads: a batch is a pure function of (seed, step)."""

    seed: int

    @property
    @abstractmethod
    def steps_per_epoch(self) -> int:
        """Batches that read train once; at least 1."""

    @abstractmethod
    def batch(self, step: int) -> BatchT:
        """The batch of a step, counted from 0 over all epochs."""

    def batches_from(self, step: int) -> Iterator[BatchT]:
        """The batches of this step and of all that follow, without end."""
        while True:
            yield self.batch(step)
            step += 1

    def generator(self, epoch: int) -> np.random.Generator:
        """The random numbers of one epoch."""
        return np.random.default_rng([self.seed, epoch])


def side_by_side(rows: Sequence[Ids], value: int, length: int | None = None) -> Tensor:
    """Rows of ids filled up behind with a value, to a length or to that of the longest: (B, length) int64."""
    filled_BT = np.full((len(rows), length or max(map(len, rows))), value, np.int64)
    for row_T, ids in zip(filled_BT, rows, strict=True):
        row_T[: len(ids)] = ids
    return torch.from_numpy(filled_BT)


class BatchSource(Batches[Batch]):
    """A split cut into batches, but for the tokens that fill no whole batch of an epoch.

    `ids` is an encoded part: the end token, then every token of the split.
    """

    def __init__(self, ids: Ids, batch_size: int, seq_len: int, seed: int) -> None:
        self.ids = ids
        self.batch_size = batch_size
        self.seq_len = seq_len
        self.seed = seed

    @abstractmethod
    def starts(self, step: int) -> tuple[NDArray[np.int64], bool]:
        """Where on the ring each row of this step's batch starts, and whether the rows carry on."""

    def length(self, step: int) -> int:
        """Tokens in a row of this step's batch: `seq_len`, or so many on the average of an epoch."""
        del step
        return self.seq_len

    def batch(self, step: int) -> Batch:
        starts_B, carries = self.starts(step)
        places = (starts_B[:, None] + np.arange(self.length(step) + 1)) % len(self.ids)
        window = torch.from_numpy(self.ids[places].astype(np.int64))
        return Batch(window[:, :-1], window[:, 1:], carries)


class Windows(BatchSource):
    """Windows side by side, each token in one of them, in an order shuffled every epoch."""

    @property
    def windows_per_epoch(self) -> int:
        """Whole windows on the ring."""
        return max(1, len(self.ids) // self.seq_len)

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.windows_per_epoch // self.batch_size)

    def starts(self, step: int) -> tuple[NDArray[np.int64], bool]:
        epoch, place = divmod(step, self.steps_per_epoch)
        cut, order = self._epoch(epoch)
        rows = np.arange(place * self.batch_size, (place + 1) * self.batch_size) % len(order)
        return cut + order[rows] * self.seq_len, False

    @lru_cache(maxsize=1)  # noqa: B019  a pure function of the epoch; one source lives as long as its training
    def _epoch(self, epoch: int) -> tuple[int, NDArray[np.int64]]:
        generator = self.generator(epoch)
        return int(generator.integers(len(self.ids))), generator.permutation(self.windows_per_epoch)


class Streams(BatchSource):
    """The ring cut into as many lanes as rows; each step reads the next piece of every lane.

    The state of a recurrent model is carried from step to step and cut from the graph: truncated back-propagation
    through time (Williams & Peng 1990). A new epoch cuts the ring elsewhere, so its first step carries nothing.
    """

    @property
    def steps_per_epoch(self) -> int:
        return max(1, len(self.ids) // (self.batch_size * self.seq_len))

    def starts(self, step: int) -> tuple[NDArray[np.int64], bool]:
        epoch, place = divmod(step, self.steps_per_epoch)
        cut, offsets = self._epoch(epoch)
        lanes = np.arange(self.batch_size) * (len(self.ids) // self.batch_size)
        return cut + lanes + offsets[place], place > 0

    def length(self, step: int) -> int:
        epoch, place = divmod(step, self.steps_per_epoch)
        _, offsets = self._epoch(epoch)
        return int(offsets[place + 1] - offsets[place])

    @lru_cache(maxsize=1)  # noqa: B019  a pure function of the epoch; one source lives as long as its training
    def _epoch(self, epoch: int) -> tuple[int, NDArray[np.int64]]:
        """Where the ring is cut, and how far into its lane every step starts and the last one ends."""
        generator = self.generator(epoch)
        cut = int(generator.integers(len(self.ids)))
        return cut, np.concatenate([[0], self.lengths(generator).cumsum()])

    def lengths(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Tokens in a row of each step of an epoch."""
        del generator
        return np.full(self.steps_per_epoch, self.seq_len)


class RandomStreams(Streams):
    """Streams whose steps read more or fewer tokens than `seq_len`, which is the mean of an epoch.

    S. Merity, N. Keskar and R. Socher, "Regularizing and Optimizing LSTM Language Models" (arXiv:1708.02182): a length
    is drawn around `seq_len`, once in 20 steps around half of it, so that the state is cut from the graph elsewhere
    in every epoch.
    """

    def lengths(self, generator: np.random.Generator) -> NDArray[np.int64]:
        steps = self.steps_per_epoch
        wanted = generator.normal(np.where(generator.random(steps) < HALVED, 0.5, 1.0), SPREAD).clip(SPREAD)
        # Each step has a token; the others are shared out as wanted, so that all together are those of plain streams.
        until = np.rint(wanted.cumsum() / wanted.sum() * steps * (self.seq_len - 1)).astype(np.int64)
        return np.asarray(1 + np.diff(until, prepend=0))


BATCHINGS: Registry[type[BatchSource]] = Registry(
    "batching",
    {
        "windows": "inkloom.data.batches:Windows",
        "streams": "inkloom.data.batches:Streams",
        "random_streams": "inkloom.data.batches:RandomStreams",
    },
)
