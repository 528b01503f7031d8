"""What survives a crash: the best weights, and all that an exact resume needs."""

import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.io import CheckpointIO
from torch import nn

from inkloom.errors import InputError
from inkloom.files import atomic_write
from inkloom.runs import RunDirectory
from inkloom.runs.weights import save_weights
from inkloom.training.callbacks.validation import Validation
from inkloom.training.schedule import Clock


class SafeCheckpointIO(CheckpointIO):
    """Checkpoints that are whole or absent, and of which nothing is executed when they are read."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: object = None) -> None:
        with atomic_write(Path(path), binary=True) as file:
            torch.save(checkpoint, file)

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        try:
            loaded: dict[str, Any] = torch.load(path, map_location=map_location or "cpu", weights_only=True)
        except Exception as error:  # torch.load raises many kinds for a damaged file
            first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(
                f"{path} is damaged ({first_line}). Delete it to start again at step 0, or restore the file."
            ) from error
        return loaded

    def remove_checkpoint(self, path: str | Path) -> None:
        Path(path).unlink(missing_ok=True)


class Checkpoints(pl.Callback):
    """Write the best weights after a validation that improved, and the resume state after every validation and at
    least every `seconds`."""

    def __init__(
        self, model: nn.Module, run: RunDirectory, validation: Validation, clock: Clock, seconds: float
    ) -> None:
        self.model = model
        self.run = run
        self.validation = validation
        self.clock = clock
        self.seconds = seconds
        self.saved_at = time.perf_counter()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        validated = self.validation.step == trainer.global_step
        if validated and self.validation.improved:
            save_weights(self.model, self.run.weights_file)
        if validated or trainer.should_stop or time.perf_counter() - self.saved_at > self.seconds:
            trainer.save_checkpoint(self.run.last_checkpoint)
            self.saved_at = time.perf_counter()

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint["seconds"] = self.clock.seconds
        checkpoint["finished"] = self.validation.finished
