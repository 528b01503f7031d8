"""What the parts of a mixture bring, against the definition."""

import json

import numpy as np
import pytest

from inkloom.explain.mixing import mixture_weights
from inkloom.models.mixture import Mixture
from tests.explain.models import TEXT, TOKENIZER, V, log_probs, mixture


@pytest.mark.parametrize("gate", ["common", "token"])
def test_the_weighted_parts_are_the_mixture(gate):
    model = mixture(gate)
    found = mixture_weights(model, TOKENIZER, TEXT)
    places, ids = np.arange(len(TEXT)), found.tokens.ids
    for part, name in enumerate(found.parts):
        assert name == ("rnn", "gru")[part]
        expected_T = -log_probs(model.models[part], TEXT)[:-1].numpy()[places, ids]
        np.testing.assert_allclose(found.nats_TK[:, part], expected_T, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.nats_T, -log_probs(model, TEXT)[:-1].numpy()[places, ids], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.weights_TK.sum(1), 1, rtol=1e-5)
    joint_TK = found.weights_TK * np.exp(-found.nats_TK)
    np.testing.assert_allclose(found.responsibilities_TK, joint_TK / joint_TK.sum(1, keepdims=True), rtol=1e-4)


def test_a_gate_by_token_weighs_by_the_token_before():
    model = mixture("token")
    found = mixture_weights(model, TOKENIZER, TEXT)
    before = [TOKENIZER.end_id, *TOKENIZER.encode_prompt(TEXT)][:-1]
    np.testing.assert_allclose(found.log_weights_TK, model.log_weights_GK[before])
    common = mixture_weights(mixture(), TOKENIZER, TEXT)
    assert (common.log_weights_TK == common.log_weights_TK[0]).all()


def test_parts_of_one_family_are_numbered():
    parts = ({"name": "rnn", "hidden_size": 4}, {"name": "ngram"}, {"name": "rnn", "hidden_size": 5})
    model = Mixture(Mixture.Config(parts=parts), V).eval()
    assert mixture_weights(model, TOKENIZER, "a").parts == ("rnn 1", "ngram", "rnn 2")


def test_a_part_that_is_certain_of_something_else_is_no_division_by_zero():
    model = mixture()
    for part in model.models:
        part.head.weight.data.mul_(1e4)
    found = mixture_weights(model, TOKENIZER, TEXT)
    np.testing.assert_allclose(found.responsibilities_TK.sum(1), 1, rtol=1e-4)


def test_json_has_a_column_for_every_part():
    found = mixture_weights(mixture(), TOKENIZER, TEXT)
    data = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert [part["name"] for part in data["parts"]] == ["rnn", "gru"]
    assert data["parts"][1]["weights"] == found.weights_TK[:, 1].tolist()
