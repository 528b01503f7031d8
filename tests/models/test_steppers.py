"""Steppers with packed weights against the models they belong to.

Shapes: B rows, V vocabulary, N rows, I inputs, O outputs.
"""

import logging

import pytest
import torch

from inkloom.models.lstm import LSTM
from inkloom.models.mixture import Mixture
from inkloom.models.packed_linear import SMALL, PackedLinear
from inkloom.models.transformer import LAYOUTS, Transformer
from inkloom.models.transformer_stepper import MANY_HEADS

VOCABULARY = 11


def transformer(window=160, **fields):
    config = Transformer.Config(**{"layers": 2, "width": 16, "heads": 4, "context_length": window, **fields})
    return moved(Transformer(config, VOCABULARY))


def lstm(vocab_size=VOCABULARY, **fields):
    return moved(LSTM(LSTM.Config(**{"embedding_size": 6, "hidden_size": 8, **fields}), vocab_size))


def mixture():
    return moved(Mixture(Mixture.Config(parts=({"name": "lstm", "hidden_size": 8}, {"name": "rnn"})), VOCABULARY))


def moved(model):
    """The model with weights away from their start, where some are zero."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model.eval()


MODELS = {
    **{preset: lambda preset=preset: transformer(preset=preset) for preset in LAYOUTS},
    "tied": lambda: transformer(tied=True, preset="gpt2"),
    "lstm": lstm,
    "lstm of two layers, tied": lambda: lstm(layers=2, tied=True),
    "lstm with an adaptive softmax": lambda: lstm(vocab_size=40, softmax="adaptive", cutoffs=(10, 20)),
    "mixture": mixture,
}


@pytest.fixture(scope="module", params=list(MODELS))
def model(request):
    torch.manual_seed(0)
    return MODELS[request.param]()


def tokens(rows, length, seed=0):
    return torch.randint(VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(seed))


def assert_steps_agree(model, states, steps, kind="float32", **tolerance):
    """A stepper that has adopted each state in turn, and the model, give the same logits for some tokens."""
    stepper = model.stepper(kind)
    own = stepper.join_states([stepper.adopt(model.select_state(state, torch.arange(n))) for state, n in states])
    state = model.join_states([model.select_state(state, torch.arange(n)) for state, n in states])
    rows = sum(n for _, n in states)
    for step in range(steps):
        token_B1 = tokens(rows, 1, step)
        logits_BV, own = stepper.read(token_B1, own)
        expected_B1V, state = model(token_B1, state)
        torch.testing.assert_close(logits_BV, expected_B1V[:, -1], **(tolerance or {"rtol": 1e-4, "atol": 1e-5}))
    return stepper, own, state


def read(model, tokens_BT):
    return model(tokens_BT, model.initial_state(len(tokens_BT)))[1]


@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, 2, MANY_HEADS])
def test_rows_at_one_position(model, rows):
    """Over the 64 positions by which buffers grow."""
    assert_steps_agree(model, [(read(model, tokens(rows, 60)), rows)], 8)


@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, MANY_HEADS])
def test_rows_that_have_read_nothing(model, rows):
    assert_steps_agree(model, [(model.initial_state(rows), rows)], 3)


@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, MANY_HEADS])
def test_rows_at_different_positions_that_come_and_go(model, rows):
    states = [(read(model, tokens(rows, length, length)), rows) for length in (3, 70, 64)]
    stepper, own, state = assert_steps_agree(model, states, 3)
    index_B = torch.tensor([2 * rows, 0, 0])
    token_31 = tokens(3, 1, seed=9)
    logits_3V, _ = stepper.read(token_31, stepper.select_state(own, index_B))
    expected_31V, _ = model(token_31, model.select_state(state, index_B))
    torch.testing.assert_close(logits_3V, expected_31V[:, -1], rtol=1e-4, atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("preset", list(LAYOUTS))
@pytest.mark.parametrize("lengths", [(14, 14), (15, 4), (4, 15, 12)])
def test_a_full_window_drops_its_older_half(preset, lengths, caplog):
    model = transformer(window=16, preset=preset)
    with caplog.at_level(logging.WARNING, logger="inkloom"):
        assert_steps_agree(model, [(read(model, tokens(1, length, length)), 1) for length in lengths], 20)
    assert sum("drops the older half" in record.message for record in caplog.records) == 1


@torch.inference_mode()
def test_a_large_vocabulary_has_no_table():
    torch.manual_seed(0)
    model = lstm(vocab_size=3000, embedding_size=4, hidden_size=400)
    assert_steps_agree(model, [(model.initial_state(2), 2)], 3)


@torch.inference_mode()
@pytest.mark.parametrize(("kind", "tolerance"), [("bfloat16", 0.05), ("int8", 0.05)])
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_coarser_weights_move_logits_a_little(kind, tolerance, rows):
    torch.manual_seed(0)
    model = Transformer(Transformer.Config(layers=1, width=192, heads=6, context_length=16, preset="gpt2"), 11).eval()
    assert_steps_agree(model, [(read(model, tokens(rows, 5)), rows)], 3, kind, rtol=0, atol=tolerance)


@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, 2, 3, 33])
@pytest.mark.parametrize("shape", [(256, 129), (3, 5), (128, 256)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_product_is_the_product(rows, shape, bias):
    torch.manual_seed(0)
    weight_OI, bias_O = torch.randn(shape), torch.randn(shape[0]) if bias else None
    x_NI = torch.randn(rows, shape[1])
    expected_NO = torch.nn.functional.linear(x_NI, weight_OI, bias_O)
    for _ in range(2):  # packed once, used again
        torch.testing.assert_close(PackedLinear(weight_OI, bias_O)(x_NI), expected_NO, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_bytes_are_the_same_weights_for_one_row_and_for_many():
    torch.manual_seed(0)
    weight_OI = torch.randn(128, 2 * SMALL // 128)
    packed = PackedLinear(weight_OI, None, "int8")
    x_NI = torch.randn(5, weight_OI.shape[1])
    together = packed(x_NI)
    torch.testing.assert_close(torch.cat([packed(x_1I) for x_1I in x_NI.split(1)]), together, rtol=1e-4, atol=1e-3)
    error = (together - x_NI @ weight_OI.T).square().mean().sqrt() / together.std()
    assert 0 < error < 0.02  # levels of 8 sigma / 255 have a rounding error of 0.009 sigma
