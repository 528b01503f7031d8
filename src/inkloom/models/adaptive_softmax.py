"""Adaptive softmax: E. Grave, A. Joulin, M. Cissé, D. Grangier and H. Jégou, "Efficient softmax approximation for
GPUs", ICML 2017 (arXiv:1609.04309).

Ids are sorted by frequency. The head predicts a frequent word, or the cluster of rarer ones that the word is in; the
cluster then predicts the word, from fewer numbers the rarer its words are:

    p(w | x) = head(w | x)                    for a frequent word
    p(w | x) = head(k | x) cluster_k(w | x)   for a word of cluster k

So most tokens of a batch meet the few rows of the head alone: of a text of 217,647 words (part of WikiText-2) the 1,878
most frequent of 13,777 are 82 %.

Shapes: N tokens, C numbers that stand for a token, V vocabulary.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from inkloom.models.cross_entropy import linear_cross_entropy

NARROWING = 4
"""Each cluster's words are predicted from so many times fewer numbers than those before; the paper's choice."""


class AdaptiveSoftmax(nn.Module):
    """An output head whose cost a token is little more than that of the frequent words.

    cutoffs: the first id of every cluster, rising, all above 0 and below vocab_size; ids below the first are frequent.
    """

    def __init__(self, size: int, vocab_size: int, cutoffs: Sequence[int]) -> None:
        super().__init__()
        self.cutoffs = tuple(cutoffs)
        self.head = nn.Linear(size, cutoffs[0] + len(cutoffs))
        self.clusters = nn.ModuleList(
            Cluster(size, max(1, size // NARROWING**number), stop - start)
            for number, (start, stop) in enumerate(pairwise((*cutoffs, vocab_size)), 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """ln p of every word: x's shape with V in place of C, float32."""
        in_head = self.head(x).float().log_softmax(dim=-1)
        frequent, of_clusters = in_head.tensor_split((self.cutoffs[0],), dim=-1)
        rare = (
            of_cluster + cluster(x)
            for of_cluster, cluster in zip(of_clusters.split(1, dim=-1), self.clusters, strict=True)
        )
        return torch.cat([frequent, *rare], dim=-1)

    def loss(self, x_NC: Tensor, targets_N: Tensor, divisor: float = 1.0) -> Tensor:
        """The sum over N tokens of -ln p(target) by a divisor, as `linear_cross_entropy`; no target pays for others."""
        cluster_N = torch.bucketize(targets_N, torch.tensor(self.cutoffs, device=targets_N.device), right=True)
        in_head_N = torch.where(cluster_N == 0, targets_N, self.cutoffs[0] + cluster_N - 1)
        total = linear_cross_entropy(x_NC, self.head.weight, self.head.bias, in_head_N, divisor)
        for number, (cluster, start) in enumerate(zip(self.clusters, self.cutoffs, strict=True), 1):
            rows_R = (cluster_N == number).nonzero().squeeze(1)
            assert isinstance(cluster, Cluster)
            total = total + cluster.loss(x_NC[rows_R], targets_N[rows_R] - start, divisor)
        return total


class Cluster(nn.Module):
    """The softmax over a range of rare words, from a projection to fewer numbers."""

    def __init__(self, size: int, narrow: int, words: int) -> None:
        super().__init__()
        self.projection = nn.Linear(size, narrow, bias=False)
        self.output = nn.Linear(narrow, words, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """ln p of the cluster's words, where it is known that one of them follows; float32."""
        logits: Tensor = self.output(self.projection(x))
        return logits.float().log_softmax(dim=-1)

    def loss(self, x_NC: Tensor, targets_N: Tensor, divisor: float) -> Tensor:
        """The sum of -ln p of N words, given by their places in the cluster, by a divisor."""
        return linear_cross_entropy(self.projection(x_NC), self.output.weight, None, targets_N, divisor)


def default_cutoffs(vocab_size: int) -> tuple[int, ...]:
    """Two clusters; frequent words, middle and rare ones at equal distances on a logarithmic scale.

    The 16 sqrt(V) most frequent words: 1,878 of 13,777, or 8,274 of the 267,735 of WikiText-103.
    """
    frequent = max(1, min(vocab_size // 4, round(16 * math.sqrt(vocab_size))))
    return tuple(sorted({frequent, math.isqrt(frequent * vocab_size)}))
