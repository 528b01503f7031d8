"""Features of places in a text, by hand."""

import numpy as np
import pytest

from inkloom.explain.features import FEATURES, features_of
from inkloom.explain.tokens import END, UNKNOWN

TEXT = 'Ab 1\n"c" (d)x'

EXPECTED = {
    "the position in the line": [1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8],
    "the position in the word": [1, 2, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1],
    "quotation marks": [0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0],
    "brackets": [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0],
    "capital letters": [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    "spaces and line ends": [0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0],
    "punctuation": [0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0],
    "digits": [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    "vowels": [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
}


def of(texts):
    return dict(zip((feature.name for feature in FEATURES), features_of(texts).tolist(), strict=True))


@pytest.mark.parametrize("name", EXPECTED)
def test_every_feature(name):
    assert of(TEXT)[name] == EXPECTED[name]


def test_the_expected_are_all():
    assert list(EXPECTED) == [feature.name for feature in FEATURES]


def test_curved_quotes_open_and_close():
    assert of("“a” b")["quotation marks"] == [1, 1, 0, 0, 0]


def test_brackets_nest_and_may_close_too_often():
    assert of(")([])x")["brackets"] == [0, 1, 1, 1, 0, 0]


def test_a_token_has_what_its_last_character_leaves_or_what_any_has():
    found = of(["Ab", " 1\n", '"c', '" (d)x'])
    assert found["the position in the line"] == [2, 0, 2, 8]
    assert found["capital letters"] == [1, 0, 0, 0]
    assert found["digits"] == [0, 1, 0, 0]
    assert found["quotation marks"] == [0, 0, 1, 0]


def test_a_token_without_text_goes_on_with_what_was():
    found = of(["", "A", "", "b"])
    assert found["the position in the line"] == [0, 1, 1, 2]
    assert found["capital letters"] == [0, 1, 1, 0]


def test_the_name_of_a_token_without_text_is_no_text():
    found = of(["a", f" {UNKNOWN}", END, "b"])
    assert found["the position in the line"] == [1, 2, 2, 3]
    assert found["punctuation"] == [0, 0, 0, 0]


def test_no_text_has_no_features():
    assert features_of([]).shape == (len(FEATURES), 0)
    assert np.array_equal(features_of([""]), np.zeros((len(FEATURES), 1)))
