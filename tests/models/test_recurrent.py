"""The recurrent families against their equations.

Shapes: B rows, T tokens, I a layer's input, H hidden units.
"""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from inkloom.errors import InputError
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


class Listening(LSTM):
    """Notes what its layers are given: (layer_weights, x_TBI) of each."""

    def read_window(self, layer_weights, x_TBI, state, training):
        self.heard.append((layer_weights, x_TBI))
        return super().read_window(layer_weights, x_TBI, state, training)


def listening(**fields):
    """A two-layer LSTM in training mode that has read 8 rows of 16 tokens, and its output x_BTH."""
    torch.manual_seed(0)
    sizes = {"embedding_size": 32, "hidden_size": 32, "layers": 2, "dropout": 0.5}
    model = Listening(LSTM.Config(**sizes | fields), 11)
    model.train().heard = []
    x_BTH, _ = model.features(torch.randint(11, (8, 16)), model.initial_state(8))
    return model, x_BTH


def share_of_zeros(x):
    return (x == 0).float().mean().item()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [0.5, 0.5, 0.5]),
        ({"input_dropout": 0.25}, [0.25, 0.5, 0.5]),
        ({"output_dropout": 0.0}, [0.5, 0.5, 0.0]),
        ({"input_dropout": 0.75, "dropout": 0.0, "output_dropout": 0.25}, [0.75, 0.0, 0.25]),
    ],
)
def test_dropout_stands_after_the_embedding_and_after_every_layer(fields, expected):
    """Zeros are exact, so they can be counted at a layer's input and at the head's."""
    model, x_BTH = listening(**fields)
    shares = [share_of_zeros(x_TBI) for _, x_TBI in model.heard] + [share_of_zeros(x_BTH)]
    assert shares == pytest.approx(expected, abs=0.05)


def test_locked_dropout_is_the_same_at_every_token_and_another_in_every_row():
    model, x_BTH = listening(locked_dropout=True)
    for x_TBI in [*(x_TBI for _, x_TBI in model.heard), x_BTH.transpose(0, 1)]:
        zeros_TBI = x_TBI == 0
        assert share_of_zeros(x_TBI) == pytest.approx(0.5, abs=0.1)
        assert torch.equal(zeros_TBI, zeros_TBI[:1].expand_as(zeros_TBI))
        assert not torch.equal(zeros_TBI[0, 0], zeros_TBI[0, 1])


def test_embedding_dropout_drops_a_word_wherever_it_stands():
    torch.manual_seed(0)
    model = LSTM(LSTM.Config(**SIZES, embedding_dropout=0.5), 1000).train()
    words_TB = torch.arange(1000).repeat(2).view(2, 1000)
    x_TBE = model._embed(words_TB)
    dropped_TB = (x_TBE == 0).all(dim=-1)
    assert torch.equal(dropped_TB[0], dropped_TB[1])
    assert dropped_TB[0].float().mean() == pytest.approx(0.5, abs=0.06)
    kept = model.embedding.weight[words_TB[0, ~dropped_TB[0]]]
    torch.testing.assert_close(x_TBE[0, ~dropped_TB[0]], 2 * kept)
    assert torch.equal(model.eval()._embed(words_TB), model.embedding.weight[words_TB])


def test_weight_drop_zeroes_weights_from_the_last_token_alone():
    model, _ = listening(weight_drop=0.4)
    for (layer_weights, _), layer in zip(model.heard, model.layers, strict=True):
        weight_ih, weight_hh, *biases = layer_weights
        own_ih, own_hh, *own_biases = weights(layer)
        assert share_of_zeros(weight_hh) == pytest.approx(0.4, abs=0.05)
        kept = weight_hh != 0
        torch.testing.assert_close(weight_hh[kept], own_hh[kept] / 0.6, rtol=1e-3, atol=0)
        assert weight_ih is own_ih
        assert all(one is other for one, other in zip(biases, own_biases, strict=True))


def test_the_weights_that_were_dropped_get_no_gradient():
    model, x_BTH = listening(weight_drop=0.4)
    x_BTH.sum().backward()
    for (layer_weights, _), layer in zip(model.heard, model.layers, strict=True):
        assert torch.equal(layer.weight_hh_l0.grad == 0, layer_weights[1] == 0)


