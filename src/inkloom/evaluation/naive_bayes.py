"""Naive Bayes on character n-grams: what a classifier without a network, counted in a second, gets right.

Multinomial naive Bayes (A. McCallum and K. Nigam, "A Comparison of Event Models for Naive Bayes Text Classification",
AAAI Workshop 1998) on the character n-grams of lengths 1 to `order`, with signs for the beginning and the end:

    p(class | text) ~ texts of the class * product over n-grams of (count of n-gram in class + s) / (all in class + s F)

with F n-grams in train. The order and the smoothing s are those that are right most often on val.

Shapes: N texts, F n-grams of train, C classes, K n-grams of one text that train has.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from inkloom.evaluation.classification import Floats, Ints, log_softmax

ORDERS = (1, 2, 3, 4, 5)
SMOOTHINGS = (0.01, 0.03, 0.1, 0.3, 1.0)

BEGIN, END = "\x02", "\x03"
"""Control characters that Unicode keeps for the start and the end of a text."""

MOST_CHARS = 2_000_000
"""Of train that are counted, in some 10 s and 1 GB; of more, the texts at its beginning."""


@dataclass(frozen=True)
class NaiveBayes:
    """The counts of train, and how they are used."""

    numbers: dict[str, int]
    """The number of each n-gram."""

    counts_FC: Floats
    texts_C: Ints
    order: int
    smoothing: float

    @classmethod
    def count(cls, texts: Sequence[str], labels_N: Ints, classes: int) -> Self:
        """Count n-grams of every length there is."""
        numbers: dict[str, int] = {}
        features: list[int] = []
        owners: list[int] = []
        chars = itertools.accumulate(map(len, texts))
        for text, label, so_far in zip(texts, labels_N.tolist(), chars, strict=True):
            found = [numbers.setdefault(ngram, len(numbers)) for ngram in ngrams(text, ORDERS[-1])]
            features += found
            owners += [label] * len(found)
            if so_far > MOST_CHARS:
                break
        places = np.array(features, np.int64) * classes + np.array(owners, np.int64)
        counts_FC = np.bincount(places, minlength=len(numbers) * classes).reshape(-1, classes).astype(np.float64)
        return cls(numbers, counts_FC, np.bincount(labels_N, minlength=classes), ORDERS[-1], SMOOTHINGS[0])

    @classmethod
    def fit(cls, train: Sequence[str], train_N: Ints, val: Sequence[str], val_N: Ints, classes: int) -> Self:
        """The counts of train, with the order and the smoothing that are right most often on val."""
        counted = cls.count(train, train_N, classes)
        tried = [counted.using(order, smoothing) for order in ORDERS for smoothing in SMOOTHINGS]
        return max(tried, key=lambda model: float((model.log_probs(val).argmax(axis=1) == val_N).mean()))

    def using(self, order: int, smoothing: float) -> Self:
        """The same counts, n-grams longer than `order` left out."""
        return type(self)(self.numbers, self.counts_FC, self.texts_C, order, smoothing)

    def log_probs(self, texts: Sequence[str]) -> Floats:
        """ln p of every class, (N, C). N-grams that train does not have say nothing."""
        of_order_F = np.fromiter((len(ngram) <= self.order for ngram in self.numbers), np.bool_, len(self.numbers))
        kept_FC = self.counts_FC * of_order_F[:, None]
        totals_C = kept_FC.sum(axis=0) + self.smoothing * np.count_nonzero(of_order_F)
        log_probs_FC = np.log(kept_FC + self.smoothing) - np.log(totals_C)
        prior_C = np.log(np.maximum(self.texts_C, self.smoothing)) - np.log(self.texts_C.sum())
        return log_softmax(np.stack([prior_C + log_probs_FC[self._known(text)].sum(axis=0) for text in texts]))

    def _known(self, text: str) -> NDArray[np.int64]:
        """The numbers of the n-grams of a text that train has, (K,)."""
        found = (self.numbers.get(ngram, -1) for ngram in ngrams(text, self.order))
        return np.array([number for number in found if number >= 0], np.int64)


def ngrams(text: str, order: int) -> Iterator[str]:
    """The n-grams of lengths 1 to `order`, with BEGIN and END around the text; these are no n-grams by themselves."""
    padded = f"{BEGIN}{text}{END}"
    for length in range(1, order + 1):
        for start in range(len(padded) - length + 1):
            if length > 1 or padded[start] not in (BEGIN, END):
                yield padded[start : start + length]
