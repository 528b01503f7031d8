"""A search among suffixes finds what a search through the text finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.evaluation import suffixes as module
from inkloom.evaluation.suffixes import SuffixArray, sort_suffixes

TEXT = st.binary(max_size=60).map(lambda data: bytes(byte % 3 for byte in data))


@given(TEXT)
def test_suffixes_are_in_order(text):
    starts = sort_suffixes(text).tolist()
    assert sorted(starts) == list(range(len(text)))
    assert [text[start:] for start in starts] == sorted(text[start:] for start in range(len(text)))


@pytest.mark.parametrize("first_look", [1, 2, 64])
@given(text=TEXT, pattern=TEXT)
def test_the_longest_match_is_the_longest_prefix_in_the_text(first_look, text, pattern):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FIRST_LOOK", first_look)
        found = SuffixArray(text, sort_suffixes(text)).longest_match(pattern)
    assert found == max(length for length in range(len(pattern) + 1) if pattern[:length] in text)


@given(TEXT, TEXT.filter(bool))
def test_places_are_all_places(text, pattern):
    found = SuffixArray(text, sort_suffixes(text)).places(pattern)
    assert found.tolist() == [start for start in range(len(text)) if text.startswith(pattern, start)]


def test_a_match_may_be_longer_than_any_look():
    text = np.random.default_rng(0).bytes(5000)
    array = SuffixArray(text, sort_suffixes(text))
    assert array.longest_match(text[1000:3000] + b"no") >= 2000
    assert array.places(text[1000:3000]).tolist() == [1000]
