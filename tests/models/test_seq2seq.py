"""Encoder and decoder, of every network: the contract with a condition, and the parts against their equations.

Shapes: B rows, S tokens of the source, T tokens of the target, V vocabulary, C width.
"""

import math

import pydantic
import pytest
import torch
from torch.nn import functional

from inkloom.data.pairs import NO_TARGET
from inkloom.models.seq2seq import Seq2Seq
from inkloom.models.seq2seq_recurrent import AdditiveWeights, DotWeights

SIZES = {"width": 16, "heads": 2, "encoder_layers": 2, "decoder_layers": 2, "dropout": 0.2, "context_length": 12}
CASES = [{"preset": preset} for preset in ("vaswani", "gpt2", "qwen3")]
CASES += [{"network": network} for network in ("rnn", "gru", "lstm")]
CASES += [{"network": "gru", "attention": "additive"}, {"network": "lstm", "attention": "none"}]
CASES += [{"network": "lstm", "attention": "none", "feed_input": False}]
V = 11
SOURCES = [[1, 2, 3, 0], [4, 0], [5, 6, 7, 8, 9, 0]]


def build(source_vocab_size=None, **fields):
    """A model in evaluation mode, its weights away from their start, where some are zero."""
    torch.manual_seed(0)
    model = Seq2Seq(Seq2Seq.Config(**{**SIZES, **fields}), V, source_vocab_size).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(map(str, case.values())))
def model(request):
    return build(**request.param)


def targets(rows=3, length=6):
    return torch.randint(V, (rows, length), generator=torch.Generator().manual_seed(1))


def close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_window_equals_its_tokens_one_by_one(model):
    tokens_BT = targets()
    logits_BTV, _ = model(tokens_BT, model.initial_state(3, SOURCES))
    state = model.initial_state(3, SOURCES)
    for t in range(6):
        logits_B1V, state = model(tokens_BT[:, t : t + 1], state)
        close(logits_B1V[:, 0], logits_BTV[:, t])
    assert logits_BTV.isfinite().all()


@torch.no_grad()
def test_a_row_does_not_depend_on_the_padding_beside_it(model):
    tokens_BT = targets()
    logits_BTV, _ = model(tokens_BT, model.initial_state(3, SOURCES))
    for row, source in enumerate(SOURCES):
        alone_1TV, _ = model(tokens_BT[row : row + 1], model.initial_state(1, [source]))
        close(alone_1TV[0], logits_BTV[row])


@torch.no_grad()
def test_rows_are_picked_repeated_and_joined(model):
    tokens_BT = targets()
    _, state = model(tokens_BT[:, :3], model.initial_state(3, SOURCES))
    expected_BTV, _ = model(tokens_BT[:, 3:], model.select_state(state, torch.arange(3)))
    picked = torch.tensor([2, 0, 2])
    picked_BTV, _ = model(tokens_BT[picked, 3:], model.select_state(state, picked))
    close(picked_BTV, expected_BTV[picked])
    _, fresh = model(tokens_BT[:1, :1], model.initial_state(1, SOURCES[1:2]))
    joined = model.join_states([fresh, model.select_state(state, torch.tensor([2]))])
    more_BT = tokens_BT[[0, 2], 3:4]
    joined_BTV, _ = model(more_BT, joined)
    close(joined_BTV[1], expected_BTV[2, :1])
    alone_BTV, _ = model(more_BT[:1], fresh)
    close(joined_BTV[:1], alone_BTV)


@torch.no_grad()
def test_what_is_written_depends_on_the_source(model):
    logits_BTV, _ = model(targets(1).expand(3, -1), model.initial_state(3, SOURCES))
    assert not torch.allclose(logits_BTV[0], logits_BTV[1])
    assert not torch.allclose(logits_BTV[0], logits_BTV[2])


@torch.no_grad()
def test_later_tokens_change_nothing_before_them(model):
    one_BT, other_BT = targets(), targets().clone()
    other_BT[:, 4:] = (other_BT[:, 4:] + 1) % V
    one_BTV, _ = model(one_BT, model.initial_state(3, SOURCES))
    other_BTV, _ = model(other_BT, model.initial_state(3, SOURCES))
    assert torch.equal(one_BTV[:, :4], other_BTV[:, :4])


def test_every_parameter_learns_and_padding_costs_nothing(model):
    tokens_BT, targets_BT = targets(), targets().roll(1, 1)
    padded_BT = targets_BT.masked_fill(torch.arange(6) >= torch.tensor([[6], [2], [4]]), NO_TARGET)
    loss, _ = model.training_loss(tokens_BT, padded_BT, model.initial_state(3, SOURCES))
    logits_NV = model(tokens_BT, model.initial_state(3, SOURCES))[0].flatten(0, 1)
    torch.testing.assert_close(
        loss.nats,
        functional.cross_entropy(logits_NV, padded_BT.flatten(), ignore_index=NO_TARGET),
        rtol=1e-4,
        atol=1e-4,
    )
    smoothed = functional.cross_entropy(logits_NV, padded_BT.flatten(), ignore_index=NO_TARGET, label_smoothing=0.1)
    torch.testing.assert_close(loss.nats + loss.penalty, smoothed, rtol=1e-4, atol=1e-4)
    gradients = torch.autograd.grad(loss.nats + loss.penalty, list(model.parameters()), allow_unused=True)
    for (name, _), gradient in zip(model.named_parameters(), gradients, strict=True):
        assert gradient is not None, name
        assert gradient.isfinite().all(), name


