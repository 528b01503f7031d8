"""A toy language whose distribution is known, and generators that learn it."""

from collections import Counter

import torch

from inkloom.generation.sampling import generator_of_sample
from inkloom.models.critic import Critic
from inkloom.models.gan import GAN
from inkloom.training.adversarial.objective import Adversarial
from inkloom.training.config import TrainingConfig

END, VOCABULARY, LENGTH, BATCH = 0, 3, 3, 32
LANGUAGE = {(1, 2, END): 0.5, (2, END, END): 0.3, (1, 1, END): 0.2}

TINY = {
    "width": 16,
    "heads": 2,
    "mapping_layers": 1,
    "noise_blocks": 1,
    "blocks": 0,
    "critic_width": 16,
    "critic_heads": 2,
    "critic_layers": 1,
    "critic_blocks": 1,
    "critic_output_layers": 1,
    "critic_steps": 2,
}


class Steps:
    """The progress of a training of so many steps."""

    def __init__(self, steps):
        self.steps = steps

    def share(self, step):
        return step / self.steps


class Player(Adversarial):
    """The objective without a trainer: it counts its own steps."""

    now = 0

    @property
    def global_step(self):
        return self.now


def objective(steps=100, learning_rate=5e-3, **fields):
    torch.manual_seed(0)
    config = GAN.Config(**{**TINY, **fields}).resolve(LENGTH)
    settings = TrainingConfig(
        **{**GAN.training_defaults, "learning_rate": learning_rate, "seq_len": LENGTH, "batch_size": BATCH}
    )
    return Player(GAN(config, VOCABULARY), Critic(config, VOCABULARY), END, settings, Steps(steps))


def batch_of(player, seed):
    """Real sentences for a step, drawn from the language."""
    config = player.model.config
    groups = 1 if config.objective == "likelihood" else max(config.critic_steps, config.final_critic_steps or 0) + 1
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.multinomial(torch.tensor([*LANGUAGE.values()]), groups * BATCH, True, generator=generator)
    return torch.tensor([*LANGUAGE])[drawn].view(groups, BATCH, LENGTH)


def train(player, steps):
    """So many steps; returns the loss of each."""
    optimizer = player.configure_optimizers()["optimizer"]
    losses = []
    for _ in range(steps):
        loss = player.training_step(batch_of(player, player.now), 0)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        player.now += 1
        losses.append(loss.item())
    return losses


def distance(model, rows=512):
    """Total variation between what the model writes and the language: 0 for the same, 1 for nothing in common."""
    generator = generator_of_sample(9, 0)
    written = model.roll_out(model.noise(rows, generator), END, generator).words_BS.tolist()
    counts = Counter(map(tuple, written))
    sentences = counts.keys() | LANGUAGE.keys()
    return sum(abs(counts[sentence] / rows - LANGUAGE.get(sentence, 0)) for sentence in sentences) / 2