class Operations(TorchDispatchMode):
    """Notes the names of the operations that run."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN")
def test_weight_drop_keeps_onednns_lstm():
    names = {}
    for share in (0.0, 0.5):
        model = LSTM(LSTM.Config(**SIZES, weight_drop=share), 11).train()
        with torch.autocast("cpu", torch.bfloat16), Operations() as seen:
            model.features(torch.zeros(2, 4, dtype=torch.int64), model.initial_state(2))
        names[share] = {name for name in seen.names if "rnn" in name}
    assert names[0.0] == names[0.5] == {"mkldnn_rnn_layer"}


@pytest.mark.parametrize("fields", [{}, {"tied": True}, {"softmax": "adaptive", "cutoffs": "3,6"}])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_training_loss_is_the_cross_entropy_of_the_logits(family, fields):
    torch.manual_seed(0)
    model = family(family.Config(**SIZES, **fields), 11)
    text_BT = torch.randint(11, (3, 9))
    (nats, penalty), state = model.training_loss(text_BT[:, :-1], text_BT[:, 1:], model.initial_state(3))
    logits_BTV, expected_state = model(text_BT[:, :-1], model.initial_state(3))
    expected = functional.cross_entropy(logits_BTV.flatten(0, 1), text_BT[:, 1:].flatten())
    torch.testing.assert_close(nats, expected)
    assert penalty == 0
    torch.testing.assert_close(state, expected_state)
    found = torch.autograd.grad(nats, list(model.parameters()))
    for one, other in zip(found, torch.autograd.grad(expected, list(model.parameters())), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_penalties_are_mean_squares_of_the_last_layer():
    torch.manual_seed(0)
    model = LSTM(LSTM.Config(**SIZES, activation_penalty=2.0, temporal_penalty=3.0), 11).train()
    text_BT = torch.randint(11, (3, 9))
    (_, penalty), _ = model.training_loss(text_BT, text_BT, model.initial_state(3))
    h_BTH, _ = model.features(text_BT, model.initial_state(3))  # nothing is dropped
    change_BTH = h_BTH[:, 1:] - h_BTH[:, :-1]
    torch.testing.assert_close(penalty, 2 * (h_BTH**2).mean() + 3 * (change_BTH**2).mean())


def test_activations_are_penalised_after_dropout_and_their_changes_before():
    """With all outputs dropped but one in 1,000, the penalty on what is left is a small part of what it was."""
    torch.manual_seed(0)
    text_BT = torch.randint(11, (3, 9))
    found = {}
    for name in ("activation_penalty", "temporal_penalty"):
        for output_dropout in (0.0, 0.999):
            model = LSTM(LSTM.Config(**SIZES | {name: 1.0, "output_dropout": output_dropout}), 11).train()
            (_, penalty), _ = model.training_loss(text_BT, text_BT, model.initial_state(3))
            found[name, output_dropout] = penalty.item()
    assert found["activation_penalty", 0.999] == 0
    assert found["activation_penalty", 0.0] > 0
    assert found["temporal_penalty", 0.999] > 0


def test_a_window_of_one_token_has_no_change_to_penalise():
    model = LSTM(LSTM.Config(**SIZES, temporal_penalty=1.0), 11).train()
    token_B1 = torch.zeros(2, 1, dtype=torch.int64)
    (nats, penalty), _ = model.training_loss(token_B1, token_B1, model.initial_state(2))
    assert nats.isfinite()
    assert penalty == 0


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


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tied": True, "softmax": "adaptive"}, "tied must be false"),
        ({"cutoffs": "10,20"}, "cutoffs belong to softmax=adaptive"),
        ({"softmax": "adaptive", "cutoffs": "20,10"}, "cutoffs 20, 10 do not rise"),
        ({"softmax": "adaptive", "cutoffs": "many"}, "valid integer"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        LSTM.Config(**fields)


def test_cutoffs_beyond_the_vocabulary_are_one_line():
    with pytest.raises(InputError, match=r"model.cutoffs got 20, but the vocabulary has 11 tokens"):
        LSTM(LSTM.Config(softmax="adaptive", cutoffs=(5, 20)), 11)
