"""Attention maps against a second calculation of the weights, for both modes of the model without a mask."""

import json

import numpy as np
import pytest
import torch

from inkloom.errors import InputError
from inkloom.explain.attention import AttentionMaps, attention, attention_maps
from inkloom.explain.tokens import END, tokens_of
from inkloom.models.transformer import Transformer, attention_weights, causal_bias, rotate, rotations
from inkloom.models.unmasked import Unmasked
from tests.explain.models import TEXT, TOKENIZER, transformer

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


@pytest.mark.parametrize("family", [Transformer, Unmasked])
def test_the_maps_of_a_text_begin_with_the_end_token(family):
    model = transformer(family)
    found = attention(model, TOKENIZER, TEXT)
    T = 1 + len(TEXT)
    assert found.tokens.texts == (END, *TEXT)
    assert found.weights_LHTT.shape == (2, 2, T, T)
    np.testing.assert_allclose(found.weights_LHTT.sum(-1), 1, rtol=1e-5)
    assert found.masked_TT.tolist() == [[s > t for s in range(T)] for t in range(T)]
    assert not found.weights_LHTT[..., found.masked_TT].any()


def test_without_a_mask_nothing_is_marked_as_masked():
    found = attention(transformer(Unmasked), TOKENIZER, TEXT, as_trained=True)
    assert not found.masked_TT.any()
    assert (found.weights_LHTT > 0).all()
    assert attention(transformer(Transformer), TOKENIZER, TEXT, as_trained=True).masked_TT.any()


def test_training_is_shown_without_its_dropout():
    """Two looks are the same, and the model stays in the mode that it was in."""
    model = transformer(Unmasked)
    first, second = (attention(model, TOKENIZER, TEXT, as_trained=True).weights_LHTT for _ in range(2))
    assert np.array_equal(first, second)
    assert not any(module.training for module in model.modules())


def test_summaries_of_heads_are_what_they_say():
    weights_LHTT = np.zeros((1, 3, 4, 4), np.float32)
    weights_LHTT[0, 0] = np.eye(4)
    weights_LHTT[0, 1] = np.eye(4, k=-1)
    weights_LHTT[0, 1, 0, 0] = 1
    weights_LHTT[0, 2, :, 0] = 1
    found = AttentionMaps(tokens_of(TOKENIZER, "cats"), weights_LHTT, np.triu(np.ones((4, 4), bool), 1))
    assert found.itself_LH[0].tolist() == [1, 0.25, 0.25]
    np.testing.assert_allclose(found.previous_LH[0], [0, 1, 1 / 3])
    np.testing.assert_allclose(found.first_LH[0], [0, 1 / 3, 1])
    assert found.next_LH[0].tolist() == [0, 0, 0]
    assert found.distance_LH[0].tolist() == [0, 0.75, 1.5]


def test_masked_cells_are_null_in_json():
    data = json.loads(json.dumps(attention(transformer(), TOKENIZER, "cat").as_json(), allow_nan=False))
    (first, *_, last) = data["weights"][0][0]
    assert first == [1, None, None, None]
    assert sum(last) == pytest.approx(1, abs=1e-3)
    assert data["tokens"] == [END, "c", "a", "t"]


def test_a_text_longer_than_the_window_is_refused():
    with pytest.raises(InputError, match=r"The text has 32 tokens; .* holds 7 behind the end token"):
        attention(transformer(window=8), TOKENIZER, TEXT)
