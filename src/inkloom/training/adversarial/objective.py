"""Generator against critic, as one LightningModule whose steps are updates of the generator.

Before each of its updates the generator is one and the same for all updates of the critic, so all sentences of a step
are written in one roll-out without a graph, each group of rows for one update. The critic reads their softmax outputs;
for the generator's own update these are computed once more, at once and with their gradient.

Everything that is drawn follows from (seed, step), so that a resumed training goes on with the same bytes.

Shapes: G groups, B sentences of a group, S tokens of a sentence, V vocabulary, E the critic's width.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn

from inkloom.data.sentences import own_tokens
from inkloom.evaluation.sentences import sentence_nats
from inkloom.generation.sampling import generator_of_sample
from inkloom.models.critic import Critic
from inkloom.models.gan import GAN, RollOut
from inkloom.training.adversarial.levels import NoiseLevels
from inkloom.training.adversarial.losses import critic_loss, generator_loss
from inkloom.training.config import TrainingConfig
from inkloom.training.objectives import Objective
from inkloom.training.schedule import Progress


@dataclass
class StepMeasures:
    """What one step looked like; nan where it had no such part. Losses are those before the update."""

    critic_steps: int = 0
    generator_loss: float = float("nan")
    critic_loss: float = float("nan")
    """Without the penalty; of the last update of the critic, as all that follows."""

    penalty: float = float("nan")
    """Weighted."""

    gap: float = float("nan")
    """Mean score of real sentences less that of written ones."""

    critic_gradient: float = float("nan")
    """Norm over all parameters of the critic."""

    likelihood: float = float("nan")
    """Mean cost of a real token in nats, its sentence's end included."""

    noise_levels: float = float("nan")
    """Highest level in use, with `objective=diffusion`."""


class Adversarial(Objective[GAN]):
    """One step reads (G, B, S) real sentences: a group for each update of the critic, the last for the likelihood."""

    def __init__(self, model: GAN, critic: Critic, end_id: int, settings: TrainingConfig, progress: Progress) -> None:
        super().__init__(model, settings, progress)
        self.critic = critic
        self.end_id = end_id
        self.levels = NoiseLevels(model.config)
        self.measures = StepMeasures()
        self.critic_optimizer = critic_optimizer(critic, model.config, settings)

    def training_step(self, batch: Tensor, batch_idx: int) -> dict[str, Tensor]:
        """`loss`, which the generator minimises, and `nats`, which is shown: the cost of a real token where likelihood
        alone counts, else the score gap."""
        del batch_idx
        step = self.global_step
        share = self.progress.share(step)
        config = self.model.config
        generator = generator_of_sample(self.config.seed, step)
        self.measures = StepMeasures()
        if config.objective == "likelihood" or share < config.pretraining:
            loss = self._likelihood(batch[-1], generator)
            return {"loss": loss, "nats": torch.tensor(self.measures.likelihood)}
        steps = critic_steps_at(config, share)
        self.measures.critic_steps = steps
        written = self._written(steps + 1, batch.shape[1], generator)
        for real_BS, fake in zip(batch[:steps], written[:steps], strict=True):
            self._update_critic(real_BS, fake, generator)
        loss = self._against_critic(written[steps], generator)
        self.measures.generator_loss = loss.item()
        if config.likelihood_weight:
            loss = loss + config.likelihood_weight * self._likelihood(batch[-1], generator)
        return {"loss": loss, "nats": torch.tensor(self.measures.gap)}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint["critic_optimizer"] = self.critic_optimizer.state_dict()
        checkpoint["noise_levels"] = self.levels.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        self.critic_optimizer.load_state_dict(checkpoint["critic_optimizer"])
        self.levels.load_state_dict(checkpoint["noise_levels"])

    def _written(self, groups: int, batch_size: int, generator: Generator) -> list[RollOut]:
        noise = self.model.noise(groups * batch_size, generator)
        written = self.model.roll_out(noise, self.end_id, generator)
        return [written.rows(slice(start, start + batch_size)) for start in range(0, groups * batch_size, batch_size)]

    def _update_critic(self, real_BS: Tensor, fake: RollOut, generator: Generator) -> None:
        config, critic = self.model.config, self.critic
        real_BSE, fake_BSE = critic.embed(real_BS), self._images(fake, generator)
        B = len(real_BS)
        both, level = torch.cat([real_BSE, fake_BSE]), None
        if config.objective == "diffusion":
            level, kept = self.levels.draw(2 * B, generator)
            both = critic.diffuse(both, kept, config.diffusion_sigma, generator)
            self.measures.noise_levels = self.levels.highest
        real_B, fake_B = critic(both, level).chunk(2)
        loss = critic_loss(config.objective, real_B, fake_B)
        penalty = loss.new_zeros(())
        if config.penalty and config.objective != "diffusion":
            mixture_B = torch.rand(B, generator=generator).to(real_BSE.device)
            penalty = config.penalty * gradient_penalty(critic, real_BSE, fake_BSE, mixture_B)
        self.critic_optimizer.zero_grad()
        torch.autograd.backward(loss + penalty)
        self.measures.critic_gradient = float(nn.utils.get_total_norm(_gradients(critic)))
        self.critic_optimizer.step()
        if config.objective == "diffusion":
            self.levels.update(real_B, generator)
        self.measures.critic_loss, self.measures.penalty = loss.item(), penalty.item()
        self.measures.gap = (real_B.mean() - fake_B.mean()).item()

    def _images(self, fake: RollOut, generator: Generator) -> Tensor:
        """What the critic reads of written sentences, without a gradient for the generator."""
        if self.model.config.output == "straight_through":
            return self.critic.embed(fake.words_BS)
        with torch.no_grad():
            shares_BSV = self.model.outputs(fake.hidden_BSE, fake.words_BS, generator)
        return self.critic.project(shares_BSV)

    def _against_critic(self, fake: RollOut, generator: Generator) -> Tensor:
        """The generator's loss, the critic as it is."""
        config, critic = self.model.config, self.critic
        hidden_BSE, level = self.model.again(fake), None
        with _frozen(critic):
            images_BSE = critic.project(self.model.outputs(hidden_BSE, fake.words_BS, generator))
            if config.output == "straight_through":
                images_BSE = images_BSE + (critic.embed(fake.words_BS) - images_BSE).detach()
            if config.objective == "diffusion":
                level, kept = self.levels.draw(len(images_BSE), generator)
                images_BSE = critic.diffuse(images_BSE, kept, config.diffusion_sigma, generator)
            return generator_loss(config.objective, critic(images_BSE, level))

    def _likelihood(self, real_BS: Tensor, generator: Generator) -> Tensor:
        """The cost of real sentences, given noise: what the padding costs is learned, too, but not shown."""
        nats_BS = sentence_nats(self.model, real_BS, self.model.noise(len(real_BS), generator), self.end_id)
        own_BS = own_tokens(real_BS, self.end_id)
        self.measures.likelihood = (nats_BS[own_BS].sum() / own_BS.sum()).item()
        return nats_BS.sum() / own_BS.sum()


