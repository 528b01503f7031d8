"""Noise by the name of its distribution."""

import pytest
import torch
from torch import distributions

from inkloom.errors import InputError
from inkloom.models.noise import distribution_named, sample


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("written", "kind", "mean", "variance"),
    [
        ("normal", distributions.Normal, 0.0, 1.0),
        ("uniform", distributions.Uniform, 0.0, 1 / 3),
        ("Laplace", distributions.Laplace, 0.0, 2.0),
        ("exponential", distributions.Exponential, 1.0, 1.0),
        ("gamma(2,1)", distributions.Gamma, 2.0, 2.0),
        ("uniform(0,1)", distributions.Uniform, 0.5, 1 / 12),
        ("student_t(5)", distributions.StudentT, 0.0, 5 / 3),
    ],
)
def test_a_distribution_has_its_name_and_its_parameters(written, kind, mean, variance):
    distribution = distribution_named(written)
    assert isinstance(distribution, kind)
    assert float(distribution.mean) == pytest.approx(mean)
    assert float(distribution.variance) == pytest.approx(variance)


def test_an_unknown_name_lists_the_known_and_the_nearest():
    with pytest.raises(InputError, match="Did you mean laplace"):
        distribution_named("laplase")


@pytest.mark.parametrize("written", ["dirichlet", "gamma(-1,2)", "multivariate_normal"])
def test_what_draws_no_single_number_so_is_refused(written):
    with pytest.raises(ValueError, match="give a distribution of one"):
        distribution_named(written)


@pytest.mark.parametrize("written", ["normal", "student_t(5)", "beta(2,2)"])
def test_draws_follow_their_generator_and_leave_pytorchs_own_random_state_alone(written):
    distribution = distribution_named(written)
    before = torch.get_rng_state()
    first, again = sample(distribution, (2, 3), generator()), sample(distribution, (2, 3), generator())
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, again)
    assert first.shape == (2, 3)
    assert first.dtype == torch.float32
    assert not torch.equal(first, sample(distribution, (2, 3), generator(1)))


def test_draws_have_the_distributions_moments():
    numbers = sample(distribution_named("laplace"), (50_000,), generator())
    assert float(numbers.mean()) == pytest.approx(0, abs=0.03)
    assert float(numbers.var()) == pytest.approx(2, abs=0.1)
