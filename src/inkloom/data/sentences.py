"""Training batches of whole sentences, a document each, as a pure function of the step.

A sentence is cut or padded to one length with the end token: what a generator of fixed length writes, too.

Shapes: N sentences, S tokens of a sentence, G batches of one step, B sentences of a batch.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inkloom.data.batches import Batches
from inkloom.tokenizers import Ids


@dataclass(frozen=True)
class CutSentences:
    """The documents of a split, each of the same length."""

    tokens_NS: NDArray[np.int64]
    """Words, then end tokens; a sentence that has no room for its end has none."""

    long: int
    """How many were cut: with their end they have more than S tokens."""


def cut_sentences(ids: Ids, end_id: int, length: int) -> CutSentences:
    """Cut an encoded part, the end token and then documents that end with one each. Empty documents are left out."""
    ends = np.flatnonzero(ids == end_id)
    starts, stops = ends[:-1] + 1, ends[1:]
    starts, stops = starts[stops > starts], stops[stops > starts]
    places_NS = starts[:, None] + np.arange(length)
    tokens_NS = ids[np.minimum(places_NS, len(ids) - 1)].astype(np.int64)
    tokens_NS[places_NS >= stops[:, None]] = end_id
    return CutSentences(tokens_NS, int(np.count_nonzero(stops - starts >= length)))


def own_words(sentence: Sequence[int], end_id: int) -> list[int]:
    """The tokens of a sentence before its first end token."""
    return list(itertools.takewhile(lambda token: token != end_id, sentence))


def own_tokens(sentences_NS: Tensor, end_id: int) -> Tensor:
    """Which tokens are a sentence's own, its first end token included and the padding not: (N, S) bool."""
    is_end_NS = sentences_NS == end_id
    return is_end_NS.cumsum(dim=1) - is_end_NS.long() == 0


class Sentences(Batches[Tensor]):
    """`batches` batches of `batch_size` sentences for each step; each epoch reads all in another order."""

    def __init__(self, sentences: CutSentences, batches: int, batch_size: int, seed: int) -> None:
        self.tokens_NS = sentences.tokens_NS
        self.batches = batches
        self.batch_size = batch_size
        self.seed = seed

    @property
    def steps_per_epoch(self) -> int:
        """Steps that read the split about once; at least 1."""
        return max(1, round(len(self.tokens_NS) / (self.batches * self.batch_size)))

    def batch(self, step: int) -> Tensor:
        """The sentences of a step, (G, B, S) int64. Orders follow each other without a gap."""
        rows = self.batches * self.batch_size
        places = np.arange(step * rows, (step + 1) * rows)
        epochs, numbers = np.divmod(places, len(self.tokens_NS))
        chosen = np.concatenate([self._order(int(epoch))[numbers[epochs == epoch]] for epoch in np.unique(epochs)])
        tokens_NS = torch.from_numpy(self.tokens_NS[chosen])
        return tokens_NS.view(self.batches, self.batch_size, tokens_NS.shape[1])

    @lru_cache(maxsize=2)  # noqa: B019  a pure function of the epoch; one source lives as long as its training
    def _order(self, epoch: int) -> NDArray[np.int64]:
        return self.generator(epoch).permutation(len(self.tokens_NS))
