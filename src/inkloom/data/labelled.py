"""Texts with labels as ids, and batches of texts of like length.

Shapes: N texts, B texts of a batch, T tokens of the longest of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inkloom.corpus.base import Part
from inkloom.data.batches import Batches, side_by_side
from inkloom.tokenizers import Ids, Tokenizer

SORTED_TOGETHER = 16
"""Batches whose texts are sorted by length together: enough that little is filled up, few enough that a batch has other
texts in every epoch."""


class TextBatch(NamedTuple):
    """Texts filled up to the longest, and their labels."""

    tokens_BT: Tensor
    lengths_B: Tensor
    labels_B: Tensor


@dataclass(frozen=True)
class LabelledTexts:
    """A split as ids.

    ids: of each text, an end token, its tokens and an end token: what a language model reads of a document.
    labels_N: the number of each text's label, int64.
    shortened: how many were longer than may be read.
    unknown_tokens: tokens outside the vocabulary.
    """

    ids: Sequence[Ids]
    labels_N: NDArray[np.int64]
    shortened: int
    unknown_tokens: int

    @property
    def tokens(self) -> int:
        """Of all texts."""
        return sum(map(len, self.ids))

    @property
    def mean_length(self) -> float:
        """Tokens of a text."""
        return self.tokens / len(self.ids)

    def select(self, numbers: NDArray[np.int64]) -> "LabelledTexts":
        """The texts of these numbers by themselves; what the vocabulary lacks and what is cut is counted of all."""
        return replace(self, ids=[self.ids[number] for number in numbers.tolist()], labels_N=self.labels_N[numbers])

    def batch(self, numbers: NDArray[np.int64]) -> TextBatch:
        """The texts of these numbers."""
        tokens_BT, lengths_B = padded([self.ids[number] for number in numbers.tolist()])
        return TextBatch(tokens_BT, lengths_B, torch.from_numpy(self.labels_N[numbers]))


def encode_texts(tokenizer: Tokenizer, texts: Sequence[str], most: int) -> tuple[list[Ids], int, int]:
    """The ids of each text with an end token before and behind it, how many were cut to `most` tokens, and how many
    tokens the vocabulary lacks."""
    encoding = tokenizer.encode_all(texts, [True] * len(texts))
    stops = np.flatnonzero(encoding.ids == tokenizer.end_id)
    end = np.array([tokenizer.end_id], tokenizer.dtype)
    bodies = [body[:-1] for body in np.split(encoding.ids, stops + 1)[:-1]]
    return (
        [np.concatenate([end, body[:most], end]) for body in bodies],
        sum(len(body) > most for body in bodies),
        encoding.unknown_tokens,
    )


def encode_labelled(tokenizer: Tokenizer, part: Part, labels: Sequence[str], most: int) -> LabelledTexts:
    """A split as ids. labels: those there are, in order; every label of the part is one of them."""
    number_of: Mapping[str, int] = {label: number for number, label in enumerate(labels)}
    ids, shortened, unknown_tokens = encode_texts(tokenizer, part.texts, most)
    assert part.conditions is not None, "a labelled corpus"
    labels_N = np.fromiter((number_of[label] for label in part.conditions), np.int64, len(part.texts))
    return LabelledTexts(ids, labels_N, shortened, unknown_tokens)


def padded(ids: Sequence[Ids]) -> tuple[Tensor, Tensor]:
    """Rows of ids filled up behind to the longest: (tokens_BT, lengths_B)."""
    return side_by_side(ids, 0), torch.tensor([len(row) for row in ids])


class LabelledBatches(Batches[TextBatch]):
    """Every text once an epoch, in an order drawn from (seed, epoch), texts of like length together."""

    def __init__(self, texts: LabelledTexts, batch_size: int, seed: int) -> None:
        self.texts = texts
        self.batch_size = batch_size
        self.seed = seed
        self._lengths_N = np.fromiter(map(len, texts.ids), np.int64, len(texts.ids))

    @property
    def steps_per_epoch(self) -> int:
        """Batches that read every text once; the last may have fewer texts."""
        return -(-len(self._lengths_N) // self.batch_size)

    def batch(self, step: int) -> TextBatch:
        epoch, place = divmod(step, self.steps_per_epoch)
        return self.texts.batch(self._epoch(epoch)[place])

    @lru_cache(maxsize=1)  # noqa: B019  a pure function of the epoch; one source lives as long as its training
    def _epoch(self, epoch: int) -> list[NDArray[np.int64]]:
        """The numbers of the texts of each batch."""
        generator = self.generator(epoch)
        order = generator.permutation(len(self._lengths_N))
        pool = self.batch_size * SORTED_TOGETHER
        pools = [order[start : start + pool] for start in range(0, len(order), pool)]
        sorted_N = np.concatenate([texts[np.argsort(self._lengths_N[texts], kind="stable")] for texts in pools])
        batches = [sorted_N[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        return [batches[place] for place in generator.permutation(len(batches)).tolist()]
