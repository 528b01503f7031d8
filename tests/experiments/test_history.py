"""What is read back from metrics.csv and samples.txt."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inkloom.experiments.history import SAMPLE_TITLE, read_course, read_samples
from tests.experiments.pages import HEADER, samples

TEXTS = st.text(st.characters(codec="utf-8")).filter(lambda text: not SAMPLE_TITLE.search(text + "\n"))


def test_a_course_is_read_by_column(tmp_path):
    file = tmp_path / "metrics.csv"
    file.write_text(HEADER + "10,0.5,640,3.25,,0.001\n20,1.5,1280,2.5,2.75,0.0005\n")
    course = read_course(file)
    np.testing.assert_array_equal(course.step, [10, 20])
    np.testing.assert_array_equal(course.seconds, [0.5, 1.5])
    np.testing.assert_array_equal(course.train_loss, [3.25, 2.5])
    np.testing.assert_array_equal(course.val_loss, [np.nan, 2.75])
    np.testing.assert_array_equal(course.learning_rate, [0.001, 0.0005])
    assert course.best == 1


def test_no_file_is_no_course_and_no_samples(tmp_path):
    assert read_course(tmp_path / "metrics.csv") is None
    assert read_samples(tmp_path / "samples.txt") == []


@given(texts=st.lists(TEXTS))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_samples_come_back_less_the_newlines_around_them(tmp_path, texts):
    file = tmp_path / "samples.txt"
    file.write_bytes(samples(*texts).encode())
    found = read_samples(file)
    assert [sample.text for sample in found] == [text.strip("\n") for text in texts]
    assert [sample.step for sample in found] == [100 * number for number in range(1, len(texts) + 1)]


def test_a_sample_whose_val_was_no_number_is_kept(tmp_path):
    file = tmp_path / "samples.txt"
    file.write_text("=== step 5, val nan nats per token ===\nabc\n\n")
    (sample,) = read_samples(file)
    assert np.isnan(sample.val_loss)
    assert sample.text == "abc"
