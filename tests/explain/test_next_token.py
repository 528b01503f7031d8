"""What is shown of the next token is what the sampler draws from."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkloom.explain.next_token import next_token
from inkloom.generation import GenerationConfig
from inkloom.generation.reference import reference_scores
from tests.explain.models import MODELS, TEXT, TOKENIZER, V, log_probs, recurrent

MODEL = recurrent()
SHOWN = next_token(MODEL, TOKENIZER, TEXT)


@pytest.mark.parametrize("family", MODELS)
def test_the_models_own_distribution(family):
    model = MODELS[family]()
    shown = next_token(model, TOKENIZER, TEXT, top=4)
    probs_V = log_probs(model, TEXT)[-1].exp().numpy()
    np.testing.assert_allclose(shown.probs_V, probs_V[shown.ids_V], rtol=1e-4)
    assert (np.diff(shown.probs_V) <= 0).all()
    assert sorted(shown.ids_V) == list(range(V))
    assert len(shown.top_texts) == 4


settings_of_users = st.builds(
    GenerationConfig,
    temperature=st.sampled_from([0.0, 0.3, 1.0, 2.0]),
    top_k=st.integers(0, V + 5),
    top_p=st.floats(0.05, 1),
    min_p=st.floats(0, 1),
    repetition_penalty=st.floats(0.5, 2),
)


@given(settings_of_users)
@settings(max_examples=100, deadline=None)
def test_filters_are_those_of_generation_by_their_definitions(config):
    """The slow reference works on plain numbers, from the model's own logits."""
    shown = SHOWN.under(config)
    logits = dict(zip(shown.ids_V.tolist(), shown.logits_V.tolist(), strict=True))
    seen = set(TOKENIZER.encode_prompt(TEXT))
    logits[TOKENIZER.unknown_id] = -math.inf  # never drawn, so that no filter counts it
    scores = reference_scores([logits[token] for token in range(V)], seen, config)
    scores.pop(TOKENIZER.unknown_id, None)
    if config.is_greedy:
        expected = {max(scores, key=scores.__getitem__): 1.0}
    else:
        weights = torch.tensor(list(scores.values())).softmax(0).tolist()
        expected = dict(zip(scores, weights, strict=True))
    drawn = {token: prob for token, prob in zip(shown.ids_V.tolist(), shown.drawn_V.tolist(), strict=True) if prob}
    edge = sum(abs(expected.get(token, 0) - drawn.get(token, 0)) for token in range(V))
    tied = abs(len(drawn) - len(expected)) == 1  # a threshold in float32 may fall on the other side of one token
    assert edge < 1e-4 or tied
    assert shown.kept == len(drawn)
    assert sum(drawn.values()) == pytest.approx(1, abs=1e-5)


def test_unknown_text_is_never_drawn():
    assert SHOWN.drawn_V[SHOWN.ids_V.tolist().index(TOKENIZER.unknown_id)] == 0
    assert SHOWN.probs_V[SHOWN.ids_V.tolist().index(TOKENIZER.unknown_id)] > 0


def test_tempered_is_before_anything_is_dropped():
    shown = SHOWN.under(GenerationConfig(temperature=0.5, top_k=2))
    assert shown.kept == 2
    assert (shown.tempered_V > 0).sum() == V - 1
    known = shown.ids_V != TOKENIZER.unknown_id
    squared = shown.probs_V[known] ** 2
    np.testing.assert_allclose(shown.tempered_V[known], squared / squared.sum(), rtol=1e-3)


def test_the_beginning_of_a_text_can_be_looked_at():
    shown = next_token(MODEL, TOKENIZER, "")
    np.testing.assert_allclose(shown.probs_V, np.sort(log_probs(MODEL, "")[-1].exp().numpy())[::-1], rtol=1e-4)


def test_json_has_the_likeliest():
    shown = next_token(MODEL, TOKENIZER, TEXT, GenerationConfig(top_k=3), top=5)
    data = json.loads(json.dumps(shown.as_json(), allow_nan=False))
    assert [one["id"] for one in data["likeliest"]] == shown.ids_V[:5].tolist()
    assert data["kept"] == sum(prob > 0 for prob in shown.drawn_V)
    assert data["settings"]["top_k"] == 3
