"""The score of val while training goes on."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytorch_lightning as pl

from inkloom.data import EncodedPart
from inkloom.training.schedule import Progress

MOST_BYTES = 2_000_000
"""Of val that are scored while training; the final evaluation scores all."""

LARGEST_SHARE = 0.03
"""Of the wall time of a `--budget` run that validations may take."""


BYTES_A_SECOND = 300
"""Of val that a second of a `--budget` run buys: 24 kB in 80 s, which a slow model scores in half a second."""


def scored_while_training(part: EncodedPart, budget: float | None = None) -> EncodedPart:
    """The part, or about its first MOST_BYTES, or as much as the budget (seconds) buys; its counts are of the whole."""
    most = MOST_BYTES if budget is None else min(MOST_BYTES, budget * BYTES_A_SECOND)
    share = min(1.0, most / max(part.bytes, 1))
    return replace(part, ids=part.ids[: 1 + max(1, int((len(part.ids) - 1) * share))])


class Validation(pl.Callback):
    """Score val at equal distances of progress, and at its end.

    After a step in which it scored, `step` is that step, `loss` the score and `improved` whether it is the lowest.
    """

    def __init__(self, score: Callable[[], float], progress: Progress, times: int, patience: int | None) -> None:
        self.score = score
        self.progress = progress
        self.distance = 1 / times
        self.patience = patience
        self.done = 0.0
        self.step = -1
        self.loss = float("nan")
        self.improved = False
        self.best = float("inf")
        self.best_step = 0
        self.without_improvement = 0
        self.finished = False

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        share = self.progress.share(trainer.global_step)
        if share < 1.0 and share < self.done + self.distance:
            return
        started = time.perf_counter()
        with trainer.precision_plugin.forward_context():
            self.loss = self.score()
        self.step, self.done = trainer.global_step, share
        self.improved = self.loss < self.best
        if self.improved:
            self.best, self.best_step, self.without_improvement = self.loss, self.step, 0
        else:
            self.without_improvement += 1
        pl_module.log("val_loss", self.loss)
        if share >= 1.0 or (self.patience is not None and self.without_improvement >= self.patience):
            self.finished = trainer.should_stop = True
        self._keep_within_budget(time.perf_counter() - started)

    def _keep_within_budget(self, seconds: float) -> None:
        """Leave time for the last validation, and validate less often where it is slow."""
        if self.progress.budget is not None:
            self.progress.reserve = max(self.progress.reserve, 1.2 * seconds)
            self.distance = max(self.distance, seconds / (LARGEST_SHARE * self.progress.budget))

    def state_dict(self) -> dict[str, Any]:
        names = ("done", "step", "loss", "best", "best_step", "without_improvement", "distance", "finished")
        return {name: getattr(self, name) for name in names} | {"reserve": self.progress.reserve}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for name, value in state_dict.items():
            if name == "reserve":
                self.progress.reserve = value
            else:
                setattr(self, name, value)
