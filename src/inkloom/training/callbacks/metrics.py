"""metrics.csv: the course of a training, a row now and then."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from inkloom.files import GrowingFile
from inkloom.training.callbacks.validation import Validation
from inkloom.training.schedule import Progress

HEADER = "step,seconds,tokens,train_loss,val_loss,learning_rate\n"
ROWS = 200
"""About how many rows a training writes."""


def metrics_row(
    step: int,
    seconds: float,
    tokens: int,
    *,
    train_loss: float | None = None,
    val_loss: float | None = None,
    learning_rate: float | None = None,
) -> str:
    """A line of the file; what is not known stays empty."""
    losses = ",".join("" if loss is None else f"{loss:.6f}" for loss in (train_loss, val_loss))
    return f"{step},{seconds:.4f},{tokens},{losses},{'' if learning_rate is None else f'{learning_rate:.6g}'}\n"


class Metrics(pl.Callback):
    """Append (step, seconds, tokens, mean train loss since the last row, val loss where scored, learning rate).

    Losses are in nats per token. On resume the file is cut back to where the checkpoint left it.
    """

    def __init__(self, file: Path, validation: Validation, progress: Progress, tokens_per_step: int) -> None:
        self.file = GrowingFile(file)
        self.validation = validation
        self.progress = progress
        self.tokens_per_step = tokens_per_step
        self.written = 0.0
        self.loss_sum = torch.zeros((), dtype=torch.float64)
        self.losses = 0
        self.train_loss = float("nan")

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.file.cut_back()
        if self.file.offset == 0:
            self.file.append(HEADER)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        self.loss_sum += outputs["nats"].double().cpu()
        self.losses += 1
        step = trainer.global_step
        share = self.progress.share(step)
        validated = self.validation.step == step
        if not (validated or share >= self.written + 1 / ROWS):
            return
        self.train_loss = float(self.loss_sum) / self.losses
        row = metrics_row(
            step,
            self.progress.clock.seconds,
            step * self.tokens_per_step,
            train_loss=self.train_loss,
            val_loss=self.validation.loss if validated else None,
            learning_rate=trainer.optimizers[0].param_groups[-1]["lr"],
        )
        self.file.append(row)
        self.written = share
        self.loss_sum.zero_()
        self.losses = 0

    def state_dict(self) -> dict[str, Any]:
        return {
            "offset": self.file.offset,
            "written": self.written,
            "loss_sum": self.loss_sum.clone(),
            "losses": self.losses,
            "train_loss": self.train_loss,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.file.offset = state_dict["offset"]
        for name in ("written", "loss_sum", "losses", "train_loss"):
            setattr(self, name, state_dict[name])
