"""What every registered filter and penalty keeps."""

import pytest
import torch

from inkloom.generation import FILTERS, PENALTIES, GenerationConfig
from inkloom.generation.filters import Seen

STRENGTHS = {
    "repetition_penalty": [0.5, 1.0, 1.3],
    "presence_penalty": [-2.0, 0.0, 1.5],
    "frequency_penalty": [-2.0, 0.0, 0.7],
    "temperature": [0.1, 1.0, 3.0],
    "top_k": [0, 1, 5, 1000],
    "top_p": [1e-6, 0.5, 1.0],
    "min_p": [0.0, 0.1, 1.0],
}
NAMES = [*PENALTIES, *FILTERS]


def rows_of_logits():
    """Random rows; one with a few tokens left, one all alike, one with large numbers."""
    logits_BV = torch.randn(8, 50, generator=torch.Generator().manual_seed(0)) * 3
    logits_BV[1, 4:] = float("-inf")
    logits_BV[2] = 0.0
    logits_BV[3] *= 1e4
    return logits_BV


def seen_tokens():
    generator = torch.Generator().manual_seed(1)
    text_BV = torch.rand(8, 50, generator=generator) < 0.3
    return Seen(text_BV, text_BV * torch.randint(0, 4, (8, 50), generator=generator).float())


def apply(name, logits_BV, strength, seen=None):
    if name in PENALTIES:
        return PENALTIES.load(name)(logits_BV, strength, seen or seen_tokens())
    return FILTERS.load(name)(logits_BV, strength)


every_filter = pytest.mark.parametrize("name", NAMES)
every_strength = pytest.mark.parametrize(
    ("name", "strength"), [(name, strength) for name in NAMES for strength in STRENGTHS[name]]
)


def test_every_filter_is_tried_here():
    assert set(STRENGTHS) == set(NAMES)


@every_filter
def test_the_configs_default_changes_nothing(name):
    logits_BV = rows_of_logits()
    assert torch.equal(apply(name, logits_BV, getattr(GenerationConfig(), name)), logits_BV)


@every_strength
def test_gives_float32_logits_and_leaves_its_input_alone(name, strength):
    logits_BV = rows_of_logits()
    filtered_BV = apply(name, logits_BV, strength)
    assert torch.equal(logits_BV, rows_of_logits())
    assert (filtered_BV.shape, filtered_BV.dtype) == (logits_BV.shape, torch.float32)
    assert not filtered_BV.isnan().any()


@every_strength
def test_keeps_a_token_and_revives_none(name, strength):
    logits_BV = rows_of_logits()
    filtered_BV = apply(name, logits_BV, strength)
    assert filtered_BV.isfinite().any(dim=-1).all()
    assert filtered_BV[logits_BV.isneginf()].isneginf().all()


@every_strength
def test_a_number_is_the_same_strength_for_every_row(name, strength):
    logits_BV = rows_of_logits()
    assert torch.equal(apply(name, logits_BV, strength), apply(name, logits_BV, torch.tensor([strength] * 8)))


@every_filter
def test_a_row_does_not_depend_on_its_neighbours(name):
    logits_BV, seen = rows_of_logits(), seen_tokens()
    strengths_B = torch.tensor([STRENGTHS[name][row % len(STRENGTHS[name])] for row in range(8)])
    together_BV = apply(name, logits_BV, strengths_B, seen)
    for row in range(8):
        one = slice(row, row + 1)
        alone_BV = apply(name, logits_BV[one], strengths_B[one], Seen(seen.text_BV[one], seen.written_BV[one]))
        assert torch.equal(alone_BV, together_BV[one])


@pytest.mark.parametrize(("name", "strength"), [(name, s) for name in FILTERS for s in STRENGTHS[name]])
def test_filters_keep_the_order_of_tokens(name, strength):
    logits_BV = rows_of_logits()
    filtered_BV = apply(name, logits_BV, strength)
    order_BV = logits_BV.argsort(dim=-1)
    sorted_BV = filtered_BV.gather(1, order_BV)
    assert (sorted_BV[:, 1:] >= sorted_BV[:, :-1]).all()
