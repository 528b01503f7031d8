"""How well texts are put into classes: shares of right answers, and whether a probability means what it says.

Shapes: N texts, C classes, M bins of probability.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inkloom.data.labelled import LabelledTexts
from inkloom.models.classifier import Classifier
from inkloom.models.evaluating import evaluating

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BINS = 15
"""Of probability, for the calibration error: as many as in Guo et al. 2017 (arXiv:1706.04599)."""

TOKENS_AT_ONCE = 1 << 15
"""Tokens of texts that are read side by side, filling included."""


@dataclass(frozen=True)
class ClassScores:
    """How one class fares.

    precision: of the texts put into it, the share that belongs there; recall: of its texts, the share put into it.
    """

    label: str
    texts: int
    precision: float
    recall: float
    f1: float

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Reliability:
    """Texts by the probability that their likeliest class was given, in BINS equal bins; nan where one is empty."""

    texts_M: Ints
    confidence_M: Floats
    """Mean probability."""

    accuracy_M: Floats
    """Share that is right."""

    @property
    def error(self) -> float:
        """The expected calibration error: the mean distance of both, every text counted once."""
        distances_M = np.abs(self.confidence_M - self.accuracy_M)
        return float(np.nansum(self.texts_M * distances_M) / self.texts_M.sum())

    def as_json(self) -> dict[str, Any]:
        """The bins that hold a text."""
        full_M = self.texts_M > 0
        return {name: getattr(self, f"{name}_M")[full_M].tolist() for name in ("texts", "confidence", "accuracy")}


@dataclass(frozen=True)
class ClassificationScores:
    """The scores of a split. `log_probs_NC` are in nats; `labels_N` is what is right."""

    split: str
    labels: Sequence[str]
    log_probs_NC: Floats
    labels_N: Ints

    @property
    def predicted_N(self) -> Ints:
        """The likeliest class of each text."""
        return np.asarray(self.log_probs_NC.argmax(axis=1))

    @property
    def right_N(self) -> Bools:
        return np.asarray(self.predicted_N == self.labels_N)

    @property
    def accuracy(self) -> float:
        """The share of texts that are put into their class."""
        return float(self.right_N.mean())

    @property
    def nats_per_text(self) -> float:
        """The mean of -ln p of the right class."""
        return float(-self.log_probs_NC[np.arange(len(self.labels_N)), self.labels_N].mean())

    @property
    def confusion_CC(self) -> Ints:
        """How many texts of each class (rows) were put into each (columns)."""
        return confusion(self.labels_N, self.predicted_N, len(self.labels))

    @property
    def classes(self) -> list[ClassScores]:
        """Every class by itself; 0 where a share has nothing to be a share of."""
        confusion_CC = self.confusion_CC
        right_C = confusion_CC.diagonal()
        precision_C, recall_C = _shares(right_C, confusion_CC.sum(axis=0)), _shares(right_C, confusion_CC.sum(axis=1))
        f1_C = _shares(2 * right_C, confusion_CC.sum(axis=0) + confusion_CC.sum(axis=1))
        figures = zip(self.labels, confusion_CC.sum(axis=1), precision_C, recall_C, f1_C, strict=True)
        return [ClassScores(label, int(texts), *map(float, shares)) for label, texts, *shares in figures]

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes that the split has texts of, each counted alike."""
        return float(np.mean([scores.f1 for scores in self.classes if scores.texts]))

    @property
    def reliability(self) -> Reliability:
        """Whether texts that are put into their class with p = 0.8 are right 8 times in 10."""
        confidence_N = np.exp(self.log_probs_NC.max(axis=1))
        bin_N = np.minimum((confidence_N * BINS).astype(np.int64), BINS - 1)
        texts_M = np.bincount(bin_N, minlength=BINS)
        with np.errstate(invalid="ignore"):
            confidence_M = np.bincount(bin_N, confidence_N, minlength=BINS) / texts_M
            accuracy_M = np.bincount(bin_N, self.right_N, minlength=BINS) / texts_M
        return Reliability(texts_M, confidence_M, accuracy_M)

    def select(self, chosen_N: Bools) -> "ClassificationScores":
        """The scores of some of the texts."""
        return ClassificationScores(self.split, self.labels, self.log_probs_NC[chosen_N], self.labels_N[chosen_N])

    def with_log_probs(self, log_probs_NC: Floats) -> "ClassificationScores":
        """The same texts, judged otherwise."""
        return ClassificationScores(self.split, self.labels, log_probs_NC, self.labels_N)

    def as_json(self) -> dict[str, Any]:
        """What evaluation.json holds of a split."""
        return {
            "split": self.split,
            "texts": len(self.labels_N),
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "nats_per_text": self.nats_per_text,
            "calibration_error": self.reliability.error,
        }