def critic_optimizer(critic: Critic, config: GAN.Config, settings: TrainingConfig) -> torch.optim.Optimizer:
    """Adam with the training's betas, at a learning rate that stays as it is."""
    learning = [parameter for parameter in critic.parameters() if parameter.requires_grad]
    rate = config.critic_learning_rate or settings.learning_rate
    return torch.optim.Adam(learning, lr=rate, betas=(settings.beta1, settings.beta2), fused=True)


def critic_steps_at(config: GAN.Config, share: float) -> int:
    """Updates of the critic before one of the generator, from the first number to the last in even steps."""
    last = config.critic_steps if config.final_critic_steps is None else config.final_critic_steps
    numbers = abs(config.critic_steps - last) + 1
    done = min(int(share * numbers), numbers - 1)
    return config.critic_steps + (done if last > config.critic_steps else -done)


def gradient_penalty(critic: Critic, real_BSE: Tensor, fake_BSE: Tensor, mixture_B: Tensor) -> Tensor:
    """Mean of (|gradient| - 1)^2 between real and written sentences, by their images.

    I. Gulrajani et al., "Improved Training of Wasserstein GANs", 2017 (arXiv:1704.00028), algorithm 1.
    mixture_B: the share of the written one in each mixture, from 0 to 1.
    """
    mixed_BSE = torch.lerp(real_BSE, fake_BSE, mixture_B[:, None, None])
    return (critic.gradient_norms(mixed_BSE) - 1).square().mean()


def _gradients(critic: Critic) -> list[Tensor]:
    return [parameter.grad for parameter in critic.parameters() if parameter.grad is not None]


@contextlib.contextmanager
def _frozen(critic: Critic) -> Iterator[None]:
    """The critic without gradients of its own inside the block."""
    learning = [parameter for parameter in critic.parameters() if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
