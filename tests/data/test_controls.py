"""Parts whose documents go with a control: what their ids are, and that a score leaves controls out."""

import math

import numpy as np
import pytest
import torch

from inkloom.corpus.base import Part
from inkloom.data import encode_part, encoded, encoding
from inkloom.errors import InputError
from inkloom.evaluation import score, score_tokens
from inkloom.evaluation.likelihood import mean_nats
from inkloom.tokenizers import ControlledTokenizer
from inkloom.tokenizers.char import CharTokenizer
from tests.fakes import TableModel

PART = Part("val", ("ab", "", "ba"), end_chars=1, documents=True, conditions=("x", "y", "x"))
END, A, B, X, Y = 1, 2, 3, 4, 5


@pytest.fixture
def tokenizer():
    return ControlledTokenizer(CharTokenizer("ab"), "label", ("x", "y"))


def test_a_control_stands_between_the_end_token_and_the_text(tokenizer):
    assert encode_part(tokenizer, PART).ids.tolist() == [END, X, A, B, END, Y, END, X, B, A, END]


def test_controls_are_put_in_piece_by_piece_as_in_one(tokenizer, monkeypatch):
    whole = encode_part(tokenizer, PART).ids.tolist()
    monkeypatch.setattr(encoding, "in_batches", lambda pieces: ([piece] for piece in pieces))
    assert encode_part(tokenizer, PART).ids.tolist() == whole


def test_a_part_in_the_cache_is_the_same(tokenizer, monkeypatch):
    kept = encode_part(tokenizer, PART)
    monkeypatch.setattr(encoded, "STORED_BYTES", 0)
    for _ in range(2):  # written, then read
        stored = encode_part(tokenizer, PART)
        assert stored.ids.tolist() == kept.ids.tolist()
        assert (stored.tokens, stored.controls_from) == (kept.tokens, kept.controls_from)


def test_a_score_is_of_the_text_alone(tokenizer):
    part = encode_part(tokenizer, PART)
    assert part.tokens == 7  # four letters and three ends
    log_probs_VV = torch.full((6, 6), -math.inf)
    log_probs_VV[:, A] = log_probs_VV[:, B] = log_probs_VV[:, END] = math.log(0.25)
    log_probs_VV[:, X] = log_probs_VV[:, Y] = math.log(1e-9) + math.log(0.125)
    rest = 0.25 * (1 - 1e-9)
    log_probs_VV[:, 0] = math.log(rest)
    model = TableModel(log_probs_VV)
    scores, nats_T = score_tokens(model, part)
    assert scores.nats == pytest.approx(7 * math.log(4))
    assert scores.nats_per_char == pytest.approx(math.log(4))  # an end is a line end here
    assert score(model, part) == scores
    assert len(nats_T) == 7
    assert nats_T == pytest.approx(np.full(7, math.log(4)))
    assert mean_nats(model, part) == pytest.approx(math.log(4))


def test_texts_without_the_field_are_refused(tokenizer):
    with pytest.raises(InputError, match=r"^This model was trained with --control label, and val says nothing of it\."):
        encode_part(tokenizer, Part("val", ("ab",), documents=True))


def test_values_that_the_run_does_not_know_are_refused(tokenizer):
    with pytest.raises(InputError, match=r"^'z' is no label of this run\."):
        encode_part(tokenizer, Part("val", ("ab",), documents=True, conditions=("z",)))
