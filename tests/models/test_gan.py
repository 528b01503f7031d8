"""The generator: what every language model keeps, its options, and that all ways of writing are one.

Shapes: B rows, T tokens, S the most tokens of a sentence, V vocabulary.
"""

import itertools
import math

import pytest
import torch
from torch.nn import functional

from inkloom.errors import InputError
from inkloom.generation.sampling import generator_of_sample
from inkloom.models.gan import GAN, Noise, gumbels_given

VOCABULARY, LENGTH, END = 11, 10, 1
TINY = {"width": 16, "heads": 2, "mapping_layers": 2, "noise_blocks": 2, "blocks": 1}

OPTIONS = {
    "published": {},
    "last": {"start": "last"},
    "start": {"start": "start"},
    "per-position": {"mapping": "per-position"},
    "without-added-noise": {"added_noise": False},
    "uniform": {"noise": "uniform"},
    "laplace": {"noise": "laplace"},
    "spectral": {"embedding": "spectral"},
    "gumbel": {"output": "gumbel"},
    "straight-through": {"output": "straight-through"},
    "no-last-blocks": {"blocks": 0},
    "no-mapping": {"mapping_layers": 0},
}


def build(fields, seed=1):
    torch.manual_seed(seed)
    model = GAN(GAN.Config(**{**TINY, **fields}).resolve(LENGTH), VOCABULARY).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.fixture(scope="module", params=OPTIONS, ids=list(OPTIONS))
def model(request):
    return build(OPTIONS[request.param])


def noise_of(model, rows, seed=0):
    return model.noise(rows, generator_of_sample(seed, 0))


