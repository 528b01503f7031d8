"""How far a training has come, and the learning rate that follows from it."""

import math
import time
from dataclasses import dataclass, field

from inkloom.training.config import TrainingConfig


@dataclass
class Clock:
    """Seconds of work in this run, those before a resume included."""

    before: float = 0.0
    started: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        return self.before + time.perf_counter() - self.started


@dataclass
class Progress:
    """The share of the training that is done, from 0 to 1: of the wall time, or of the steps.

    `reserve` is the wall time that the last validation and the saving of its weights will need; training
    steps end that much before the budget does.
    """

    clock: Clock
    steps: int | None = None
    budget: float | None = None
    reserve: float = 0.0

    def share(self, step: int) -> float:
        """How much is done after `step` steps."""
        if self.budget is not None:
            return min(1.0, self.clock.seconds / max(self.budget - self.reserve, 1e-3))
        return min(1.0, step / (self.steps or 1))


def progress_for(config: TrainingConfig, steps_per_epoch: int, clock: Clock) -> Progress:
    """The length of training that a config asks for."""
    if config.budget is not None:
        return Progress(clock, budget=config.budget)
    epochs = config.epochs if config.epochs is not None else 10
    return Progress(clock, steps=config.steps or max(1, round(epochs * steps_per_epoch)))


def learning_rate_factor(config: TrainingConfig, share: float) -> float:
    """The learning rate as a share of its highest: a linear warm-up, then constant or half a cosine down.

    Loshchilov & Hutter 2017 (arXiv 1608.03983), without restarts.
    """
    if share < config.warm_up:
        # A first step at exactly 0 would be lost.
        return max(share / config.warm_up, 0.01)
    if config.schedule == "constant":
        return 1.0
    done = (share - config.warm_up) / (1 - config.warm_up)
    low = config.final_learning_rate
    return low + (1 - low) * 0.5 * (1 + math.cos(math.pi * done))