def confusion(labels_N: Ints, predicted_N: Ints, classes: int) -> Ints:
    """How many texts of each class (rows) were put into each (columns), (C, C)."""
    counts = np.bincount(labels_N * classes + predicted_N, minlength=classes * classes)
    return counts.reshape(classes, classes)


@torch.inference_mode()
def class_logits(model: Classifier, texts: LabelledTexts) -> Floats:
    """The logits of every text, (N, C), before the temperature, in float32 whatever autocast the caller is in."""
    logits_NC = np.zeros((len(texts.ids), len(model.config.labels)))
    with evaluating(model):
        for numbers in _side_by_side([len(ids) for ids in texts.ids]):
            batch = texts.batch(numbers)
            logits_BC = model(batch.tokens_BT.to(model.device), batch.lengths_B.to(model.device))
            logits_NC[numbers] = logits_BC.float().cpu().numpy()
    return logits_NC


def scores_of(model: Classifier, texts: LabelledTexts, split: str) -> ClassificationScores:
    """The scores of a split by a trained model, its temperature included."""
    log_probs_NC = log_softmax(class_logits(model, texts) / float(model.temperature))
    return ClassificationScores(split, model.config.labels, log_probs_NC, texts.labels_N)


def fit_temperature(logits_NC: Floats, labels_N: Ints) -> float:
    """The temperature by which these logits cost the fewest nats, between 0.05 and 20, by golden sections of its
    logarithm: -ln p is convex in 1 / T, so it has one minimum."""
    low, high = np.log(0.05), np.log(20.0)
    ratio = (np.sqrt(5) - 1) / 2

    def nats(log_temperature: float) -> float:
        return ClassificationScores("", [], log_softmax(logits_NC / np.exp(log_temperature)), labels_N).nats_per_text

    while high - low > 1e-4:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if nats(left) < nats(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def log_softmax(logits_NC: Floats) -> Floats:
    """ln p of every class, (N, C)."""
    shifted_NC = logits_NC - logits_NC.max(axis=1, keepdims=True)
    return np.asarray(shifted_NC - np.log(np.exp(shifted_NC).sum(axis=1, keepdims=True)))


def without_texts(scores: ClassificationScores, texts: Sequence[str], seen: Set[str]) -> dict[str, Any]:
    """How many texts of a split train has `seen`, and the scores without them, None where none is left."""
    new_N = np.fromiter((text not in seen for text in texts), np.bool_, len(texts))
    return {
        "texts_in_train": int(np.count_nonzero(~new_N)),
        "share": float(np.mean(~new_N)),
        "without_leaks": scores.select(new_N).as_json() if new_N.any() else None,
    }


def _shares(of: Ints, whole: Ints) -> Floats:
    return np.divide(of, whole, out=np.zeros(len(of)), where=whole > 0)


def _side_by_side(lengths: Sequence[int]) -> list[Ints]:
    """The numbers of texts that are read together, texts of like length, TOKENS_AT_ONCE tokens or a single text."""
    order = np.argsort(lengths, kind="stable")
    groups: list[list[int]] = [[]]
    for number in order.tolist():
        if groups[-1] and (len(groups[-1]) + 1) * lengths[number] > TOKENS_AT_ONCE:
            groups.append([])
        groups[-1].append(number)
    return [np.array(group, np.int64) for group in groups if group]
