import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.evaluation.classification import (
    ClassificationScores,
    confusion,
    fit_temperature,
    log_softmax,
    without_texts,
)

LABELS = ("x", "y", "z")


def scores(predicted, right, sure=0.9):
    probs_NC = np.full((len(right), 3), (1 - sure) / 2)
    probs_NC[np.arange(len(right)), predicted] = sure
    return ClassificationScores("test", LABELS, np.log(probs_NC), np.array(right))


def test_a_confusion_matrix_has_right_classes_in_rows():
    assert confusion(np.array([0, 0, 2, 1]), np.array([0, 1, 2, 2]), 3).tolist() == [[1, 1, 0], [0, 0, 1], [0, 0, 1]]


def test_known_answers():
    found = scores([0, 1, 2, 2], [0, 0, 2, 1])
    assert found.accuracy == 0.5
    of_x, of_y, of_z = found.classes
    assert (of_x.texts, of_x.precision, of_x.recall, of_x.f1) == (2, 1.0, 0.5, pytest.approx(2 / 3))
    assert (of_y.precision, of_y.recall, of_y.f1) == (0.0, 0.0, 0.0)
    assert (of_z.precision, of_z.recall, of_z.f1) == (0.5, 1.0, pytest.approx(2 / 3))
    assert found.macro_f1 == pytest.approx(4 / 9)
    assert found.nats_per_text == pytest.approx((2 * -np.log(0.9) + 2 * -np.log(0.05)) / 4)


def test_macro_f1_leaves_out_classes_that_the_split_does_not_have():
    assert scores([0, 0, 1], [0, 0, 0]).macro_f1 == pytest.approx(0.8)


def test_the_calibration_error_is_the_distance_of_confidence_and_accuracy():
    assert scores([0] * 10, [0] * 9 + [1]).reliability.error == pytest.approx(0.0, abs=1e-9)
    assert scores([0] * 10, [0] * 5 + [1] * 5).reliability.error == pytest.approx(0.4)
    assert scores([0] * 10, [0] * 5 + [1] * 5).reliability.as_json() == {
        "texts": [10],
        "confidence": pytest.approx([0.9]),
        "accuracy": [0.5],
    }


def test_probability_one_falls_into_the_last_bin():
    found = ClassificationScores("test", LABELS, np.array([[0.0, -np.inf, -np.inf]]), np.array([0]))
    assert found.reliability.texts_M.tolist() == [0] * 14 + [1]


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_temperature_that_made_the_labels_is_found(temperature):
    generator = np.random.default_rng(0)
    logits_NC = 2 * generator.standard_normal((4000, 3))
    noise_NC = generator.gumbel(size=logits_NC.shape)
    labels_N = (logits_NC / temperature + noise_NC).argmax(axis=1)
    assert fit_temperature(logits_NC, labels_N) == pytest.approx(temperature, rel=0.15)


def test_calibration_lowers_the_error_of_a_model_that_is_too_sure():
    generator = np.random.default_rng(0)
    logits_NC = generator.standard_normal((2000, 3))
    labels_N = (logits_NC + generator.gumbel(size=logits_NC.shape)).argmax(axis=1)
    sure_NC = 6 * logits_NC
    before = ClassificationScores("val", LABELS, log_softmax(sure_NC), labels_N)
    after = before.with_log_probs(log_softmax(sure_NC / fit_temperature(sure_NC, labels_N)))
    assert after.reliability.error < 0.05 < 0.2 < before.reliability.error
    assert after.accuracy == before.accuracy


def test_scores_without_texts_that_train_has():
    found = scores([0, 1, 2, 2], [0, 0, 2, 1])
    told = without_texts(found, ["a", "b", "c", "d"], {"b", "d", "q"})
    assert (told["texts_in_train"], told["share"]) == (2, 0.5)
    assert told["without_leaks"]["accuracy"] == 1.0
    assert without_texts(found, ["a"] * 4, {"a"})["without_leaks"] is None


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1))
def test_shares_and_counts_hang_together(pairs):
    predicted, right = map(list, zip(*pairs, strict=True))
    found = scores(predicted, right)
    assert found.confusion_CC.sum() == len(pairs)
    assert found.accuracy == pytest.approx(found.confusion_CC.trace() / len(pairs))
    assert 0 <= found.macro_f1 <= 1
