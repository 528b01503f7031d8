"""The adaptive softmax against torch's own."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from inkloom.models.adaptive_softmax import AdaptiveSoftmax, default_cutoffs

SIZE, WORDS, CUTOFFS = 32, 50, (10, 25)


@pytest.fixture
def pair():
    """Ours, and torch's with the same weights."""
    torch.manual_seed(0)
    ours = AdaptiveSoftmax(SIZE, WORDS, CUTOFFS)
    theirs = nn.AdaptiveLogSoftmaxWithLoss(SIZE, WORDS, list(CUTOFFS), div_value=4, head_bias=True)
    for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert own.shape == other.shape
        other.data = own.data.clone()
    return ours, theirs


def test_log_probabilities_equal_torchs(pair):
    ours, theirs = pair
    x_NC = torch.randn(20, SIZE)
    torch.testing.assert_close(ours(x_NC), theirs.log_prob(x_NC))


def test_loss_and_gradients_equal_torchs(pair):
    ours, theirs = pair
    x_NC, targets_N = torch.randn(200, SIZE), torch.randint(WORDS, (200,))
    found, expected = ours.loss(x_NC, targets_N, 200), theirs(x_NC, targets_N).loss
    torch.testing.assert_close(found, expected)
    found.backward()
    expected.backward()
    for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(own.grad, other.grad, rtol=1e-4, atol=1e-6)


def test_the_loss_is_what_the_log_probabilities_say(pair):
    ours, _ = pair
    x_NC, targets_N = torch.randn(200, SIZE), torch.randint(WORDS, (200,))
    from_log_probs = -ours(x_NC).gather(1, targets_N.unsqueeze(1)).sum()
    torch.testing.assert_close(ours.loss(x_NC, targets_N), from_log_probs)


@pytest.mark.parametrize("targets", [[0, 9], [10, 24], [25, 49]])
def test_words_of_one_range_alone_can_be_scored(pair, targets):
    ours, _ = pair
    x_NC, targets_N = torch.randn(2, SIZE), torch.tensor(targets)
    torch.testing.assert_close(ours.loss(x_NC, targets_N), -ours(x_NC)[range(2), targets].sum())


def test_all_words_together_are_certain(pair):
    ours, _ = pair
    x_BTC = torch.randn(2, 3, SIZE)
    torch.testing.assert_close(ours(x_BTC).exp().sum(dim=-1), torch.ones(2, 3))


@given(st.integers(2, 10**6))
def test_default_cutoffs_rise_within_any_vocabulary(vocab_size):
    cutoffs = (0, *default_cutoffs(vocab_size), vocab_size)
    assert all(before < after for before, after in pairwise(cutoffs))


def test_default_cutoffs_of_known_vocabularies():
    assert default_cutoffs(13_777) == (1_878, 5_086)
    assert default_cutoffs(267_735) == (8_279, 47_080)
