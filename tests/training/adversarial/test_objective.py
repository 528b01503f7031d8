"""Every objective and option takes its steps, and brings a generator nearer to a language that is known."""

import math

import pytest
import torch

from inkloom.generation.sampling import generator_of_sample
from inkloom.models.gan import GAN
from inkloom.training.adversarial.levels import NoiseLevels
from inkloom.training.adversarial.losses import critic_loss, generator_loss
from inkloom.training.adversarial.objective import critic_steps_at, gradient_penalty
from tests.training.adversarial.toy import LANGUAGE, batch_of, distance, objective, train

OPTIONS = [
    {"objective": "wgan"},
    {"objective": "wgan", "penalty": 0.0},
    {"objective": "non-saturating"},
    {"objective": "diffusion"},
    {"objective": "likelihood"},
    {"output": "gumbel"},
    {"output": "straight-through"},
    {"objective": "diffusion", "output": "straight-through"},
    {"projection": "pca"},
    {"pooling": "max"},
    {"pooling": "none"},
    {"start": "last"},
    {"start": "start"},
    {"mapping": "per-position"},
    {"embedding": "spectral"},
    {"added_noise": False},
    {"noise": "gumbel"},
    {"pretraining": 0.5},
    {"likelihood_weight": 0.5},
    {"final_critic_steps": 1},
    {"critic_learning_rate": 1e-3},
]


@pytest.mark.parametrize("fields", OPTIONS, ids=lambda fields: " ".join(f"{k}={v}" for k, v in fields.items()))
def test_two_steps_change_the_generator_and_the_critic(fields):
    player = objective(steps=2, **fields)
    before = [parameter.detach().clone() for parameter in player.model.parameters()]
    critic_before = [parameter.detach().clone() for parameter in player.critic.parameters() if parameter.requires_grad]
    losses = train(player, 2)
    assert all(map(math.isfinite, losses))
    assert all(parameter.isfinite().all() for parameter in player.model.parameters())
    assert any(not torch.equal(*pair) for pair in zip(before, player.model.parameters(), strict=True))
    learning = [parameter for parameter in player.critic.parameters() if parameter.requires_grad]
    changed = any(not torch.equal(*pair) for pair in zip(critic_before, learning, strict=True))
    assert changed == (player.model.config.objective != "likelihood")


@pytest.mark.parametrize("name", ["wgan", "non_saturating", "diffusion"])
def test_the_samples_come_nearer_to_the_language(name):
    player = objective(objective=name, output="gumbel", critic_learning_rate=1e-2)
    before = distance(player.model)
    train(player, 90)
    assert distance(player.model) < before - 0.15


def test_likelihood_brings_the_samples_to_the_language():
    player = objective(learning_rate=1e-2, objective="likelihood", output="gumbel")
    losses = train(player, 80)
    assert losses[-1] < 0.5 * losses[0]
    assert distance(player.model) < 0.25


def test_pretraining_learns_by_likelihood_first_and_then_against_the_critic():
    player = objective(steps=4, pretraining=0.5)
    train(player, 2)
    assert math.isfinite(player.measures.likelihood)
    assert player.measures.critic_steps == 0
    train(player, 2)
    assert math.isnan(player.measures.likelihood)
    assert player.measures.critic_steps == 2


def test_a_mixing_weight_adds_the_likelihood():
    plain, mixed = (objective(likelihood_weight=weight) for weight in (0.0, 2.0))
    (adversarial,), (together,) = train(plain, 1), train(mixed, 1)
    nats_BS = mixed.measures.likelihood
    assert plain.measures.generator_loss == pytest.approx(mixed.measures.generator_loss)
    assert together - adversarial == pytest.approx(2 * nats_BS, rel=0.2)  # and the padding's cost


def test_steps_follow_from_the_seed_and_their_number_alone():
    """Two trainings alike, and one that has drawn other random numbers in between."""
    first, second = objective(output="gumbel"), objective(output="gumbel")
    losses = train(first, 3)
    again = train(second, 1)
    torch.rand(5)
    again += train(second, 2)
    # Adam begins anew in the second half of `second`; the first loss and its successor are the same.
    assert again[:2] == losses[:2]


def test_measures_tell_what_a_step_was_like():
    player = objective(objective="diffusion")
    train(player, 1)
    measures = player.measures
    assert measures.critic_steps == 2
    assert measures.noise_levels == 5
    assert measures.penalty == 0
    assert measures.critic_gradient > 0
    assert all(map(math.isfinite, (measures.generator_loss, measures.critic_loss, measures.gap)))


