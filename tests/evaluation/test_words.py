"""Words are what readers call words, in several scripts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.evaluation import words as module
from inkloom.evaluation.words import ngrams, words, words_of_large_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("To be, or not to be:\nthat is…", ["To", "be", "or", "not", "to", "be", "that", "is"]),
        ("'Tis o'er, the boys' game isn’t", ["Tis", "o'er", "the", "boys", "game", "isn’t"]),
        ("him--and a_b well-known 3rd 1,000", ["him", "and", "a", "b", "well", "known", "3rd", "1", "000"]),
        ("naïve Ärger, e\u0301tude", ["naïve", "Ärger", "e\u0301tude"]),
        ("हिन्दी में।", ["हिन्दी", "में"]),
        ("我们在abc家", ["我", "们", "在", "abc", "家"]),
        (" … \n", []),
    ],
)
def test_words(text, expected):
    assert words(text) == expected


@given(st.text(alphabet="ab'’ \n-é家", max_size=60))
def test_pieces_of_a_large_text_have_the_same_words(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", 3)
        assert [word for found in words_of_large_text(text) for word in found] == words(text)


def test_ngrams():
    assert ngrams("abcd", 3) == [("a", "b", "c"), ("b", "c", "d")]
    assert ngrams("ab", 3) == []
