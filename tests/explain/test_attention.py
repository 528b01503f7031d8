"""Attention maps against a second calculation of the weights, for both modes of the model without a mask."""

import pytest
import torch

from inkloom.explain.attention import attention_maps
from inkloom.models.transformer import Transformer, attention_weights, causal_bias, rotate, rotations
from inkloom.models.unmasked import Unmasked

TOKENS_1T = torch.randint(11, (1, 9), generator=torch.Generator().manual_seed(0))


def build(family, preset="qwen3", window=12):
    torch.manual_seed(0)
    config = family.Config(preset=preset, layers=2, width=16, heads=2, context_length=window, dropout=0.0)
    model = family(config, 11)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("preset", ["vaswani", "gpt2", "qwen3"])
@pytest.mark.parametrize("family", [Transformer, Unmasked])
@pytest.mark.parametrize("training", [True, False])
def test_a_row_is_a_share_of_what_is_gathered(family, preset, training):
    maps_LHTT = attention_maps(build(family, preset).train(training), TOKENS_1T)
    assert maps_LHTT.shape == (2, 2, 9, 9)
    assert maps_LHTT.dtype == torch.float32
    assert (maps_LHTT >= 0).all()
    torch.testing.assert_close(maps_LHTT.sum(-1), torch.ones(2, 2, 9))


def test_with_the_mask_nothing_above_the_diagonal_has_weight():
    for model in (build(Transformer).train(), build(Transformer).eval(), build(Unmasked).eval()):
        assert not attention_maps(model, TOKENS_1T).triu(1).any()


def test_without_it_everything_has():
    assert (attention_maps(build(Unmasked).train(), TOKENS_1T) > 0).all()


@pytest.mark.parametrize("family", [Transformer, Unmasked])
def test_the_first_layer_equals_its_equation(family):
    model = build(family).train()
    block = model.blocks[0]
    x_BTC = block.attention_norm(model.embedding(TOKENS_1T))
    q_BTHD, k_BTHD, _ = block.attention.queries_keys_values(x_BTC).unflatten(-1, (3, 2, 8)).unbind(2)
    rotation = rotations(9, 8).unsqueeze(1)
    q_BTHD = rotate(block.attention.query_norm(q_BTHD), rotation)
    k_BTHD = rotate(block.attention.key_norm(k_BTHD), rotation)
    bias_TT = causal_bias(9, 9, q_BTHD) if family is Transformer else torch.zeros(9, 9)
    expected = attention_weights(q_BTHD.transpose(1, 2), k_BTHD.transpose(1, 2), bias_TT)[0]
    torch.testing.assert_close(attention_maps(model, TOKENS_1T)[0], expected.detach())


def test_recording_changes_nothing():
    model = build(Unmasked).train()
    attends = [block.attention.attend for block in model.blocks]
    before, _ = model(TOKENS_1T, model.initial_state(1))
    attention_maps(model, TOKENS_1T)
    assert [block.attention.attend for block in model.blocks] == attends
    assert torch.equal(model(TOKENS_1T, model.initial_state(1))[0], before)
    assert model.training


def test_a_window_that_is_longer_than_the_models_is_refused():
    with pytest.raises(ValueError, match="1 to 4 tokens"):
        attention_maps(build(Transformer, window=4), TOKENS_1T)
    with pytest.raises(ValueError, match="got 2 rows"):
        attention_maps(build(Transformer), TOKENS_1T.repeat(2, 1))