def test_the_critic_learns_to_tell_real_from_written():
    player = objective(learning_rate=1e-9, critic_learning_rate=1e-2, critic_steps=10)
    train(player, 5)
    assert player.measures.gap > 0.2


def test_losses_are_the_published_ones():
    real_B, fake_B = torch.tensor([2.0, 0.0]), torch.tensor([-1.0, 1.0])
    assert critic_loss("wgan", real_B, fake_B) == pytest.approx(-1.0)
    assert generator_loss("wgan", fake_B) == pytest.approx(0.0)
    real, fake = real_B.sigmoid(), fake_B.sigmoid()
    for name in ("non_saturating", "diffusion"):
        assert critic_loss(name, real_B, fake_B) == pytest.approx(float(-(real.log().mean() + (1 - fake).log().mean())))
        assert generator_loss(name, fake_B) == pytest.approx(float(-fake.log().mean()))


def test_the_penalty_is_the_squared_distance_of_the_gradients_norm_from_one():
    player = objective()
    sentences = torch.tensor([*LANGUAGE])
    real_BSE, fake_BSE = player.critic.embed(sentences), player.critic.embed(sentences.flip(1))
    for share, images_BSE in ((0.0, real_BSE), (1.0, fake_BSE)):
        expected = (player.critic.gradient_norms(images_BSE) - 1).square().mean()
        found = gradient_penalty(player.critic, real_BSE, fake_BSE, torch.full((3,), share))
        torch.testing.assert_close(found, expected)


def test_critic_steps_shrink_over_the_training():
    config = GAN.Config(critic_steps=6, final_critic_steps=2)
    assert [critic_steps_at(config, share) for share in (0, 0.19, 0.2, 0.5, 0.8, 1.0)] == [6, 6, 5, 4, 2, 2]
    assert [critic_steps_at(GAN.Config(), share) for share in (0, 0.5, 1)] == [6, 6, 6]
    assert critic_steps_at(GAN.Config(critic_steps=1, final_critic_steps=3), 0.5) == 2


class TestNoiseLevels:
    """The published defaults: target 0.6, 5 to 500 levels, variances from 1e-4 to 0.02."""

    def levels(self, **fields):
        return NoiseLevels(GAN.Config(**fields))

    def test_level_0_keeps_all_and_the_last_next_to_nothing(self):
        kept = self.levels().kept
        assert kept[0] == 1
        assert kept[1] == pytest.approx(1 - 1e-4)
        assert kept[500] < 0.01
        assert (kept.diff() < 0).all()

    def test_half_of_the_pool_is_no_noise_and_the_rest_within_the_highest(self):
        levels = self.levels()
        drawn = levels.draw(10_000, generator_of_sample(0, 0))
        assert float((drawn.level_B == 0).float().mean()) == pytest.approx(0.5, abs=0.03)
        assert int(drawn.level_B.max()) <= 5
        assert torch.equal(drawn.kept_B, levels.kept[drawn.level_B])

    def test_a_critic_that_is_too_right_brings_more_noise_and_one_that_is_not_less(self):
        levels, generator = self.levels(), generator_of_sample(0, 0)
        for _ in range(8):
            levels.update(torch.ones(4), generator)
        assert levels.highest == 7
        for _ in range(40):
            levels.update(torch.tensor([1.0, 1.0, -1.0, -1.0]), generator)
        assert levels.highest == 5

    def test_there_is_a_most(self):
        levels, generator = self.levels(diffusion_least=2, diffusion_most=3), generator_of_sample(0, 0)
        for _ in range(40):
            levels.update(torch.ones(4), generator)
        assert levels.highest == 3

    def test_they_go_on_from_what_was_saved(self):
        levels, generator = self.levels(), generator_of_sample(0, 0)
        for _ in range(10):
            levels.update(torch.ones(4), generator)
        other = self.levels()
        other.load_state_dict(levels.state_dict())
        assert (other.highest, other.updates) == (levels.highest, levels.updates)
        assert torch.equal(
            other.draw(9, generator_of_sample(1, 0)).level_B, levels.draw(9, generator_of_sample(1, 0)).level_B
        )


def test_checkpoints_hold_the_critics_optimiser_and_the_levels():
    player = objective(objective="diffusion")
    train(player, 5)
    checkpoint = {}
    player.on_save_checkpoint(checkpoint)
    other = objective(objective="diffusion")
    other.on_load_checkpoint(checkpoint)
    assert other.levels.updates == 10
    assert len(other.critic_optimizer.state) == len(player.critic_optimizer.state) > 0


def test_a_group_of_sentences_for_each_update_and_one_for_the_likelihood():
    player = objective()
    assert batch_of(player, 0).shape == (3, 32, 3)
