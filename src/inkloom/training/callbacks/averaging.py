"""Averaged weights: what is scored and kept is a running mean of the weights, not where the last step left them.

Step t counts for t^(1/share - 1) in the mean: polynomial-decay averaging, O. Shamir and T. Zhang, "Stochastic Gradient
Descent for Non-smooth Optimization", ICML 2013 (arXiv:1212.1824). So at any moment it covers about the last `share` of
the steps so far. Merity et al. 2017 (arXiv:1708.02182) count all steps after a trigger alike, and know when to pull it
since their training may take as long as it takes.
"""

import copy
from typing import Any, Generic, TypeVar

import pytorch_lightning as pl
import torch
from torch import nn

ModelT = TypeVar("ModelT", bound=nn.Module)

EVERY = 10
"""Steps between two weights that are averaged. Neighbours are much alike: more often costs time and gains nothing."""


class Averaging(pl.Callback, Generic[ModelT]):
    """Keep `averaged`, a model whose weights are the mean; the model itself where `share` is None."""

    def __init__(self, model: ModelT, share: float | None) -> None:
        self.model = model
        self.share = share
        self.averaged = model if share is None else copy.deepcopy(model)
        self.taken = 0

    @torch.no_grad()
    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        # The first steps count one by one, so that even a training of a few steps is scored by what it learned.
        if self.share is None or (trainer.global_step >= EVERY and trainer.global_step % EVERY != 0):
            return
        weight = 1 / (1 + self.share * self.taken)
        self.taken += 1
        torch._foreach_lerp_(list(self.averaged.parameters()), list(self.model.parameters()), weight)

    def state_dict(self) -> dict[str, Any]:
        return {} if self.share is None else {"taken": self.taken, "averaged": self.averaged.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        if self.share is not None:
            self.taken = state_dict["taken"]
            self.averaged.load_state_dict(state_dict["averaged"])
