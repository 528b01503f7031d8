import itertools
import math

import numpy as np
import pytest

from inkloom.evaluation.naive_bayes import BEGIN, END, NaiveBayes, ngrams

TRAIN = ("aab", "ab", "ba", "bba")
TRAIN_N = np.array([0, 0, 1, 1])


def test_ngrams_know_where_a_text_begins_and_ends():
    assert list(ngrams("ab", 2)) == ["a", "b", f"{BEGIN}a", "ab", f"b{END}"]


def test_probabilities_follow_from_the_counts():
    model = NaiveBayes.count(TRAIN, TRAIN_N, 2).using(order=2, smoothing=0.5)
    known = {ngram for text in TRAIN for ngram in ngrams(text, 2)}
    joint = []
    for label in (0, 1):
        of_class = list(
            itertools.chain(*(ngrams(text, 2) for text, own in zip(TRAIN, TRAIN_N, strict=True) if own == label))
        )
        total = len(of_class) + 0.5 * len(known)
        seen = [ngram for ngram in ngrams("ab", 2) if ngram in known]
        joint.append(math.log(0.5) + sum(math.log((of_class.count(ngram) + 0.5) / total) for ngram in seen))
    expected = np.array(joint) - np.logaddexp(*joint)
    assert model.log_probs(["ab"])[0] == pytest.approx(expected)


def test_what_train_does_not_have_says_nothing():
    model = NaiveBayes.count(TRAIN, np.array([0, 0, 0, 1]), 2).using(order=1, smoothing=1.0)
    assert np.exp(model.log_probs(["zzz", ""])) == pytest.approx(np.array([[0.75, 0.25]] * 2))


def test_order_and_smoothing_are_chosen_on_val():
    model = NaiveBayes.fit(TRAIN, TRAIN_N, ("ab", "ba"), np.array([0, 1]), 2)
    assert (model.log_probs(("ab", "ba")).argmax(axis=1) == [0, 1]).all()
    assert model.order > 1  # letters alone say nothing here


def test_a_large_train_is_counted_in_part(monkeypatch):
    monkeypatch.setattr("inkloom.evaluation.naive_bayes.MOST_CHARS", 4)
    assert "bb" not in NaiveBayes.count(TRAIN, TRAIN_N, 2).numbers
