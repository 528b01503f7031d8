"""The Transformer against its equations, torch's own layers, published sizes and re-reading without a cache.

Shapes: B rows, T tokens, S keys, C width, H heads, D head size, F hidden width of the feed-forward.
"""

import logging
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from inkloom.errors import InputError
from inkloom.models.transformer import (
    LAYOUTS,
    RMSNorm,
    Transformer,
    attention_weights,
    causal_attention,
    causal_bias,
    reference_attention,
    rotate,
    rotations,
    sinusoids,
)

PRESETS = list(LAYOUTS)


def build(window=16, **fields):
    """A small model whose weights all count."""
    torch.manual_seed(0)
    config = Transformer.Config(**{"layers": 2, "width": 16, "heads": 2, "context_length": window, **fields})
    model = Transformer(config, 11).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def tokens(rows, length, seed=0):
    return torch.randint(11, (rows, length), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def read(model, tokens_BT, state=None):
    return model(tokens_BT, model.initial_state(len(tokens_BT)) if state is None else state)


@torch.no_grad()
def read_singly(model, tokens_BT, state=None):
    state = model.initial_state(len(tokens_BT)) if state is None else state
    parts = []
    for token_B in tokens_BT.T:
        logits_BTV, state = model(token_B.unsqueeze(1), state)
        parts.append(logits_BTV)
    return torch.cat(parts, dim=1), state


def assert_close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


# Attention


def test_the_additive_mask_is_minus_infinity_above_the_diagonal():
    inf = math.inf
    assert causal_bias(3, 3, torch.zeros(1)).tolist() == [[0, -inf, -inf], [0, 0, -inf], [0, 0, 0]]
    assert causal_bias(2, 4, torch.zeros(1)).tolist() == [[0, 0, 0, -inf], [0, 0, 0, 0]]


def test_masked_keys_get_no_weight_and_the_rest_a_softmax():
    q_BHTD, k_BHSD = torch.randn(2, 3, 4, 8), torch.randn(2, 3, 4, 8)
    weights_BHTS = attention_weights(q_BHTD, k_BHSD, causal_bias(4, 4, q_BHTD))
    assert not weights_BHTS.triu(1).any()
    assert_close(weights_BHTS.sum(-1), torch.ones(2, 3, 4))
    scores_S = k_BHSD[1, 2, :3] @ q_BHTD[1, 2, 2] / math.sqrt(8)
    assert_close(weights_BHTS[1, 2, 2, :3], scores_S.exp() / scores_S.exp().sum())


@pytest.mark.parametrize("length", [1, 7, 600])
def test_every_path_of_attention_equals_the_reference(length):
    """600 tokens are beyond the length up to which the plain products are the faster path on a CPU."""
    q_BHTD, k_BHTD, v_BHTD = torch.randn(3, 2, 3, length, 8)
    expected = reference_attention(q_BHTD, k_BHTD, v_BHTD)
    assert_close(causal_attention(q_BHTD, k_BHTD, v_BHTD), expected)
    fused = functional.scaled_dot_product_attention(q_BHTD, k_BHTD, v_BHTD, is_causal=True)
    assert_close(fused, expected)


# Positions and norms


def test_sinusoids_are_those_of_the_paper():
    table_WC = sinusoids(50, 8)
    for position, i in [(0, 0), (1, 0), (7, 2), (49, 3)]:
        angle = position / 10000 ** (2 * i / 8)
        assert table_WC[position, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-6)
        assert table_WC[position, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_rotation_is_a_complex_product():
    x_BTHD = torch.randn(2, 5, 3, 8)
    rotated = rotate(x_BTHD, rotations(5, 8).unsqueeze(1))
    angles_T14 = torch.arange(5)[:, None, None] / 10000 ** (torch.arange(4) / 4)
    turned = torch.complex(x_BTHD[..., :4], x_BTHD[..., 4:]) * torch.polar(torch.ones(5, 1, 4), angles_T14)
    assert_close(rotated, torch.cat([turned.real, turned.imag], dim=-1))


@given(shift=st.integers(0, 80), distance=st.integers(0, 15), seed=st.integers(0, 2**32 - 1))
def test_rotated_products_depend_on_the_distance_alone(shift, distance, seed):
    generator = torch.Generator().manual_seed(seed)
    q_D, k_D = torch.randn(2, 8, generator=generator)
    table_2WD = rotations(100, 8)

    def product(position, earlier):
        q, k = (
            rotate(x_D.view(1, 1, 1, 8), table_2WD[:, None, at : at + 1])
            for x_D, at in ((q_D, position), (k_D, earlier))
        )
        return (q * k).sum()

    torch.testing.assert_close(product(shift + distance, shift), product(distance, 0), rtol=1e-4, atol=1e-4)


def test_rms_norm_is_that_of_torch():
    ours, theirs = RMSNorm(12), nn.RMSNorm(12, eps=1e-6)
    theirs.weight.data = ours.weight.data = torch.randn(12)
    x = 5 * torch.randn(3, 4, 12)
    torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(ours(x), x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * ours.weight)
    assert ours(x.bfloat16()).dtype == torch.bfloat16


# The whole network


@pytest.mark.parametrize(
    ("preset", "activation"), [("vaswani", "relu"), ("gpt2", lambda x: functional.gelu(x, approximate="tanh"))]
)
def test_blocks_equal_torch_layers_with_the_same_weights(preset, activation):
    model = build(preset=preset)
    tokens_BT = tokens(3, 9)
    causal_TT = nn.Transformer.generate_square_subsequent_mask(9)
    x_BTC = model.embedding(tokens_BT) * (4.0 if preset == "vaswani" else 1.0) + model.positions_WC[:9]
    for block in model.blocks:
        layer = nn.TransformerEncoderLayer(
            16, 2, 64, dropout=0.0, activation=activation, batch_first=True, norm_first=preset == "gpt2"
        )
        copies = [
            (layer.self_attn.in_proj_weight, block.attention.queries_keys_values.weight),
            (layer.self_attn.in_proj_bias, block.attention.queries_keys_values.bias),
            *zip(layer.self_attn.out_proj.parameters(), block.attention.output.parameters(), strict=True),
            *zip(layer.linear1.parameters(), block.feed_forward.input.parameters(), strict=True),
            *zip(layer.linear2.parameters(), block.feed_forward.output.parameters(), strict=True),
            *zip(layer.norm1.parameters(), block.attention_norm.parameters(), strict=True),
            *zip(layer.norm2.parameters(), block.feed_forward_norm.parameters(), strict=True),
        ]
        for theirs, ours in copies:
            theirs.data = ours.data
        x_BTC = layer(x_BTC, src_mask=causal_TT, is_causal=True)
    expected = model.norm(x_BTC) @ model.head.weight.T
    assert_close(read(model, tokens_BT)[0], expected.detach())


def test_qwen3_blocks_equal_their_equations():
    model = build(preset="qwen3")
    tokens_BT = tokens(3, 9)
    rotation = rotations(9, 8).unsqueeze(1)

    def rms(x, gain):
        return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * gain

    x_BTC = model.embedding.weight[tokens_BT]
    for block in model.blocks:
        attention, feed_forward = block.attention, block.feed_forward
        h_BTC = rms(x_BTC, block.attention_norm.weight)
        q, k, v = ((h_BTC @ weight.T).view(3, 9, 2, 8) for weight in attention.queries_keys_values.weight.split(16))
        q = rotate(rms(q, attention.query_norm.weight), rotation)
        k = rotate(rms(k, attention.key_norm.weight), rotation)
        y_BHTD = reference_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
        x_BTC = x_BTC + y_BHTD.transpose(1, 2).reshape(3, 9, 16) @ attention.output.weight.T
        gate, content = (rms(x_BTC, block.feed_forward_norm.weight) @ feed_forward.input.weight.T).split(48, dim=-1)
        x_BTC = x_BTC + (gate * gate.sigmoid() * content) @ feed_forward.output.weight.T
    expected = rms(x_BTC, model.norm.weight) @ model.head.weight.T
    assert_close(read(model, tokens_BT)[0], expected.detach())


def parameters(vocab_size, **fields):
    with torch.device("meta"):
        model = Transformer(Transformer.Config(**fields), vocab_size)
    return sum(parameter.numel() for parameter in model.parameters())


def test_the_layout_of_gpt2_small_has_its_published_number_of_parameters():
    sizes = {"layers": 12, "width": 768, "heads": 12, "context_length": 1024, "tied": True}
    assert parameters(50257, preset="gpt2", **sizes) == 124_439_808


def test_a_layer_of_the_base_model_of_2017_has_its_number_of_parameters():
    """512 wide, 2048 in the feed-forward: 12 C^2 weights, 9 C biases and 4 C for two norms, as in torch's own layer."""
    with torch.device("meta"):
        layer = nn.TransformerEncoderLayer(512, 8, 2048)
    expected = sum(parameter.numel() for parameter in layer.parameters())
    sizes = {"preset": "vaswani", "width": 512, "heads": 8, "context_length": 64, "tied": True}
    assert parameters(100, layers=3, **sizes) - parameters(100, layers=2, **sizes) == expected
    assert expected == 12 * 512**2 + 13 * 512


@pytest.mark.parametrize("preset", PRESETS)
def test_the_default_sizes_are_equal_to_a_tenth(preset):
    """So that presets can be compared: a gated feed-forward is 3 C wide where a plain one is 4 C."""
    count = parameters(65, preset=preset, context_length=128)
    assert count == pytest.approx(1.9e6, rel=0.1)


def test_gpt2_weights_start_as_published():
    torch.manual_seed(0)
    sizes = {"width": 64, "heads": 2, "layers": 8, "context_length": 64}
    model = Transformer(Transformer.Config(preset="gpt2", **sizes), 200)
    stds = {name: weight.std().item() for name, weight in model.named_parameters() if weight.ndim == 2}
    for name, std in stds.items():
        assert std == pytest.approx(0.02 / math.sqrt(16) if name.endswith("output.weight") else 0.02, rel=0.05)
    assert not any(weight.any() for name, weight in model.named_parameters() if name.endswith("bias"))


# The window and its cache


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("window", [1, 2, 7, 8])
def test_beyond_the_window_the_older_half_is_dropped_and_the_rest_read_anew(preset, window):
    """Against a reading without a cache: each window's tokens from its own start."""
    model = build(window, preset=preset)
    text_BT = tokens(2, 29)
    expected, start = [], 0
    for end in range(1, 30):
        if end - start > window:
            start = end - 1 - window // 2
        expected.append(read(model, text_BT[:, start:end])[0][:, -1])
    at_once, _ = read(model, text_BT)
    assert_close(at_once, torch.stack(expected, dim=1))
    assert_close(read_singly(model, text_BT)[0], at_once)


@settings(max_examples=20, deadline=None)
@given(lengths=st.lists(st.integers(0, 20), min_size=2, max_size=4), cuts=st.sets(st.integers(0, 20)))
def test_joined_rows_slide_each_at_its_own_time(lengths, cuts):
    model = build(8)
    before = [tokens(1, length, seed=row) for row, length in enumerate(lengths)]
    after_BT = tokens(len(lengths), 20, seed=9)
    state = model.join_states([read(model, text_1T)[1] for text_1T in before])
    parts = []
    for piece_BT in after_BT.tensor_split(sorted(cuts), dim=1):
        logits_BTV, state = read(model, piece_BT, state)
        parts.append(logits_BTV)
    for row, text_1T in enumerate(before):
        alone, _ = read(model, torch.cat([text_1T, after_BT[row : row + 1]], dim=1))
        assert_close(torch.cat(parts, dim=1)[row : row + 1], alone[:, -20:])


def test_a_full_window_does_not_change_what_the_caller_holds():
    """Neither the caller's tokens nor another reading's keys, which a state of one whole window refers to."""
    model = build(8)
    text_BT = tokens(2, 8)
    given_BT = text_BT.clone()
    _, state = read(model, given_BT)
    branch = model.select_state(state, torch.arange(2))
    after, _ = read_singly(model, tokens(2, 6, seed=1), state)
    assert torch.equal(given_BT, text_BT)
    assert_close(read_singly(model, tokens(2, 6, seed=1), branch)[0], after)


def test_gradients_pass_through_a_sliding_window():
    model = build(6)
    text_BT = tokens(2, 20)
    at_once, _ = model(text_BT, model.initial_state(2))
    at_once.sum().backward()
    expected = model.embedding.weight.grad.clone()
    model.zero_grad()
    state, total = model.initial_state(2), torch.zeros(())
    for token_B in text_BT.T:
        logits_BTV, state = model(token_B.unsqueeze(1), state)
        total = total + logits_BTV.sum()
    total.backward()
    torch.testing.assert_close(model.embedding.weight.grad, expected, rtol=1e-3, atol=1e-3)


def test_a_full_window_is_announced_once(caplog):
    model = build(8)
    with caplog.at_level(logging.WARNING, logger="inkloom"):
        read(model, tokens(1, 8))
        assert caplog.messages == []
        read(model, tokens(1, 40))
        read(model, tokens(1, 40))
    assert len(caplog.messages) == 1
    assert "window of 8 tokens is full" in caplog.messages[0]


def test_single_tokens_are_written_into_the_same_memory():
    """Else each token would copy the whole cache."""
    model = build(16)
    _, state = read(model, tokens(2, 3))
    _, state = read(model, tokens(2, 1), state)
    places = [buffer.data_ptr() for buffer in (*state.keys_LBHSD, *state.values_LBHSD)]
    _, state = read_singly(model, tokens(2, 12), state)
    assert [buffer.data_ptr() for buffer in (*state.keys_LBHSD, *state.values_LBHSD)] == places


def test_a_whole_window_in_training_copies_no_keys():
    model = build(16, layers=1).train()
    _, state = model(tokens(2, 16), model.initial_state(2))
    (values_BHSD,) = state.values_LBHSD
    assert values_BHSD.shape == (2, 2, 16, 8)
    assert values_BHSD.untyped_storage().nbytes() == 3 * values_BHSD.nbytes  # still part of queries_keys_values' output


# Settings


def test_the_window_is_the_training_window_unless_it_is_set():
    assert Transformer.Config().resolve(48).context_length == 48
    assert Transformer.Config(context_length=64).resolve(48).context_length == 64
    assert Transformer(Transformer.Config().resolve(48), 11).context_window == 48
    with pytest.raises(InputError, match=r"context_length is 32.*128 tokens"):
        Transformer.Config(context_length=32).resolve(128)
    with pytest.raises(ValueError, match="context_length is not set"):
        Transformer(Transformer.Config(), 11)


def test_heads_must_split_the_width():
    with pytest.raises(ValueError, match="multiple of 12"):
        Transformer.Config(width=100)


def test_muon_gets_the_matrices_of_the_blocks():
    model = build()
    names = {name for name, p in model.named_parameters() if any(p is hidden for hidden in model.hidden_matrices())}
    assert names == {
        f"blocks.{layer}.{part}.weight"
        for layer in range(2)
        for part in (
            "attention.queries_keys_values",
            "attention.output",
            "feed_forward.input",
            "feed_forward.output",
        )
    }
