"""The held-out text that is looked at where none is given."""

import pytest

from inkloom.corpus.base import Part
from inkloom.explain.passage import CHARS, TOKENS, WINDOW_TOKENS, held_out_passage
from tests.explain.models import LINES, TOKENIZER, ngram, transformer


class FakeRun:
    """A run of some model with some held-out text."""

    tokenizer = TOKENIZER

    def __init__(self, *texts, model=None, documents=False, split="test"):
        self.model = model or ngram()
        self._parts = {"val": Part("val", ("the mat",)), split: Part(split, texts, documents=documents)}

    def parts(self):
        return self._parts


def passage(*texts, **fields):
    return TOKENIZER.decode(held_out_passage(FakeRun(*texts, **fields)))


def test_it_begins_with_the_first_whole_line():
    assert passage("nd on\n\nthe cat sat\nthe mat") == "the cat sat\nthe mat"
    assert passage("the one cat") == "the one cat"
    assert passage("the one cat\n") == "the one cat\n"


def test_documents_are_whole_and_closed():
    ids = held_out_passage(FakeRun("the cat\n", "the mat\n", documents=True)).tolist()
    assert TOKENIZER.decode(ids) == "the cat\nthe mat\n"
    assert ids.count(TOKENIZER.end_id) == 2


def test_it_is_not_too_long():
    long = "a\n" + LINES * 30
    assert len(held_out_passage(FakeRun(long))) == TOKENS
    assert len(held_out_passage(FakeRun(long, model=transformer(window=200)))) == WINDOW_TOKENS
    assert len(held_out_passage(FakeRun(long, model=transformer(window=20)))) == 19
    assert CHARS >= TOKENS


def test_it_is_val_where_there_is_no_test():
    assert passage("on the mat", split="val") == "on the mat"


@pytest.mark.parametrize("text", ["é", "the é"])
def test_unknown_text_is_looked_at_too(text):
    assert len(held_out_passage(FakeRun(text))) == len(text)
