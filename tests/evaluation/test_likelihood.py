"""The score counts every token once, with the context that the protocol promises, in the units it names."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkloom.data import EncodedPart
from inkloom.errors import InputError
from inkloom.evaluation import likelihood, score, score_tokens
from inkloom.evaluation.likelihood import Scores, token_nats
from tests.fakes import ContextModel, TableModel

TABLE = torch.log_softmax(torch.randn(5, 5, generator=torch.Generator().manual_seed(0)), dim=-1)


def random_ids(tokens: int) -> np.ndarray:
    return np.random.default_rng(tokens).integers(0, 5, tokens + 1).astype(np.uint16)


def known_nats(ids: np.ndarray) -> np.ndarray:
    return -TABLE.numpy()[ids[:-1], ids[1:]]


@pytest.mark.parametrize("window", [None, 1, 2, 7, 64, 10_000])
@given(tokens=st.integers(1, 400))
@settings(max_examples=40, deadline=None)
def test_every_token_is_scored_exactly_once(window, tokens):
    ids = random_ids(tokens)
    assert token_nats(TableModel(TABLE, window), ids) == pytest.approx(known_nats(ids), abs=1e-5)


def test_many_lanes_score_every_token_exactly_once(monkeypatch):
    monkeypatch.setattr(likelihood, "WARM_UP", 8)
    for tokens in (31, 40, 41, 500, 3333):
        ids = random_ids(tokens)
        assert token_nats(TableModel(TABLE), ids) == pytest.approx(known_nats(ids), abs=1e-5)


def test_small_memory_for_logits_changes_nothing(monkeypatch):
    ids = random_ids(777)
    for window in (None, 16):
        monkeypatch.setattr(likelihood, "LOGITS_AT_ONCE", 1)
        assert token_nats(TableModel(TABLE, window), ids) == pytest.approx(known_nats(ids), abs=1e-5)


def test_a_lane_is_scored_only_after_its_warm_up(monkeypatch):
    monkeypatch.setattr(likelihood, "WARM_UP", 32)
    ids = np.ones(5001, dtype=np.uint16)
    nats = token_nats(ContextModel(needed=32), ids)
    # Only the first 31 predictions, which have read fewer than 32 tokens, cost anything.
    assert np.flatnonzero(nats > 1e-6).tolist() == list(range(31))


def test_a_window_gives_every_token_half_a_window_or_all_that_precedes():
    ids = np.ones(1000, dtype=np.uint16)
    nats = token_nats(ContextModel(needed=32, context_window=64), ids)
    assert np.flatnonzero(nats > 1e-6).tolist() == list(range(31))


def test_units():
    scores = Scores("val", tokens=10, chars=40, bytes=50, unknown_tokens=1, nats=20.0, charge_nats=8 * math.log(2))
    assert scores.nats_per_token == 2.0
    assert scores.perplexity == pytest.approx(math.exp(2))
    assert scores.nats_per_char == pytest.approx((20 + 8 * math.log(2)) / 40)
    assert scores.bits_per_char == pytest.approx((20 / math.log(2) + 8) / 40)
    assert scores.bits_per_byte == pytest.approx((20 / math.log(2) + 8) / 50)
    assert scores.charge_share == pytest.approx(8 * math.log(2) / (20 + 8 * math.log(2)))


def test_a_hopeless_model_has_no_finite_perplexity_but_valid_json():
    scores = Scores("val", tokens=1, chars=1, bytes=1, unknown_tokens=0, nats=1e6, charge_nats=0.0)
    assert scores.perplexity == math.inf
    assert scores.as_json()["perplexity"] is None


def test_a_uniform_model_needs_log2_of_the_vocabulary():
    ids = random_ids(300)
    part = EncodedPart("test", ids, chars=300, bytes=300, unknown_tokens=0, charge_nats=0.0)
    assert score(TableModel(torch.zeros(5, 5)), part).bits_per_char == pytest.approx(math.log2(5), abs=1e-6)


def test_an_empty_split_is_refused():
    part = EncodedPart("test", random_ids(0), chars=0, bytes=0, unknown_tokens=0, charge_nats=0.0)
    with pytest.raises(InputError, match="test split is empty"):
        score(TableModel(TABLE), part)


def test_a_model_that_scores_given_tokens_is_not_asked_for_distributions():
    class Scorer(TableModel):
        def forward(self, tokens_BT, state):
            raise AssertionError

        def token_log_probs(self, tokens_N):
            return self.log_probs_VV[tokens_N[:-1], tokens_N[1:]]

    ids = random_ids(300)
    assert token_nats(Scorer(TABLE), ids) == pytest.approx(known_nats(ids), abs=1e-6)


class LooksBack(TableModel):
    """Scores given tokens by the two before each, so that a stretch needs what precedes it."""

    def token_log_probs(self, tokens_N):
        before_N = torch.cat([tokens_N[:1], tokens_N[:-2]]) if len(tokens_N) > 1 else tokens_N[:0]
        return self.log_probs_VV[before_N, tokens_N[:-1]] + self.log_probs_VV[tokens_N[:-1], tokens_N[1:]]


class Sum(TableModel):
    """Combines its parts by adding up what they give."""

    def __init__(self, *parts):
        super().__init__(TABLE)
        self.models = parts

    def combine(self, log_probs_KN, tokens_N):
        return log_probs_KN.sum(dim=0) - tokens_N


@pytest.mark.parametrize(
    "model",
    [TableModel(TABLE), TableModel(TABLE, 16), LooksBack(TABLE), Sum(TableModel(TABLE), LooksBack(TABLE))],
    ids=["lanes", "windows", "given tokens", "combined"],
)
@pytest.mark.parametrize("tokens", [1, 63, 64, 65, 1000])
def test_stretches_of_a_split_make_the_score_of_the_whole(model, tokens, monkeypatch):
    part = EncodedPart("test", random_ids(tokens), chars=tokens, bytes=tokens, unknown_tokens=0, charge_nats=0.0)
    whole = token_nats(model, part.ids)
    monkeypatch.setattr(likelihood, "GIVEN_AT_ONCE", 64)
    monkeypatch.setattr(likelihood, "WARM_UP", 8)
    heard = []
    scores, nats = score_tokens(model, part, heard.append)
    assert nats == pytest.approx(whole, abs=1e-5)
    assert scores.nats == pytest.approx(whole.sum(), abs=1e-3)
    assert score(model, part) == scores
    assert sum(heard) == tokens


def test_the_model_is_left_in_the_mode_it_was_in():
    model = TableModel(TABLE).train()
    token_nats(model, random_ids(10))
    assert model.training
