import numpy as np
import pytest

from inkloom.errors import InputError
from inkloom.experiments.classification import MOST_IN_MATRIX, _confusions, _matrix_drawing, write_report
from inkloom.runs.classifier import ClassifierRun
from inkloom.runs.directory import RunDirectory


def test_the_report_shows_classes_baselines_and_calibration(classifier_run):
    page = write_report(classifier_run).read_text(encoding="utf-8")
    for shown in ("Naive Bayes on character n-grams", "Confusion matrix", "Reliability", "Macro F1", "calm", "keen"):
        assert shown in page
    assert "inkloom classify" in page
    assert write_report(classifier_run).read_text(encoding="utf-8") == page


def test_a_run_without_scores_has_no_report(classifier_run, tmp_path):
    directory = RunDirectory(tmp_path / "new")
    directory.write_config(classifier_run.config)
    with pytest.raises(InputError, match="has not been scored yet"):
        write_report(ClassifierRun(directory))


def test_the_errors_made_most_are_named_first():
    confusion_CC = np.array([[5, 3, 0], [1, 7, 4], [0, 0, 2]])
    assert _confusions(("x", "y", "z"), confusion_CC) == [("y", "z", 4), ("x", "y", 3), ("y", "x", 1)]


def test_a_matrix_of_many_classes_shows_those_with_the_most_texts():
    classes = MOST_IN_MATRIX + 5
    drawing = _matrix_drawing([f"<{place}>" for place in range(classes)], np.diag(np.arange(1, classes + 1)))
    assert f"The {MOST_IN_MATRIX} of {classes} classes" in drawing.title
    assert "100.0" in drawing.description
    assert "<0>" not in drawing.svg
