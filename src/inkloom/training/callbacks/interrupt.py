"""Ctrl-C and SIGTERM: finish the step, save, stop. A second Ctrl-C stops at once."""

import signal
import threading
from types import FrameType
from typing import Any

import pytorch_lightning as pl


class Interrupt(pl.Callback):
    """Turns the signals into a stop after the current step. `stopped` tells whether one came."""

    def __init__(self) -> None:
        self.stopped = False
        self.before: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if threading.current_thread() is threading.main_thread():
            self.before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if self.stopped:
            trainer.should_stop = True

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
        self.before = {}

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.stopped and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.stopped = True
