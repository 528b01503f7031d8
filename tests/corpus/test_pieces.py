"""Pieces of a text: together they are the text, and they are cut where tokenizers cut, however the text comes in."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.corpus import pieces
from inkloom.corpus.base import Part
from inkloom.corpus.pieces import Piece, cut_into_pieces, in_batches


@pytest.fixture(scope="module", autouse=True)
def _small_pieces():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE_CHARS", 40)
        yield


def cut(*blocks):
    return [piece.text for piece in cut_into_pieces(blocks)]


@given(st.lists(st.text("ab \n\t", max_size=100), max_size=6))
def test_pieces_make_the_text_and_do_not_depend_on_the_blocks(blocks):
    text = "".join(blocks)
    found = list(cut_into_pieces(blocks))
    assert "".join(piece.text for piece in found) == text
    assert all(len(piece.text) <= 40 for piece in found)
    assert [piece.ends for piece in found] == [False] * (len(found) - 1) + [True]
    assert found == list(cut_into_pieces([text]))


@given(st.lists(st.text("ab", min_size=1, max_size=9), min_size=2, max_size=50), st.sampled_from([" ", "\n", " \n"]))
def test_no_word_is_cut(words, between):
    found = cut(between.join(words))
    assert [word for piece in found for word in piece.split()] == words
    for left, right in pairwise(found):
        assert right[0].isspace() or left.endswith("\n")


def test_lines_go_before_words_and_words_before_the_limit():
    line = "x" * 31 + "\n" + "ab cd ef gh"
    assert cut(line) == ["x" * 31 + "\n", "ab cd ef gh"]
    assert cut("x" * 31 + " ab\n cd ef gh") == ["x" * 31, " ab\n cd ef gh"]
    assert cut("x" * 31 + "\n\n cd ef gh") == ["x" * 31 + "\n\n cd", " ef gh"]
    assert cut("x" * 31 + "\n\nabcd  ef") == ["x" * 31, "\n\nabcd  ef"]
    assert cut("x" * 100) == ["x" * 40, "x" * 40, "x" * 20]


def test_every_text_of_a_part_ends_once():
    part = Part("train", ("a", "", "b" * 1_100_000), documents=True)
    found = list(part.pieces())
    assert found[:2] == [Piece("a", True), Piece("", True)]
    assert sum(piece.ends for piece in found) == 3
    assert "".join(piece.text for piece in found) == "".join(part.texts)


@given(st.lists(st.text(max_size=50), max_size=30))
def test_batches_hold_every_piece_in_order(texts):
    found = [Piece(text, True) for text in texts]
    batches = list(in_batches(found))
    assert [piece for batch in batches for piece in batch] == found
    assert all(sum(len(piece.text) for piece in batch[:-1]) < 40 for batch in batches)


def test_many_short_documents_fill_a_batch_by_their_number(monkeypatch):
    monkeypatch.setattr(pieces, "MOST_PIECES", 3)
    assert [len(batch) for batch in in_batches([Piece("", True)] * 7)] == [3, 3, 1]
