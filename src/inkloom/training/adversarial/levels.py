"""How much noise a diffusion-GAN mixes into sentences: more while the critic tells them apart too well.

Z. Wang, H. Zheng, P. He, W. Chen and M. Zhou, "Diffusion-GAN: Training GANs with Diffusion", 2022 (arXiv:2206.02262),
section 3.3.
"""

from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor

from inkloom.models.gan import GAN

POOL = 64
"""Levels that those of a batch are drawn from; half of them are no noise."""

EVERY = 4
"""Updates of the critic between two changes of the most noise."""


class Drawn(NamedTuple):
    """What a batch is diffused with."""

    level_B: Tensor
    """From 0, no noise, on; int64."""

    kept_B: Tensor
    """The share of the variance that stays the sentence's own: alpha-bar."""


class NoiseLevels:
    """The levels 1, 2, … `highest` in use. Level t adds the variances of all levels up to it, which rise evenly."""

    def __init__(self, config: GAN.Config) -> None:
        self.least, self.most = config.diffusion_least, config.diffusion_most
        self.target = config.diffusion_target
        self.highest = self.least
        self.updates = 0
        self.pool = torch.zeros(POOL, dtype=torch.int64)
        betas = torch.linspace(config.diffusion_beta_first, config.diffusion_beta_last, self.most, dtype=torch.float64)
        self.kept = torch.cat([torch.ones(1), (1 - betas).cumprod(dim=0).float()])

    def draw(self, rows: int, generator: Generator) -> Drawn:
        """The levels of so many sentences."""
        if not self.pool.any():
            self._refill(generator)
        level_B = self.pool[torch.randint(POOL, (rows,), generator=generator)]
        return Drawn(level_B, self.kept[level_B])

    def update(self, real_B: Tensor, generator: Generator) -> None:
        """Hear the scores (log-odds) of real sentences: more than the target right, and the highest level rises."""
        self.updates += 1
        if self.updates % EVERY:
            return
        rightness = float(real_B.detach().sign().mean())
        step = (rightness > self.target) - (rightness < self.target)
        self.highest = min(max(self.highest + step, self.least), self.most)
        self._refill(generator)

    def state_dict(self) -> dict[str, Any]:
        return {"highest": self.highest, "updates": self.updates, "pool": self.pool}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.highest, self.updates, self.pool = state["highest"], state["updates"], state["pool"]

    def _refill(self, generator: Generator) -> None:
        """Half of the pool anew, higher levels more often: level t in proportion to t."""
        weights = torch.arange(1, self.highest + 1, dtype=torch.float32)
        self.pool = torch.zeros(POOL, dtype=torch.int64)
        self.pool[POOL // 2 :] = 1 + torch.multinomial(weights, POOL // 2, replacement=True, generator=generator)
