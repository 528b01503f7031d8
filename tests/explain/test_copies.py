"""A copy on the same weights can be tampered with; the original does not notice."""

import pytest
import torch

from inkloom.explain.copies import sharing_weights
from tests.explain.models import MODELS, TEXT, log_probs


@pytest.mark.parametrize("family", MODELS)
def test_a_copy_shares_its_weights_and_nothing_else(family):
    model = MODELS[family]()
    copy = sharing_weights(model)
    assert type(copy) is type(model)
    assert torch.equal(log_probs(copy, TEXT), log_probs(model, TEXT))
    pairs = zip(copy.state_dict(keep_vars=True).values(), model.state_dict(keep_vars=True).values(), strict=True)
    assert all(one is other for one, other in pairs)
    assert not set(map(id, copy.modules())) & set(map(id, model.modules()))
    copy.train()
    assert not any(module.training for module in model.modules())


def test_what_a_copy_calls_is_its_own():
    """A method that a module keeps as an attribute is the copy's method."""
    copy = sharing_weights(MODELS["unmasked"]())
    assert all(block.attention.attend.__self__ is copy for block in copy.blocks)
