"""The contract of a classifier: a logit a class from padded texts, whatever reads them.

Shapes: B texts, T tokens of the longest, V vocabulary, C classes.
"""

import pydantic
import pytest
import torch
from torch.nn import functional

from inkloom.models.classifier import (
    POOLINGS,
    Classifier,
    backwards,
    bag_of_tokens,
    pool_last,
    pool_max,
    pool_mean,
)
from inkloom.runs.weights import load_weights, save_weights

V = 9
SIZES = {"embedding_size": 4, "hidden_size": 8, "max_tokens": 10, "dropout": 0.0, "labels": ("x", "y", "z")}
VARIANTS = [
    {"encoder": "dense", "layers": 2},
    *({"encoder": encoder, "pooling": pooling} for encoder in ("rnn", "gru", "lstm") for pooling in POOLINGS),
    {"encoder": "lstm", "bidirectional": True, "layers": 2},
    {"encoder": "transformer", "layers": 2},
    {"encoder": "transformer", "pooling": "last"},
]
TEXTS = ([1, 5, 6, 1], [1, 1], [1, 2, 3, 4, 5, 1], [1, 8, 1])


def built(fields):
    torch.manual_seed(0)
    return Classifier(Classifier.Config(**SIZES, **fields), V).eval()


def batch(texts, fill=0):
    longest = max(map(len, texts))
    return torch.tensor([[*text, *[fill] * (longest - len(text))] for text in texts]), torch.tensor(
        list(map(len, texts))
    )


@pytest.mark.parametrize("fields", VARIANTS)
def test_a_text_has_the_same_logits_alone_and_among_longer_ones(fields):
    model = built(fields)
    together_BC = model(*batch(TEXTS))
    assert together_BC.shape == (4, 3)
    for text, logits_C in zip(TEXTS, together_BC, strict=True):
        torch.testing.assert_close(model(*batch([text]))[0], logits_C, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fields", VARIANTS)
def test_what_stands_behind_a_text_is_not_seen(fields):
    model = built(fields)
    torch.testing.assert_close(model(*batch(TEXTS, fill=0)), model(*batch(TEXTS, fill=7)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fields", VARIANTS)
def test_every_weight_learns_and_a_few_steps_lower_the_loss(fields):
    model = built(fields).train()
    labels_B = torch.tensor([0, 1, 2, 0])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(30):
        loss = functional.cross_entropy(model(*batch(TEXTS)), labels_B)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert without == []


@pytest.mark.parametrize("fields", VARIANTS)
def test_weights_and_temperature_come_back_from_disk(fields, tmp_path):
    model, other = built(fields), built(fields)
    model.temperature.fill_(1.7)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1.0)
    save_weights(model, tmp_path / "model.safetensors")
    load_weights(other, tmp_path / "model.safetensors")
    assert torch.equal(model.log_probs(*batch(TEXTS)), other.log_probs(*batch(TEXTS)))


def test_order_counts_for_all_but_the_dense_network():
    for fields in VARIANTS:
        model = built(fields)
        with torch.no_grad():  # a new Transformer adds nothing to its embedding yet
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        one_C, other_C = model(*batch([[1, 5, 6, 1], [1, 6, 5, 1]]))
        assert torch.allclose(one_C, other_C, atol=1e-6) == (fields["encoder"] == "dense")


def test_the_temperature_divides_the_logits():
    model = built({"encoder": "gru"})
    model.temperature.fill_(2.0)
    expected_BC = (model(*batch(TEXTS)) / 2).log_softmax(-1)
    assert torch.equal(model.log_probs(*batch(TEXTS)), expected_BC)


def test_a_bag_has_the_share_of_every_token():
    bag_BV = bag_of_tokens(*batch([[1, 5, 5, 1], [2]], fill=3), V)
    assert bag_BV[0].tolist() == [0, 0.5, 0, 0, 0, 0.5, 0, 0, 0]
    assert bag_BV[1].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0]


def test_texts_are_turned_round_within_their_length():
    assert backwards(*batch([[1, 2, 3], [4, 5]], fill=9)).tolist() == [[3, 2, 1], [5, 4, 9]]


def test_pooling_is_over_the_tokens_of_the_text():
    x_BTH = torch.tensor([[[1.0], [5.0], [9.0]], [[-4.0], [-2.0], [0.0]]])
    lengths_B = torch.tensor([3, 2])
    assert [pool(x_BTH, lengths_B)[:, 0].tolist() for pool in (pool_last, pool_mean, pool_max)] == [
        [9.0, -2.0],
        [5.0, -3.0],
        [9.0, -2.0],
    ]


def test_both_directions_read_with_one_embedding():
    model = built({"encoder": "gru", "bidirectional": True})
    first, second = model.encoder.readers
    assert first.embedding is second.embedding
    assert model.head.in_features == 2 * 8


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"encoder": "dense", "bidirectional": True}, "bidirectional belongs to the encoders rnn, gru, lstm"),
        ({"encoder": "transformer", "hidden_size": 7}, "hidden_size 7 is odd"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(fields, problem):
    with pytest.raises(pydantic.ValidationError, match=problem):
        Classifier.Config(**fields)
