"""What every registered model keeps. A new family adds one line to CONFIGS.

What is said of gradients holds for families with an objective. One with a fitter (n-grams) has frozen tables: there is
no gradient to give, nothing to drop in training, and tests/training/test_fitters.py sees to it that fitting lowers the
loss.

Shapes: B rows, T tokens, V vocabulary.
"""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch.nn import functional

from inkloom.generation.decode import decode
from inkloom.generation.rows import Request
from inkloom.generation.settings import GenerationConfig
from inkloom.models import FAMILIES, LANGUAGE_MODELS, MODELS
from inkloom.models.base import Rewinds, detach_state
from inkloom.models.kneser_ney import count_ngrams, estimate
from inkloom.models.ngram import NGram
from inkloom.tokenizers.char import CharTokenizer
from inkloom.training.config import TrainingConfig
from inkloom.training.objectives import OBJECTIVES

VOCABULARY = 11
WINDOW = 16
RECURRENT = {"embedding_size": 6, "hidden_size": 8, "dropout": 0.2}
TRANSFORMER = {"layers": 2, "width": 16, "heads": 2, "dropout": 0.2}

CONFIGS = {
    "rnn": [RECURRENT, {**RECURRENT, "layers": 2, "tied": True}],
    "gru": [RECURRENT, {**RECURRENT, "layers": 2, "tied": True}],
    "mixture": [
        {"parts": ({"name": "rnn", "hidden_size": 8, "embedding_size": 4}, {"name": "ngram"})},
    ],
    "ngram": [{}],
    "lstm": [
        RECURRENT,
        {**RECURRENT, "layers": 2, "tied": True},
        {**RECURRENT, "initialisation": "pytorch"},
        {**RECURRENT, "softmax": "adaptive", "cutoffs": (4, 7)},
        {**RECURRENT, "locked_dropout": True, "embedding_dropout": 0.2, "weight_drop": 0.2},
    ],
    "transformer": [
        {**TRANSFORMER, "preset": "vaswani"},
        {**TRANSFORMER, "preset": "gpt2", "tied": True},
        {**TRANSFORMER, "preset": "qwen3"},
    ],
    "unmasked": [{**TRANSFORMER, "preset": "qwen3"}],
}
BY_GRADIENTS = {name for name, family in FAMILIES.items() if family.objective in OBJECTIVES}
CASES = [(name, fields) for name, variants in CONFIGS.items() for fields in variants]


def build(name, fields, vocab_size=VOCABULARY):
    """A fresh model in evaluation mode."""
    family = MODELS.load(name)
    torch.manual_seed(1)
    return family(family.Config(**fields).resolve(WINDOW), vocab_size).eval()


def case_id(case):
    name, fields = case
    telling = ("preset", "layers", "initialisation", "softmax", "weight_drop")
    extras = [str(fields[key]) for key in telling if key in fields]
    return "-".join([name, *extras])


@pytest.fixture(scope="module", params=CASES, ids=case_id)
def fresh_model(request):
    """A model as it starts. Tests that train it take a copy."""
    return build(*request.param)


def fitted_ngram():
    """Tables of order 4, of a text of random tokens."""
    ids = np.random.default_rng(2).integers(VOCABULARY, size=300)
    return estimate(list(itertools.islice(count_ngrams(ids, VOCABULARY, end_id=ids[0]), 4)), VOCABULARY)


@pytest.fixture(scope="module")
def model(fresh_model):
    """The same with weights away from their start, where some are zero; a family without gradients as it is fitted."""
    return fitted_ngram() if isinstance(fresh_model, NGram) else moved_from(fresh_model)


@pytest.fixture(scope="module", params=[case for case in CASES if case[0] in BY_GRADIENTS], ids=case_id)
def fresh_network(request):
    """A model that learns by gradients, as it starts."""
    return build(*request.param)


@pytest.fixture(scope="module")
def network(fresh_network):
    """The same with weights away from their start."""
    return moved_from(fresh_network)


def moved_from(fresh_model):
    moved = copy.deepcopy(fresh_model)
    torch.manual_seed(2)
    with torch.no_grad():
        for parameter in moved.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return moved


