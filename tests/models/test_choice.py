"""The largest of many and draws from many, against torch's own and against the softmax."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inkloom.models.choice import BLOCK, LEAST_UNIFORM, argmax, draw, exponential_

SIZES = (1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@given(
    size=st.sampled_from(SIZES),
    seed=st.integers(0, 2**31),
    levels=st.sampled_from((1, 3, 1000)),
    dtype=st.sampled_from((torch.float32, torch.bfloat16)),
)
def test_argmax_is_that_of_torch_and_the_first_of_several(size, seed, levels, dtype):
    scores = torch.randint(levels, (2, 3, size), generator=generator(seed)).sub(levels // 2).to(dtype)
    assert torch.equal(argmax(scores), scores.float().argmax(dim=-1))


def test_argmax_finds_what_is_finite_among_minus_infinities():
    scores = torch.full((1, 2 * BLOCK + 7), -torch.inf)
    scores[0, -1] = -5.0
    assert argmax(scores).tolist() == [2 * BLOCK + 6]


def test_draws_have_the_probabilities_of_the_softmax():
    rows, size = 100_000, 2 * BLOCK + 9
    logits_V = torch.randn(size, generator=generator(1))
    logits_V[::7] = -torch.inf
    counts_V = draw(logits_V.expand(rows, size), generator()).bincount(minlength=size)
    probs_V = logits_V.softmax(dim=-1)
    assert not counts_V[::7].any()
    known = probs_V > 0
    chi_square = ((counts_V - rows * probs_V).square() / (rows * probs_V))[known].sum()
    freedom = int(known.sum()) - 1
    assert abs(float(chi_square) - freedom) < 4 * (2 * freedom) ** 0.5


@pytest.mark.parametrize("size", SIZES)
def test_the_same_generator_draws_the_same_and_nothing_else(size):
    logits = torch.randn(4, 3, size, generator=generator(2))
    drawn = draw(logits, generator())
    assert drawn.shape == (4, 3)
    assert drawn.dtype == torch.int64
    assert int(drawn.max()) < size
    assert torch.equal(drawn, draw(logits, generator()))


def test_a_certain_choice_is_drawn_wherever_it_stands():
    for place in (0, BLOCK - 1, BLOCK, 2 * BLOCK + 8):
        logits_V = torch.full((2 * BLOCK + 9,), -torch.inf)
        logits_V[place] = 3.0
        assert draw(logits_V.expand(1000, -1), generator()).unique().tolist() == [place]


def test_exponential_numbers_are_positive_finite_and_have_their_mean_and_variance():
    numbers = exponential_(torch.rand(200_000, generator=generator()))
    assert float(numbers.mean()) == pytest.approx(1, abs=0.01)
    assert float(numbers.var()) == pytest.approx(1, abs=0.03)
    edges = exponential_(torch.tensor([0.0, LEAST_UNIFORM, 1 - 2.0**-24]))
    assert bool(edges.isfinite().all())
    assert bool((edges > 0).all())
