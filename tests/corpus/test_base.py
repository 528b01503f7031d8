"""Sizes of parts, and the hash that says whether two corpora are one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.corpus.base import Part, fingerprint


def test_sizes_count_what_ends_a_document():
    part = Part("train", ("für", "a"), end_chars=1, documents=True)
    assert (part.chars, part.bytes) == (6, 7)


@given(st.lists(st.text(max_size=20)), st.integers(0, 1))
def test_sizes_are_those_of_the_joined_text(texts, end_chars):
    joined = "".join(text + "\n" * end_chars for text in texts)
    part = Part("train", tuple(texts), end_chars)
    assert (part.chars, part.bytes) == (len(joined), len(joined.encode()))


@pytest.mark.parametrize(
    "other",
    [
        Part("train", ("a", "bc")),
        Part("train", ("abc",)),
        Part("val", ("ab", "c")),
        Part("train", ("ab", "c"), end_chars=1),
        Part("train", ("ab", "c"), documents=True),
        Part("train", ("ab", "ç")),
    ],
)
def test_text_boundaries_and_shape_are_in_the_hash(other):
    part = Part("train", ("ab", "c"))
    assert fingerprint([part]) == fingerprint([Part("train", ("ab", "c"))])
    assert fingerprint([part]) != fingerprint([other])


def test_long_texts_are_hashed_to_their_end():
    long = "é" * 1_500_000
    assert fingerprint([Part("all", (long + "a",))]) != fingerprint([Part("all", (long + "b",))])


@given(st.lists(st.text("ab", max_size=5)), st.integers(0, 1), st.integers(0, 30))
def test_the_head_is_the_beginning(texts, end_chars, chars):
    def joined(part):
        return "".join(text + "\n" * end_chars for text in part.texts)

    part = Part("train", tuple(texts), end_chars, documents=True)
    head = part.head(chars)
    assert joined(head)[:chars] == joined(part)[:chars] or joined(head) == joined(part)[: len(joined(head)) - 1] + "\n"
    assert joined(head) == joined(part) or len(joined(head)) in (chars, chars + end_chars)