def tokens(rows, length, seed=0):
    return torch.randint(VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def read(model, tokens_BT, state=None, cuts=()):
    """Logits of tokens read in pieces that end at `cuts`, and the state after them."""
    state = model.initial_state(len(tokens_BT)) if state is None else state
    parts = []
    for piece_BT in tokens_BT.tensor_split(list(cuts), dim=1):
        logits_BTV, state = model(piece_BT, state)
        parts.append(logits_BTV)
    return torch.cat(parts, dim=1), state


def assert_close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


def test_every_family_is_tested():
    assert set(CONFIGS) == set(LANGUAGE_MODELS)


@pytest.mark.parametrize("case", [case for case in CASES if issubclass(MODELS.load(case[0]), Rewinds)], ids=case_id)
def test_what_a_model_forgets_has_never_been_read(case):
    model = moved_from(build(*case))
    lengths = [WINDOW, 5, 9]
    _, state = read(model, tokens(3, WINDOW), cuts=[4])
    state = model.rewind(state, torch.tensor([WINDOW - length for length in lengths]))
    for row, length in enumerate(lengths):
        alone = model.select_state(state, torch.tensor([row]))
        _, expected = read(model, tokens(3, WINDOW)[row : row + 1, :length])
        more_BT = tokens(1, 6, seed=row)
        assert_close(read(model, more_BT, alone)[0], read(model, more_BT, expected)[0])


def test_logits_are_finite_float32_of_the_right_shape(fresh_model):
    logits_BTV, _ = read(fresh_model, tokens(3, WINDOW))
    assert logits_BTV.shape == (3, WINDOW, VOCABULARY)
    assert logits_BTV.dtype == torch.float32
    assert logits_BTV.isfinite().all()


def test_a_fresh_model_is_nearly_undecided(fresh_model):
    """The loss starts near log(V), whatever the family; logits of standard deviation 1 add half a nat to it."""
    text_BT = tokens(8, WINDOW)
    logits_BTV, _ = read(fresh_model, text_BT[:, :-1])
    loss = functional.cross_entropy(logits_BTV.flatten(0, 1), text_BT[:, 1:].flatten())
    assert math.log(VOCABULARY) - 0.2 < loss < math.log(VOCABULARY) + 0.8


def test_a_window_equals_single_tokens(model):
    text_BT = tokens(3, WINDOW)
    at_once, _ = read(model, text_BT)
    one_by_one, _ = read(model, text_BT, cuts=range(1, WINDOW))
    assert_close(one_by_one, at_once)


def test_single_tokens_with_gradients_equal_those_without(network):
    text_BT = tokens(2, 6)
    state = network.initial_state(2)
    parts = []
    for token_B in text_BT.T:
        logits_BTV, state = network(token_B.unsqueeze(1), state)
        parts.append(logits_BTV)
    torch.cat(parts, dim=1).sum().backward()
    expected, _ = read(network, text_BT)
    assert_close(torch.cat(parts, dim=1).detach(), expected)


@settings(max_examples=15, deadline=None)
@given(cuts=st.sets(st.integers(0, WINDOW)), seed=st.integers(0, 2**32 - 1))
def test_a_window_may_be_read_in_any_pieces(model, cuts, seed):
    """Pieces of no tokens included."""
    text_BT = tokens(2, WINDOW, seed)
    at_once, _ = read(model, text_BT)
    in_pieces, _ = read(model, text_BT, cuts=sorted(cuts))
    assert_close(in_pieces, at_once)


@pytest.mark.parametrize("changed", [0, 5, WINDOW - 1])
def test_no_logits_depend_on_a_later_token(model, changed):
    text_BT = tokens(2, WINDOW)
    other_BT = text_BT.clone()
    other_BT[:, changed] = (text_BT[:, changed] + 1) % VOCABULARY
    before, _ = read(model, text_BT)
    after, _ = read(model, other_BT)
    assert_close(after[:, :changed], before[:, :changed])
    assert not torch.allclose(after[:, changed], before[:, changed], atol=1e-3)


def test_rows_do_not_touch_each_other(model):
    text_BT = tokens(4, 12)
    together, _ = read(model, text_BT)
    alone = torch.cat([read(model, row_BT)[0] for row_BT in text_BT.split(1)])
    assert_close(together, alone)


@settings(max_examples=10, deadline=None)
@given(lengths=st.lists(st.integers(0, WINDOW - 4), min_size=1, max_size=4), seed=st.integers(0, 2**32 - 1))
def test_joined_rows_of_unequal_length_go_on_as_alone(model, lengths, seed):
    before = [tokens(1, length, seed + row) for row, length in enumerate(lengths)]
    after_BT = tokens(len(lengths), 4, seed + 99)
    joined = model.join_states([read(model, text_1T)[1] for text_1T in before])
    logits_BTV, _ = read(model, after_BT, joined, cuts=[1, 2])
    for row, text_1T in enumerate(before):
        alone, _ = read(model, torch.cat([text_1T, after_BT[row : row + 1]], dim=1))
        assert_close(logits_BTV[row : row + 1], alone[:, -4:])


def test_rows_can_be_picked_in_any_order_and_repeated(model):
    text_BT, after_BT = tokens(3, 5), tokens(3, 4, seed=1)
    index_B = torch.tensor([2, 0, 0])
    _, state = read(model, text_BT)
    logits_BTV, _ = read(model, after_BT, model.select_state(state, index_B))
    expected, _ = read(model, torch.cat([text_BT[index_B], after_BT], dim=1))
    assert_close(logits_BTV, expected[:, 5:])


def test_rows_that_leave_a_joined_state_go_on_as_alone(model):
    short_1T, long_1T, after_1T = tokens(1, 3), tokens(1, 9, seed=1), tokens(1, 4, seed=2)
    joined = model.join_states([read(model, long_1T)[1], read(model, short_1T)[1]])
    logits_1TV, _ = read(model, after_1T, model.select_state(joined, torch.tensor([1])), cuts=[1])
    expected, _ = read(model, torch.cat([short_1T, after_1T], dim=1))
    assert_close(logits_1TV, expected[:, 3:])


@pytest.mark.parametrize("length", [1, 6])
def test_a_selected_state_is_a_copy(model, length):
    """Two continuations of one state go on in turn, and neither sees what the other writes."""
    text_BT = tokens(2, length)
    branches = [tokens(2, 5, seed=1), tokens(2, 5, seed=2)]
    _, state = read(model, text_BT, cuts=range(1, length))
    states = [state, model.select_state(state, torch.arange(2))]
    written = [[], []]
    for t in range(5):
        for branch, after_BT in enumerate(branches):
            logits_B1V, states[branch] = read(model, after_BT[:, t : t + 1], states[branch])
            written[branch].append(logits_B1V)
    for after_BT, parts in zip(branches, written, strict=True):
        expected, _ = read(model, torch.cat([text_BT, after_BT], dim=1))
        assert_close(torch.cat(parts, dim=1), expected[:, length:])


def test_no_tokens_change_nothing(model):
    text_BT, nothing_BT, after_BT = tokens(2, 4), tokens(2, 0), tokens(2, 3, seed=1)
    _, state = read(model, text_BT)
    logits_BTV, state = read(model, nothing_BT, state)
    assert logits_BTV.shape == (2, 0, VOCABULARY)
    expected, _ = read(model, torch.cat([text_BT, after_BT], dim=1))
    assert_close(read(model, after_BT, state)[0], expected[:, 4:])


def test_evaluation_draws_nothing_and_training_drops_something(network):
    text_BT = tokens(2, WINDOW)
    evaluated, _ = read(network, text_BT)
    assert torch.equal(read(network, text_BT)[0], evaluated)
    training = copy.deepcopy(network).train()
    assert not torch.allclose(read(training, text_BT)[0], evaluated, atol=1e-3)


def test_weights_survive_a_safetensors_file_bit_for_bit(model, tmp_path):
    """safetensors refuses tensors that share memory: a tied head must not stand in the file twice."""
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    other = type(model)(model.config, model.vocab_size).eval()
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    text_BT = tokens(2, WINDOW)
    assert torch.equal(read(other, text_BT)[0], read(model, text_BT)[0])


def test_the_config_rebuilds_the_model(fresh_model):
    family = type(fresh_model)
    config = family.Config.model_validate_json(fresh_model.config.model_dump_json())
    assert config == fresh_model.config == config.resolve(WINDOW)
    again = family(config, fresh_model.vocab_size)
    assert {name: tensor.shape for name, tensor in again.state_dict().items()} == {
        name: tensor.shape for name, tensor in fresh_model.state_dict().items()
    }


def test_every_config_field_is_documented(fresh_model):
    assert all(documentation for _, _, documentation in type(fresh_model).Config.help_lines())


def test_training_defaults_are_training_settings(fresh_model):
    TrainingConfig(**fresh_model.training_defaults)


def test_every_parameter_gets_a_gradient(network):
    trained = copy.deepcopy(network).train()
    text_BT = tokens(4, WINDOW)
    logits_BTV, _ = trained(text_BT, trained.initial_state(4))
    functional.cross_entropy(logits_BTV[:, :-1].flatten(0, 1), text_BT[:, 1:].flatten()).backward()
    without = [name for name, parameter in trained.named_parameters() if not parameter.grad.abs().sum() > 0]
    assert without == []


def test_the_training_loss_is_the_mean_cross_entropy(network):
    """In evaluation mode nothing is dropped, so that it can be compared."""
    text_BT = tokens(4, WINDOW)
    inputs_BT, targets_BT = text_BT[:, :-1], text_BT[:, 1:]
    loss, state = network.training_loss(inputs_BT, targets_BT, network.initial_state(4))
    logits_BTV, expected_state = read(network, inputs_BT)
    assert_close(loss.nats, functional.cross_entropy(logits_BTV.flatten(0, 1), targets_BT.flatten()))
    assert loss.nats.dtype == loss.penalty.dtype == torch.float32
    after_BT = tokens(4, 1, seed=1)
    assert_close(read(network, after_BT, detach_state(state))[0], read(network, after_BT, expected_state)[0])


def test_muon_is_offered_matrices_of_the_model_alone(model):
    own = {id(parameter) for parameter in model.parameters()}
    hidden = list(model.hidden_matrices())
    assert all(id(parameter) in own and parameter.ndim == 2 for parameter in hidden)
    assert len({id(parameter) for parameter in hidden}) == len(hidden)


def test_two_steps_of_gradient_descent_lower_the_loss(fresh_network):
    trained = copy.deepcopy(fresh_network)
    text_BT = torch.arange(WINDOW + 1).remainder(3).repeat(4, 1)
    losses = []
    for _ in range(3):
        logits_BTV, _ = trained(text_BT[:, :-1], trained.initial_state(4))
        loss = functional.cross_entropy(logits_BTV.flatten(0, 1), text_BT[:, 1:].flatten())
        trained.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in trained.parameters():
                parameter -= 0.1 * parameter.grad
        losses.append(loss.item())
    assert losses[0] > losses[1] > losses[2]


def test_bfloat16_autocast_stays_close_to_float32(model):
    text_BT = tokens(4, WINDOW)
    exact, _ = read(model, text_BT)
    with torch.autocast("cpu", torch.bfloat16):
        at_once, _ = read(model, text_BT)
        one_by_one, _ = read(model, text_BT, cuts=range(1, WINDOW))
    for logits_BTV in (at_once, one_by_one):
        assert (logits_BTV.float() - exact).abs().mean() < 0.03 * exact.std()


def test_a_state_can_change_precision(model):
    """Read under autocast, go on in float32, and the other way round."""
    text_BT = tokens(2, WINDOW)
    exact, _ = read(model, text_BT)
    with torch.autocast("cpu", torch.bfloat16):
        _, low = read(model, text_BT[:, :8], cuts=[6])
    _, high = read(model, text_BT[:, :8], cuts=[6])
    in_float32, _ = read(model, text_BT[:, 8:], low, cuts=[1])
    with torch.autocast("cpu", torch.bfloat16):
        in_bfloat16, _ = read(model, text_BT[:, 8:], high, cuts=[1])
    for logits_BTV in (in_float32, in_bfloat16):
        assert (logits_BTV.float() - exact[:, 8:]).abs().mean() < 0.03 * exact.std()


def test_a_carried_state_can_be_cut_from_the_graph(network):
    """As training on streams does it: the next window's gradient stops at the window's start."""
    text_BT, after_BT = tokens(2, 5), tokens(2, 5, seed=1)
    expected, _ = read(network, torch.cat([text_BT, after_BT], dim=1))
    _, state = network(text_BT, network.initial_state(2))
    logits_BTV, _ = network(after_BT, detach_state(state))
    assert_close(logits_BTV.detach(), expected[:, 5:])
    logits_BTV.sum().backward()


def test_a_sample_does_not_depend_on_its_neighbours(model):
    alphabet = "abcdefghi"
    tokenizer = CharTokenizer.fit([alphabet], CharTokenizer.Config())
    assert tokenizer.vocab_size == VOCABULARY

    def write(prompts):
        config = GenerationConfig(max_tokens=12)
        requests = [
            Request(tokenizer.encode_prompt(prompt), config, torch.Generator().manual_seed(seed))
            for seed, prompt in prompts
        ]
        texts = [""] * len(requests)
        for step in decode(model, tokenizer, requests):
            for token in step:
                texts[token.request] += token.text
        return texts

    prompts = list(enumerate(["", "a", "abcabc", "a", "ihgfedcba"]))
    together = write(prompts)
    assert together == [write([prompt])[0] for prompt in prompts]
    assert len(set(together)) == len(together)
