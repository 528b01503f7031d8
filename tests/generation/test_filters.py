"""Known answers. Shapes: B rows, V vocabulary."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inkloom.generation import filters

PROBABILITIES = [0.4, 0.3, 0.2, 0.1]


def logits(*probabilities):
    return torch.tensor([probabilities]).log()


def kept(logits_BV):
    return [row.isfinite().nonzero().flatten().tolist() for row in logits_BV]


some_logits = st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=20).map(lambda row: torch.tensor([row]))


def test_temperature_is_a_power_of_the_probabilities():
    halved_BV = filters.temperature(logits(*PROBABILITIES), 0.5).softmax(-1)
    squares = [p * p for p in PROBABILITIES]
    assert halved_BV[0].tolist() == pytest.approx([square / sum(squares) for square in squares])


def test_repetition_penalty_divides_positive_and_multiplies_negative_logits():
    logits_BV = torch.tensor([[3.0, -1.0, 0.0, 2.0]])
    seen = filters.Seen(torch.tensor([[True, True, True, False]]), torch.zeros(1, 4))
    assert filters.repetition_penalty(logits_BV, 2.0, seen).tolist() == [[1.5, -2.0, 0.0, 2.0]]


@pytest.mark.parametrize(
    ("k", "tokens"), [(1, [0]), (2, [0, 1]), (4, [0, 1, 2, 3]), (9, [0, 1, 2, 3]), (0, [0, 1, 2, 3])]
)
def test_top_k_keeps_the_k_likeliest(k, tokens):
    assert kept(filters.top_k(logits(*PROBABILITIES), k)) == [tokens]


def test_top_k_keeps_what_ties_with_the_last():
    assert kept(filters.top_k(logits(0.1, 0.3, 0.3, 0.3), 2)) == [[1, 2, 3]]


def test_top_k_takes_a_k_for_each_row():
    logits_BV = logits(*PROBABILITIES).expand(3, 4)
    assert kept(filters.top_k(logits_BV, torch.tensor([1, 0, 3]))) == [[0], [0, 1, 2, 3], [0, 1, 2]]


@pytest.mark.parametrize(
    ("p", "tokens"), [(0.01, [2]), (0.39, [2]), (0.41, [0, 2]), (0.69, [0, 2]), (0.71, [0, 1, 2]), (0.95, [0, 1, 2, 3])]
)
def test_top_p_keeps_the_fewest_tokens_that_reach_p(p, tokens):
    assert kept(filters.top_p(logits(0.3, 0.2, 0.4, 0.1), p)) == [tokens]


def test_top_p_reaches_p_exactly_without_a_token_more():
    assert kept(filters.top_p(logits(0.5, 0.25, 0.125, 0.125), 0.75)) == [[0, 1]]


def test_top_p_keeps_what_ties_with_the_last():
    assert kept(filters.top_p(logits(0.25, 0.25, 0.25, 0.25), 0.3)) == [[0, 1, 2, 3]]


def test_top_p_of_one_keeps_tokens_too_unlikely_for_float32_sums():
    logits_BV = torch.tensor([[0.0, -40.0, -80.0]])
    assert torch.equal(filters.top_p(logits_BV, 1.0), logits_BV)


@given(some_logits, st.floats(0.01, 0.999))
def test_the_nucleus_is_as_small_as_it_can_be(logits_BV, p):
    probabilities_V = logits_BV[0].double().softmax(-1)
    nucleus_V = filters.top_p(logits_BV, p)[0].isfinite()
    least = probabilities_V[nucleus_V].min()
    without_the_last = probabilities_V[probabilities_V > least].sum()
    assert probabilities_V[nucleus_V].sum() >= p - 1e-5
    assert without_the_last < p + 1e-5


@pytest.mark.parametrize(("p", "tokens"), [(0.0, [0, 1, 2, 3]), (0.3, [0, 1, 2]), (0.6, [0, 1]), (1.0, [0])])
def test_min_p_drops_what_is_far_less_likely_than_the_likeliest(p, tokens):
    assert kept(filters.min_p(logits(*PROBABILITIES), p)) == [tokens]


@given(some_logits, st.floats(1e-6, 0.99))
def test_min_p_is_a_ratio_to_the_likeliest(logits_BV, p):
    probabilities_V = logits_BV[0].double().softmax(-1)
    ratios_V = probabilities_V / probabilities_V.max()
    kept_V = filters.min_p(logits_BV, p)[0].isfinite()
    assert (ratios_V[kept_V] > p * (1 - 1e-4)).all()
    assert (ratios_V[~kept_V] < p * (1 + 1e-4)).all()


def test_filters_compose_on_what_is_left():
    """After top-k, the nucleus is that of the renormalised rest: 0.4 and 0.3 are 57 % and 43 %."""
    after_top_k_BV = filters.top_k(logits(*PROBABILITIES), 2)
    assert kept(filters.top_p(after_top_k_BV, 0.55)) == [[0]]
    assert kept(filters.top_p(logits(*PROBABILITIES), 0.55)) == [[0, 1]]
    assert math.isclose(after_top_k_BV.softmax(-1)[0, 0], 4 / 7, rel_tol=1e-6)
