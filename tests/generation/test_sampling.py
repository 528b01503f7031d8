"""Shapes: B rows, V vocabulary, N draws."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inkloom.errors import InputError
from inkloom.generation import GenerationConfig
from inkloom.generation.reference import reference_scores
from inkloom.generation.sampling import Sampler, generator_of_sample, gumbel_

settings_strategy = st.builds(
    GenerationConfig,
    temperature=st.sampled_from([0.0, 0.3, 1.0, 2.0]),
    top_k=st.sampled_from([0, 1, 3, 99]),
    top_p=st.sampled_from([0.2, 0.9, 1.0]),
    min_p=st.sampled_from([0.0, 0.1, 1.0]),
    repetition_penalty=st.sampled_from([0.7, 1.0, 1.5]),
    presence_penalty=st.sampled_from([-1.0, 0.0, 2.0]),
    frequency_penalty=st.sampled_from([-0.5, 0.0, 0.5]),
    logit_bias=st.sampled_from([{}, {0: 3.0, 4: -100.0}]),
)


def sampler_of(settings, histories=None, vocab_size=12, seed=0):
    generators = [generator_of_sample(seed, row) for row in range(len(settings))]
    return Sampler(settings, generators, histories or [[]] * len(settings), vocab_size)


def random_logits(rows, vocab_size=12, seed=0):
    return torch.randn(rows, vocab_size, generator=torch.Generator().manual_seed(seed)) * 3


def frequencies(probabilities_V, settings, draws):
    """How often each token is drawn, from `draws` rows with one draw each."""
    logits_NV = torch.tensor(probabilities_V).log().expand(draws, -1)
    tokens_N = sampler_of([settings] * draws, vocab_size=len(probabilities_V))(logits_NV)
    return torch.bincount(tokens_N, minlength=len(probabilities_V)).double()


def chi_square(observed_V, probabilities_V):
    expected_V = observed_V.sum() * torch.tensor(probabilities_V, dtype=torch.float64)
    return float(((observed_V - expected_V) ** 2 / expected_V).sum())


def test_draws_follow_the_softmax():
    probabilities = [0.5, 0.25, 0.15, 0.07, 0.03]
    observed_V = frequencies(probabilities, GenerationConfig(), draws=20_000)
    assert chi_square(observed_V, probabilities) < 18.5  # 99.9 % of the chi-square distribution, 4 degrees of freedom


def test_draws_from_one_generator_follow_the_softmax():
    probabilities = [0.5, 0.25, 0.15, 0.07, 0.03]
    sampler = sampler_of([GenerationConfig()], vocab_size=5)
    logits_BV = torch.tensor([probabilities]).log()
    tokens = torch.cat([sampler(logits_BV) for _ in range(20_000)])
    assert chi_square(torch.bincount(tokens, minlength=5).double(), probabilities) < 18.5


def test_draws_follow_the_filtered_softmax():
    observed_V = frequencies([0.4, 0.3, 0.2, 0.1], GenerationConfig(temperature=0.5, top_k=2), draws=20_000)
    assert observed_V[2:].sum() == 0
    assert chi_square(observed_V[:2], [16 / 25, 9 / 25]) < 10.9  # 99.9 %, 1 degree of freedom


def test_a_bias_is_added_to_the_logits_of_its_tokens_alone():
    settings = [GenerationConfig(greedy=True, logit_bias={1: 2.5, 3: -100}), GenerationConfig(greedy=True)]
    sampler = sampler_of(settings, vocab_size=4)
    logits_BV = torch.tensor([[1.0, 2.0, 3.0, 4.0]]).repeat(2, 1)
    assert sampler.filter(logits_BV).tolist() == [[1.0, 4.5, 3.0, -96.0], [1.0, 2.0, 3.0, 4.0]]
    assert sampler(logits_BV).tolist() == [1, 3]


def test_a_bias_outside_the_vocabulary_is_refused():
    with pytest.raises(InputError, match="token 4; the vocabulary has 4"):
        sampler_of([GenerationConfig(logit_bias={4: 1.0})], vocab_size=4)


def test_presence_and_frequency_count_what_was_written_and_not_the_prompt():
    settings = GenerationConfig(greedy=True, presence_penalty=2.0, frequency_penalty=0.5)
    sampler = Sampler([settings], [generator_of_sample(0, 0)], [[3, 2, 1, 1]], 4, written=[[2, 1, 1]])
    logits_BV = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    assert sampler.filter(logits_BV).tolist() == [[1.0, -1.0, 0.5, 4.0]]
    assert [int(sampler(logits_BV)) for _ in range(3)] == [
        3,
        3,
        0,
    ]  # 4, then 4 - 2.5 = 1.5, then 1.0 beats 1.0 by place


def test_noise_is_finite_at_both_ends_of_the_uniform_numbers():
    """Infinite noise would drop the only token that is left, or draw one that has no probability."""
    least_and_most = gumbel_(torch.tensor([0.0, 2.0**-24, 0.5, 1 - 2.0**-24]))
    assert least_and_most.isfinite().all()
    assert (least_and_most.diff() > 0).all()


def test_a_token_without_probability_is_never_drawn():
    logits_BV = torch.full((4000, 3), float("-inf"))
    logits_BV[:, 1] = -1e30
    assert sampler_of([GenerationConfig()] * 4000, vocab_size=3)(logits_BV).unique().tolist() == [1]


def test_a_token_that_stands_for_no_text_is_never_chosen():
    logits_BV = torch.tensor([[50.0, 1.0, 0.0]]).repeat(2, 1)
    settings = [GenerationConfig(), GenerationConfig(greedy=True)]
    generators = [generator_of_sample(0, sample) for sample in range(2)]
    sampler = Sampler(settings, generators, [[], []], vocab_size=3, never=0)
    assert all(token != 0 for _ in range(200) for token in sampler(logits_BV).tolist())
    assert logits_BV[0, 0] == 50.0  # the caller's logits stay as they are


def test_greedy_takes_the_first_of_the_likeliest_and_draws_nothing():
    generators = [torch.Generator().manual_seed(1) for _ in range(2)]
    before = generators[0].get_state()
    sampler = Sampler([GenerationConfig(greedy=True), GenerationConfig()], generators, [[], []], 4)
    assert sampler(torch.tensor([[1.0, 3.0, 3.0, 2.0]] * 2))[0] == 1
    assert torch.equal(generators[0].get_state(), before)
    assert not torch.equal(generators[1].get_state(), before)


def test_the_penalty_sees_the_prompt_and_every_token_since():
    settings = GenerationConfig(greedy=True, repetition_penalty=100.0)
    sampler = sampler_of([settings], histories=[[3]], vocab_size=4)
    logits_BV = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    assert [int(sampler(logits_BV)) for _ in range(4)] == [2, 1, 0, 3]  # when all are penalised, the likeliest again


@given(st.lists(settings_strategy, min_size=1, max_size=6), st.integers(0, 1000))
def test_filters_as_the_reference_does(settings, seed):
    logits_BV = random_logits(len(settings), seed=seed)
    histories = [[row, row + 3] for row in range(len(settings))]
    filtered_BV = sampler_of(settings, histories).filter(logits_BV)
    for logits_V, filtered_V, history, setting in zip(logits_BV, filtered_BV, histories, settings, strict=True):
        expected = reference_scores(logits_V.tolist(), set(history), setting)
        found = {token: score for token, score in enumerate(filtered_V.tolist()) if score > float("-inf")}
        assert found == pytest.approx(expected, rel=1e-5)


@given(st.lists(settings_strategy, min_size=2, max_size=6), st.integers(0, 1000))
def test_a_row_draws_the_same_alone_as_among_others(settings, seed):
    logits_BV = random_logits(len(settings), seed=seed)
    histories = [[row, row + 3] for row in range(len(settings))]
    together = sampler_of(settings, histories, seed=seed)
    alone = [
        Sampler([setting], [generator_of_sample(seed, row)], [history], 12)
        for row, (setting, history) in enumerate(zip(settings, histories, strict=True))
    ]
    for _ in range(3):
        tokens_B = together(logits_BV)
        assert tokens_B.tolist() == [int(one(logits_V[None])) for one, logits_V in zip(alone, logits_BV, strict=True)]


def test_last_bits_of_the_logits_hardly_ever_change_a_draw():
    """The noise of another batch size, 1e-6, changed 1 draw in 4 million; inverting the distribution, 1 in 220,000."""
    rows, settings = 2000, GenerationConfig()
    exact_BV = random_logits(rows, vocab_size=65)
    noisy_BV = exact_BV + torch.randn(rows, 65, generator=torch.Generator().manual_seed(1)) * 1e-6
    exact, noisy = (sampler_of([settings] * rows, vocab_size=65) for _ in range(2))
    changed = sum(int((exact(exact_BV) != noisy(noisy_BV)).sum()) for _ in range(15))
    assert changed == 0


def test_samples_have_their_own_randomness():
    drawn = {
        (seed, sample): torch.rand(4, generator=generator_of_sample(seed, sample)).tolist()
        for seed in (0, 1, 2, 10**30)
        for sample in range(4)
    }
    assert len({tuple(numbers) for numbers in drawn.values()}) == len(drawn)
    assert torch.rand(4, generator=generator_of_sample(1, 2)).tolist() == drawn[1, 2]
