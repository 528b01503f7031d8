"""The recurrent families against their equations.

Shapes: B rows, T tokens, I a layer's input, H hidden units.
"""

import pytest
import torch
from torch import nn

from inkloom.models.gru import GRU, reference_gru_step
from inkloom.models.lstm import LSTM, lstm_gates, reference_lstm_step
from inkloom.models.recurrent import weights
from inkloom.models.rnn import RNN, reference_rnn_step

FAMILIES = [RNN, GRU, LSTM]
SIZES = {"embedding_size": 5, "hidden_size": 7, "layers": 2, "dropout": 0.0}


def reference_step(family, layer, x_BI, state):
    """The new state of one layer, straight from the family's equations."""
    if family is LSTM:
        return reference_lstm_step(layer, x_BI, *state)
    step = reference_rnn_step if family is RNN else reference_gru_step
    return (step(layer, x_BI, *state),)


def reference_logits(model, tokens_BT):
    """The whole network token by token, from the equations and products of matrices alone."""
    B, T = tokens_BT.shape
    states = [tuple(torch.zeros(B, 7) for _ in range(model.state_parts)) for _ in model.layers]
    logits = []
    for t in range(T):
        x_BI = model.embedding.weight[tokens_BT[:, t]]
        for depth, layer in enumerate(model.layers):
            states[depth] = reference_step(type(model), layer, x_BI, states[depth])
            x_BI = states[depth][0]
        if model.config.tied:
            logits.append(x_BI @ model.projection.weight.T @ model.embedding.weight.T + model.tied_bias)
        else:
            logits.append(x_BI @ model.head.weight.T + model.head.bias)
    return torch.stack(logits, dim=1)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_network_equals_its_equations(family, tied):
    torch.manual_seed(0)
    model = family(family.Config(**SIZES, tied=tied), 11).eval()
    tokens_BT = torch.randint(11, (3, 9))
    logits_BTV, _ = model(tokens_BT, model.initial_state(3))
    torch.testing.assert_close(logits_BTV, reference_logits(model, tokens_BT), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_reference_step_equals_torch_layers_and_cells(family):
    torch.manual_seed(0)
    layer = family.layer_class(5, 7)
    x_BI = torch.randn(4, 5)
    state = tuple(torch.randn(4, 7) for _ in range(family.state_parts))
    expected = reference_step(family, layer, x_BI, state)
    hidden = tuple(part.unsqueeze(0) for part in state)
    _, from_layer = layer(x_BI.unsqueeze(0), hidden if family is LSTM else hidden[0])
    cell = {RNN: nn.RNNCell, GRU: nn.GRUCell, LSTM: nn.LSTMCell}[family](5, 7)
    for parameter, weight in zip(cell.parameters(), weights(layer), strict=True):
        parameter.data = weight
    from_cell = cell(x_BI, state if family is LSTM else state[0])
    for found in (from_layer, from_cell):
        parts = found if family is LSTM else (found,)
        for part, wanted in zip(parts, expected, strict=True):
            torch.testing.assert_close(part.view(4, 7), wanted)


def test_the_gates_explain_the_step():
    torch.manual_seed(0)
    layer = nn.LSTM(5, 7)
    x_BI, h_BH, c_BH = torch.randn(4, 5), torch.randn(4, 7), torch.randn(4, 7)
    f, i, o, g = lstm_gates(layer, x_BI, h_BH)
    _, c_new_BH = reference_lstm_step(layer, x_BI, h_BH, c_BH)
    torch.testing.assert_close(c_new_BH, f * c_BH + i * g)
    assert all(((gate > 0) & (gate < 1)).all() for gate in (f, i, o))


@pytest.mark.parametrize("family", FAMILIES)
def test_xavier_initialisation_is_orthogonal_and_bounded_gate_by_gate(family):
    model = family(family.Config(**SIZES, initialisation="xavier"), 11)
    for layer in model.layers:
        weight_ih, weight_hh, bias_ih, bias_hh = weights(layer)
        for gate in weight_hh.chunk(family.gates):
            torch.testing.assert_close(gate @ gate.T, torch.eye(7), rtol=0, atol=1e-5)
        bound = (6 / (7 + layer.input_size)) ** 0.5
        assert 0.5 * bound < weight_ih.abs().max() <= bound
        forget = torch.zeros(family.gates, 7)
        if family is LSTM:
            forget[1] = 1
        assert torch.equal(bias_ih, forget.flatten())
        assert not bias_hh.any()
    assert not model.head.bias.any()


@pytest.mark.parametrize("initialisation", ["pytorch", "xavier"])
def test_the_forget_gate_starts_open(initialisation):
    model = LSTM(LSTM.Config(**SIZES, initialisation=initialisation, forget_bias=2.0), 11)
    for layer in model.layers:
        _, _, bias_ih, bias_hh = weights(layer)
        assert torch.equal(bias_ih[7:14] + bias_hh[7:14], torch.full((7,), 2.0))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_published_size_has_its_number_of_parameters(family):
    """Embedding 65 x 256, then per gate 512 x (256 + 512) weights and two biases of 512, then the head."""
    with torch.device("meta"):
        model = family(family.Config(), 65)
    per_gate = 512 * (256 + 512) + 2 * 512
    assert sum(p.numel() for p in model.parameters()) == 65 * 256 + family.gates * per_gate + 512 * 65 + 65


@pytest.mark.parametrize("embedding_size", [7, 5])
def test_a_tied_head_has_no_matrix_of_its_own(embedding_size):
    model = LSTM(LSTM.Config(embedding_size=embedding_size, hidden_size=7, tied=True), 11)
    over_vocabulary = [name for name, parameter in model.named_parameters() if 11 in parameter.shape]
    assert over_vocabulary == ["tied_bias", "embedding.weight"]
    assert (model.projection is None) == (embedding_size == 7)


def test_dropout_stands_after_the_embedding_and_after_every_layer():
    """Zeros are exact, so they can be counted at a layer's input and at the head's."""
    torch.manual_seed(0)
    model = LSTM(LSTM.Config(embedding_size=32, hidden_size=32, layers=2, dropout=0.5), 11).train()
    shares = []
    for layer in model.layers:
        layer.register_forward_pre_hook(lambda _, inputs: shares.append((inputs[0] == 0).float().mean().item()))
    x_BTH, _ = model.features(torch.zeros(8, 16, dtype=torch.int64), model.initial_state(8))
    shares.append((x_BTH == 0).float().mean().item())
    assert shares == pytest.approx([0.5] * 3, abs=0.05)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_state_rests_in_float32(family):
    model = family(family.Config(**SIZES), 11)
    state = model.initial_state(3)
    with torch.autocast("cpu", torch.bfloat16):
        for length in (4, 1):
            _, state = model(torch.zeros(3, length, dtype=torch.int64), state)
            assert [(part.dtype, part.shape) for part in state] == [(torch.float32, (2, 3, 7))] * family.state_parts


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_are_remembered_beyond_any_window(family):
    """The state carries what was read 100 tokens ago."""
    torch.manual_seed(0)
    model = family(family.Config(**SIZES, initialisation="xavier"), 11).eval()
    assert model.context_window is None
    text_BT = torch.randint(11, (1, 40))
    other_BT = text_BT.clone()
    other_BT[0, 0] = (text_BT[0, 0] + 1) % 11
    first, second = (model(tokens_BT, model.initial_state(1))[0] for tokens_BT in (text_BT, other_BT))
    assert not torch.equal(first[:, -1], second[:, -1])


@pytest.mark.parametrize(
    ("field", "value"), [("hidden_size", 0), ("dropout", 1.0), ("layers", -1), ("initialisation", "zeros")]
)
def test_impossible_settings_are_refused(field, value):
    with pytest.raises(ValueError, match=field):
        LSTM.Config(**{field: value})
