"""Surprisal against the model's own probabilities, for every family."""

import json
import math

import numpy as np
import pytest
import torch

from inkloom.evaluation.likelihood import token_nats
from inkloom.explain.surprisal import surprisal
from tests.explain.models import MODELS, TEXT, TOKENIZER, V, log_probs, transformer
from tests.generation.fakes import Markov


@pytest.mark.parametrize("family", MODELS)
def test_a_tokens_cost_is_what_the_model_gives_it(family):
    model = MODELS[family]()
    found = surprisal(model, TOKENIZER, TEXT, top=5)
    log_probs_TV = log_probs(model, TEXT)[:-1].numpy()
    T = len(TEXT)
    np.testing.assert_allclose(found.nats_T, -log_probs_TV[np.arange(T), found.tokens.ids], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.bits_T, found.nats_T / math.log(2))
    np.testing.assert_allclose(found.entropies_T, -(np.exp(log_probs_TV) * log_probs_TV).sum(1), rtol=1e-4)
    assert found.top_probs_TK.shape == found.top_ids_TK.shape == (T, 5)
    np.testing.assert_allclose(found.top_probs_TK, np.sort(np.exp(log_probs_TV))[:, :-6:-1], rtol=1e-3)
    above_T = (log_probs_TV > -found.nats_T[:, None] + 1e-4).sum(1)
    assert (found.ranks_T == 1 + above_T).all()


@pytest.mark.parametrize("family", MODELS)
def test_the_costs_of_a_text_are_those_of_its_score(family):
    model = MODELS[family]()
    ids = np.array([TOKENIZER.end_id, *TOKENIZER.encode_prompt(TEXT)])
    np.testing.assert_allclose(surprisal(model, TOKENIZER, TEXT).nats_T, token_nats(model, ids), rtol=1e-4, atol=1e-5)


def test_known_answers():
    """A chain that is sure after the end token and even after all others."""
    logits_VV = torch.zeros(V, V)
    first, other = TOKENIZER.encode_prompt("ac")
    logits_VV[TOKENIZER.end_id] = torch.full((V,), -1e9).index_fill(0, torch.tensor([first]), 0.0)
    found = surprisal(Markov(logits_VV), TOKENIZER, "ac", top=2)
    np.testing.assert_allclose(found.bits_T, [0, math.log2(V)], atol=1e-6)
    np.testing.assert_allclose(found.entropies_T, [0, math.log(V)], atol=1e-5)
    assert found.ranks_T.tolist() == [1, 1]
    assert found.top_ids_TK[0, 0] == first
    assert found.top_texts[0][0] == "a"
    assert other in range(V)


def test_what_is_very_surprising_depends_on_the_vocabulary():
    for vocab_size, bits in ((2, 8), (66, 8), (300, 12), (5000, 16)):
        found = surprisal(Markov(torch.zeros(vocab_size, vocab_size)), TOKENIZER, [0], top=1)
        assert found.full_bits == bits


def test_a_text_may_be_longer_than_the_window(caplog):
    model = transformer(window=8)
    assert len(surprisal(model, TOKENIZER, TEXT).nats_T) == len(TEXT)
    assert "drops the older half" in caplog.text


def test_no_more_alternatives_than_there_are_tokens():
    assert surprisal(MODELS["ngram"](), TOKENIZER, "a", top=1000).top_ids_TK.shape == (1, V)


def test_json_has_a_column_for_everything():
    found = surprisal(MODELS["lstm"](), TOKENIZER, TEXT, top=3)
    data = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert data["tokens"] == list(TEXT)
    assert {len(column) for column in data.values()} == {len(TEXT)}
    assert [one["text"] for one in data["alternatives"][0]] == list(found.top_texts[0])
