"""A mixture averages probabilities, and its weights are the likeliest ones."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkloom.config import build
from inkloom.errors import InputError
from inkloom.models.mixture import Mixture, likeliest_weights

V = 7
PARTS = ({"name": "rnn", "hidden_size": 8, "embedding_size": 4}, {"name": "gru", "hidden_size": 8, "embedding_size": 4})


def mixture(**fields) -> Mixture:
    torch.manual_seed(0)
    model = Mixture(Mixture.Config(parts=PARTS, **fields), V).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)  # far enough from uniform that weights matter
    return model


def log_probs_of_parts(model, tokens_BT):
    with torch.no_grad():
        return torch.stack(
            [part(tokens_BT, part.initial_state(len(tokens_BT)))[0].log_softmax(-1) for part in model.parts]
        )


def random_tokens(*shape):
    return torch.randint(V, shape, generator=torch.Generator().manual_seed(1))


def test_probabilities_are_averaged():
    model, tokens_BT = mixture(weights=(3, 1)), random_tokens(2, 9)
    expected = torch.einsum("k,kbtv->btv", torch.tensor([0.75, 0.25]), log_probs_of_parts(model, tokens_BT).exp())
    with torch.no_grad():
        logits, _ = model(tokens_BT, model.initial_state(2))
    torch.testing.assert_close(logits.exp(), expected)


@pytest.mark.parametrize("gate", ["common", "token"])
def test_scoring_by_parts_is_what_forward_gives(gate):
    model, tokens = mixture(gate=gate), random_tokens(1, 30)
    observed_KN = log_probs_of_parts(model, tokens[:, :-1])[:, 0].gather(-1, tokens[:, 1:].expand(2, -1)[..., None])[
        ..., 0
    ]
    model.learn_weights(observed_KN, tokens[0, :-1])
    with torch.no_grad():
        logits, _ = model(tokens[:, :-1], model.initial_state(1))
    expected = logits[0].gather(-1, tokens[0, 1:, None])[:, 0]
    torch.testing.assert_close(model.combine(observed_KN, tokens[0, :-1]), expected)


@given(st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_no_other_weights_are_likelier(seed):
    probs_KN = np.random.default_rng(seed).dirichlet(np.ones(3) * 0.3, 50).T
    weights = likeliest_weights(probs_KN, np.zeros(3))
    assert weights.sum() == pytest.approx(1, abs=1e-6)
    reached = np.log(weights @ probs_KN).mean()
    for other in np.random.default_rng(seed + 1).dirichlet(np.ones(3), 200):
        assert np.log(other @ probs_KN).mean() <= reached + 1e-4


def test_weights_that_are_known():
    # Observations that only one part can explain are 3 to 1, so the likeliest weights are too.
    probs_KN = np.array([[0.5, 0.5, 0.5, 0.0], [0.0, 0.0, 0.0, 0.5]])
    assert likeliest_weights(probs_KN, np.zeros(2)) == pytest.approx([0.75, 0.25])
    # A prior of four observations at one half pulls them to 5 in 8.
    assert likeliest_weights(probs_KN, np.array([2.0, 2.0])) == pytest.approx([0.625, 0.375])


def test_learned_weights_are_never_worse_than_the_best_part():
    model, tokens = mixture(), random_tokens(1, 400)
    observed_KN = log_probs_of_parts(model, tokens[:, :-1])[:, 0].gather(-1, tokens[:, 1:].expand(2, -1)[..., None])[
        ..., 0
    ]
    model.learn_weights(observed_KN, tokens[0, :-1])
    assert model.combine(observed_KN, tokens[0, :-1]).mean() >= observed_KN.mean(dim=1).max() - 1e-5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"parts": "lstm"}, "at least two parts"),
        ({"parts": "lstm,ngram", "weights": "1,2,3"}, "3 weights were given for 2 parts"),
        ({"parts": "lstm,ngram", "weights": "1,-2"}, "greater than 0"),
        ({"parts": "lstm,ngram", "weights": "1,2", "gate": "token"}, "gate must be common"),
    ],
)
def test_what_does_not_fit_together_is_refused(fields, message):
    with pytest.raises(InputError, match=message):
        build(Mixture.Config, fields, "model")


def test_names_and_weights_may_be_text():
    config = build(Mixture.Config, {"parts": "lstm, ngram", "weights": "0.6,0.4"}, "model")
    assert config.parts == ({"name": "lstm"}, {"name": "ngram"})
    assert config.weights == (0.6, 0.4)