def test_without_inputs_the_state_alone_unrolls_the_target():
    model = build(network="lstm", attention="none", feed_input=False)
    one_BTV, _ = model(targets(), model.initial_state(3, SOURCES))
    other_BTV, _ = model((targets() + 1) % V, model.initial_state(3, SOURCES))
    assert torch.equal(one_BTV, other_BTV)


def test_sources_may_have_a_vocabulary_of_their_own():
    model = build(source_vocab_size=30)
    logits_BTV, _ = model(targets(1), model.initial_state(1, [[29, 0]]))
    assert logits_BTV.shape == (1, 6, V)
    assert model.source_embedding.weight.shape == (30, 16)


@torch.no_grad()
def test_without_attention_every_token_sees_one_vector_of_the_source():
    """Equation 2 and the output of Cho et al. 2014: other states, and the source still tells its targets apart."""
    model = build(network="gru", attention="none")
    state = model.initial_state(3, SOURCES)
    assert state.memory_BSC.shape[1] == 1
    no_states = tuple(tuple(torch.zeros_like(part) for part in of_layer) for of_layer in state.layers_L)
    same_token_B1 = torch.full((3, 1), 3)
    logits_B1V, _ = model(same_token_B1, state._replace(layers_L=no_states))
    assert not torch.allclose(logits_B1V[0], logits_B1V[1], atol=1e-3)
    alone = build(network="gru", attention="none", feed_input=False)
    state = alone.initial_state(3, SOURCES)
    logits_B1V, _ = alone(same_token_B1, state._replace(layers_L=no_states))
    close(logits_B1V[0], logits_B1V[1])


def test_attention_maps_are_distributions_over_the_source(model):
    maps_LTS = model.attention_maps(SOURCES[0], [0, 3, 5])
    layers = {"transformer": 2}.get(model.config.network, int(model.config.attention != "none"))
    assert maps_LTS.shape == (layers, 3, 4)
    close(maps_LTS.sum(dim=-1), torch.ones(layers, 3))
    assert not any(module._forward_hooks for module in model.modules())


@torch.no_grad()
def test_dot_weights_equal_their_equation():
    torch.manual_seed(0)
    weights = DotWeights(4)
    q_BTC, memory_BSC, bias_BS = torch.randn(1, 2, 4), torch.randn(1, 3, 4), torch.tensor([[0.0, 0.0, -math.inf]])
    found_BTS = weights(q_BTC, weights.keys(memory_BSC), bias_BS)
    scores = [[float(q @ weights.keys.weight @ m) / 2 for m in memory_BSC[0, :2]] for q in q_BTC[0]]
    expected = torch.tensor(scores).softmax(dim=-1)
    close(found_BTS[0, :, :2], expected)
    assert not found_BTS[0, :, 2].any()


@torch.no_grad()
def test_additive_weights_equal_their_equation():
    torch.manual_seed(0)
    weights = AdditiveWeights(4)
    q_BTC, memory_BSC, bias_BS = torch.randn(1, 2, 4), torch.randn(1, 3, 4), torch.zeros(1, 3)
    found_BTS = weights(q_BTC, weights.keys(memory_BSC), bias_BS)
    score, keys = weights.score.weight[0], weights.keys.weight
    scores = [[float(score @ torch.tanh(weights.queries(q) + keys @ m)) for m in memory_BSC[0]] for q in q_BTC[0]]
    close(found_BTS[0], torch.tensor(scores).softmax(dim=-1))


def test_a_condition_is_needed_for_every_row():
    model = build()
    for condition in (None, SOURCES):
        with pytest.raises(ValueError, match="a source for each of 2 rows"):
            model.initial_state(2, condition)


def test_a_transformers_target_ends_with_its_window():
    model = build()
    with pytest.raises(ValueError, match="context_length"):
        model(targets(3, 13), model.initial_state(3, SOURCES))


@pytest.mark.parametrize(
    "fields", [{"width": 18}, {"network": "lstm", "width": 7}, {"attention": "none"}, {"feed_input": False}]
)
def test_settings_that_do_not_fit_are_refused(fields):
    with pytest.raises(pydantic.ValidationError):
        Seq2Seq.Config(**{"heads": 4, **fields})


def test_muon_gets_the_matrices_of_a_transformers_blocks_alone():
    assert all(weight.ndim == 2 for weight in build().hidden_matrices())
    assert len(list(build().hidden_matrices())) == 2 * 4 + 2 * 7
    assert not list(build(network="lstm").hidden_matrices())