def tokens(rows, length, seed=0):
    return torch.randint(VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def read(model, tokens_BT, state, cuts=()):
    parts = []
    for piece_BT in tokens_BT.tensor_split(list(cuts), dim=1):
        logits_BTV, state = model(piece_BT, state)
        parts.append(logits_BTV)
    return torch.cat(parts, dim=1), state


def assert_close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


def test_a_window_equals_single_tokens_and_any_pieces(model):
    text_BT, noise = tokens(3, LENGTH), noise_of(model, 3)
    at_once, _ = read(model, text_BT, model.initial_state(3, noise))
    assert at_once.isfinite().all()
    for cuts in (range(1, LENGTH), [4], [0, 3, 3, 9]):
        assert_close(read(model, text_BT, model.initial_state(3, noise), cuts)[0], at_once)


def test_a_roll_out_is_what_forward_gives_step_by_step_and_at_once(model):
    """Training and generation use one path: the reference reads all tokens anew for each word."""
    noise = noise_of(model, 4)
    written = model.roll_out(noise, END, torch.Generator().manual_seed(2))
    assert written.read_BS[:, 0].eq(END).all()
    assert torch.equal(written.read_BS[:, 1:], written.words_BS[:, :-1])
    for length in range(1, LENGTH + 1):
        logits_BTV, _ = read(model, written.read_BS[:, :length], model.initial_state(4, noise))
        assert_close(logits_BTV[:, -1], model.head(written.hidden_BSE[:, length - 1]).detach())
        if model.config.output != "gumbel":
            assert torch.equal(logits_BTV[:, -1].argmax(-1), written.words_BS[:, length - 1])
    again_BSE = model.again(written)
    assert again_BSE.requires_grad
    assert_close(again_BSE.detach(), written.hidden_BSE)


def test_each_word_is_the_argmax_of_what_the_critic_reads(model):
    written = model.roll_out(noise_of(model, 4), END, torch.Generator().manual_seed(2))
    shares_BSV = model.outputs(model.again(written), written.words_BS, torch.Generator().manual_seed(3))
    assert_close(shares_BSV.sum(dim=-1), torch.ones(4, LENGTH))
    assert torch.equal(shares_BSV.argmax(dim=-1), written.words_BS)


def test_every_parameter_gets_a_gradient_from_what_the_critic_reads(model):
    written = model.roll_out(noise_of(model, 4), END)
    shares_BSV = model.outputs(model.again(written), written.words_BS, torch.Generator().manual_seed(3))
    model.zero_grad()
    (shares_BSV * torch.randn(shares_BSV.shape, generator=torch.Generator().manual_seed(4))).sum().backward()
    without = [name for name, parameter in model.named_parameters() if not parameter.grad.abs().sum() > 0]
    assert without == []


def test_words_carry_no_gradient_to_earlier_steps(model):
    """The argmax is cut: what the last step reads depends on earlier outputs by words alone."""
    written = model.roll_out(noise_of(model, 2), END)
    assert not any(part.requires_grad for part in (written.words_BS, written.read_BS, written.hidden_BSE))


@pytest.mark.parametrize("changed", [0, 4, LENGTH - 1])
def test_no_logits_depend_on_a_later_token(model, changed):
    text_BT, noise = tokens(2, LENGTH), noise_of(model, 2)
    other_BT = text_BT.clone()
    other_BT[:, changed] = (text_BT[:, changed] + 1) % VOCABULARY
    before, _ = read(model, text_BT, model.initial_state(2, noise))
    after, _ = read(model, other_BT, model.initial_state(2, noise))
    assert_close(after[:, :changed], before[:, :changed])
    assert not torch.allclose(after[:, changed], before[:, changed], atol=1e-4)


def test_joined_rows_of_unequal_length_go_on_as_alone(model):
    noise, lengths = noise_of(model, 3), (0, 5, 2)
    alone = [model.initial_state(1, noise.rows(slice(row, row + 1))) for row in range(3)]
    begun = [tokens(1, length, seed=length) for length in lengths]
    states = [read(model, text_1T, state)[1] for text_1T, state in zip(begun, alone, strict=True)]
    after_BT = tokens(3, 4, seed=9)
    joined = model.select_state(model.join_states(states), torch.tensor([2, 0, 1]))
    together, _ = read(model, after_BT, joined, cuts=[1, 2])
    for place, row in enumerate([2, 0, 1]):
        state = model.initial_state(1, noise.rows(slice(row, row + 1)))
        expected, _ = read(model, torch.cat([begun[row], after_BT[place : place + 1]], dim=1), state)
        assert_close(together[place : place + 1], expected[:, -4:])


def test_a_selected_state_is_a_copy(model):
    text_BT, noise = tokens(2, 4), noise_of(model, 2)
    _, state = read(model, text_BT, model.initial_state(2, noise), cuts=range(1, 4))
    branches = [tokens(2, 3, seed=1), tokens(2, 3, seed=2)]
    states, written = [state, model.select_state(state, torch.arange(2))], [[], []]
    for t, branch in itertools.product(range(3), range(2)):
        logits_B1V, states[branch] = read(model, branches[branch][:, t : t + 1], states[branch])
        written[branch].append(logits_B1V)
    for after_BT, parts in zip(branches, written, strict=True):
        expected, _ = read(model, torch.cat([text_BT, after_BT], dim=1), model.initial_state(2, noise))
        assert_close(torch.cat(parts, dim=1), expected[:, 4:])


def test_no_tokens_change_nothing(model):
    state = model.initial_state(2, noise_of(model, 2))
    logits_BTV, after = read(model, tokens(2, 0), state)
    assert logits_BTV.shape == (2, 0, VOCABULARY)
    assert after.used == 0


def test_weights_and_config_rebuild_the_model(model):
    config = GAN.Config.model_validate_json(model.config.model_dump_json())
    assert config == model.config
    other = GAN(config, VOCABULARY).eval()
    other.load_state_dict(model.state_dict())
    text_BT, noise = tokens(2, LENGTH), noise_of(model, 2)
    expected, _ = read(model, text_BT, model.initial_state(2, noise))
    assert torch.equal(read(other, text_BT, other.initial_state(2, noise))[0], expected)


def test_a_fresh_model_is_nearly_undecided():
    torch.manual_seed(1)
    fresh = GAN(GAN.Config(**TINY).resolve(LENGTH), VOCABULARY)
    text_BT = tokens(8, LENGTH)
    logits_BTV, _ = read(fresh, text_BT[:, :-1], fresh.initial_state(8, noise_of(fresh, 8)))
    loss = functional.cross_entropy(logits_BTV.flatten(0, 1), text_BT[:, 1:].flatten())
    assert math.log(VOCABULARY) - 0.2 < loss < math.log(VOCABULARY) + 0.8


def test_every_config_field_is_documented():
    assert all(documentation for _, _, documentation in GAN.Config.help_lines())


def test_noise_makes_sentences_differ_and_its_absence_does_not():
    model = build({})
    with_noise = model.roll_out(noise_of(model, 16), END).words_BS
    without = model.roll_out(model.silence(16), END).words_BS
    assert len({tuple(row) for row in with_noise.tolist()}) > 8
    assert len({tuple(row) for row in without.tolist()}) == 1


def test_without_a_condition_there_is_no_noise():
    model = build({})
    expected, _ = read(model, tokens(2, 5), model.initial_state(2, model.silence(2)))
    assert torch.equal(read(model, tokens(2, 5), model.initial_state(2))[0], expected)


def test_conditions_of_rows_are_joined():
    model, text_BT = build({}), tokens(2, 5)
    noise = noise_of(model, 2)
    rows = [noise.rows(slice(row, row + 1)) for row in range(2)]
    expected, _ = read(model, text_BT, model.initial_state(2, noise))
    assert torch.equal(read(model, text_BT, model.initial_state(2, rows))[0], expected)
    assert isinstance(Noise.joined(rows), Noise)


def test_a_style_generator_fixes_the_global_noise_alone():
    model = build({})
    first, second = (model.noise(2, generator_of_sample(seed, 0), generator_of_sample(7, 0)) for seed in (1, 2))
    plain = model.noise(2, generator_of_sample(1, 0))
    assert torch.equal(first.style, second.style)
    assert not torch.equal(first.style, plain.style)
    assert not torch.equal(first.fresh_BSE, second.fresh_BSE)
    assert torch.equal(first.fresh_BSE, plain.fresh_BSE)
    assert torch.equal(first.added_BKS2, plain.added_BKS2)


def test_the_spectral_embedding_is_the_fourier_transform_of_the_one_hot():
    torch.manual_seed(0)
    embedding = build({"embedding": "spectral"}).embedding
    one_hot_VV = torch.eye(VOCABULARY)
    spectrum_VV = torch.fft.fft(one_hot_VV).real
    expected = embedding.second(functional.gelu(spectrum_VV @ embedding.first_VE + embedding.bias_E))
    assert_close(embedding.weight, expected)


def test_gumbels_given_a_word_are_those_of_drawing_it():
    """Words by frequency, then their noise given them, together are independent standard Gumbels."""
    generator = torch.Generator().manual_seed(0)
    logits_V = torch.tensor([1.0, 0.0, -1.0])
    words_1N = torch.multinomial(logits_V.softmax(-1), 40_000, True, generator=generator)[None]
    logits_1NV = logits_V.expand(1, 40_000, 3)
    noise_1NV = gumbels_given(logits_1NV, words_1N, generator)
    assert torch.equal((logits_1NV + noise_1NV).argmax(-1), words_1N)
    euler = 0.5772
    assert noise_1NV.mean(dim=(0, 1)).tolist() == pytest.approx([euler] * 3, abs=0.03)
    assert noise_1NV.var(dim=(0, 1)).tolist() == pytest.approx([math.pi**2 / 6] * 3, rel=0.05)
    assert float(torch.corrcoef(noise_1NV[0].T)[0, 1]) == pytest.approx(0, abs=0.02)


def test_a_text_longer_than_a_sentence_is_refused():
    model = build({})
    with pytest.raises(InputError, match="at most 10 tokens, and was given a text of 11"):
        model(tokens(1, LENGTH + 1), model.initial_state(1))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"width": 10, "heads": 4}, "heads 4 do not divide width 10"),
        ({"critic_width": 10, "critic_heads": 4}, "critic_heads 4 do not divide critic_width 10"),
        ({"noise": "nothing"}, "is no distribution of noise"),
        ({"diffusion_least": 9, "diffusion_most": 5}, "diffusion_least is above"),
        ({"pretraining": 1.0}, "leaves the critic no time"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        GAN.Config(**fields)
