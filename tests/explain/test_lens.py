"""The lens at its two ends: the last depth is the model, depth 0 the embedding through the head."""

import json

import numpy as np
import pytest
import torch

from inkloom.errors import InputError
from inkloom.explain.lens import depth_log_probs, lens
from tests.explain.models import TEXT, TOKENIZER, V, log_probs, transformer

PRESETS = ["vaswani", "gpt2", "qwen3"]


@pytest.mark.parametrize("preset", PRESETS)
def test_the_last_depth_is_the_models_prediction(preset):
    model = transformer(preset=preset)
    found = lens(model, TOKENIZER, TEXT, top=V)
    log_probs_TV = log_probs(model, TEXT)[:-1].numpy()
    T = len(TEXT)
    assert found.nats_PT.shape == found.ranks_PT.shape == (3, T)
    assert found.top_ids_PTK.shape == (3, T, V)
    np.testing.assert_allclose(found.nats_PT[-1], -log_probs_TV[np.arange(T), found.tokens.ids], rtol=1e-4, atol=1e-5)
    found_TV = np.take_along_axis(np.exp(log_probs_TV), found.top_ids_PTK[-1], axis=1)
    np.testing.assert_allclose(found.top_probs_PTK[-1], found_TV, rtol=1e-3, atol=1e-6)
    assert (found.top_ids_PTK[-1][np.arange(T), found.ranks_PT[-1] - 1] == found.tokens.ids).all()


@pytest.mark.parametrize("preset", PRESETS)
def test_blocks_that_add_nothing_change_nothing(preset):
    model = transformer(preset=preset)
    with torch.no_grad():
        for block in model.blocks:
            for sublayer in (block.attention, block.feed_forward):
                for parameter in sublayer.output.parameters():
                    parameter.zero_()
    tokens_1T = torch.tensor([TOKENIZER.encode_prompt(TEXT)])
    depths_PTV = depth_log_probs(model, tokens_1T)
    if preset == "vaswani":  # its blocks end in a norm, which changes what comes in
        assert not torch.allclose(depths_PTV[0], depths_PTV[-1])
    else:
        torch.testing.assert_close(depths_PTV[0], depths_PTV[-1])


def test_looking_changes_nothing():
    model = transformer()
    before = log_probs(model, TEXT)
    lens(model, TOKENIZER, TEXT)
    assert torch.equal(log_probs(model, TEXT), before)
    assert not any(block._forward_hooks or block._forward_pre_hooks for block in model.blocks)


def test_a_text_longer_than_the_window_is_refused():
    with pytest.raises(InputError, match=r"The text has 33 tokens; .* holds 31 behind the end token"):
        lens(transformer(window=32), TOKENIZER, TEXT + " ")
    assert len(lens(transformer(window=32), TOKENIZER, TEXT[:31]).tokens) == 31


def test_json_has_a_list_for_each_depth():
    found = lens(transformer(), TOKENIZER, TEXT, top=2)
    data = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert len(data["depths"]) == 3
    assert data["depths"][1]["top_texts"][4] == list(found.top_texts[1][4])
    assert data["depths"][2]["nats"] == found.nats_PT[2].tolist()
