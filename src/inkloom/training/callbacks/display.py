"""What the user sees while training goes on: a bar in a terminal, a line per validation elsewhere."""

import time
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from inkloom.training.callbacks.validation import Validation
from inkloom.training.schedule import Progress as TrainingProgress

REFRESH_SECONDS = 0.25


class Display(pl.Callback):
    """Progress with loss, rate and time left. Reading the loss waits for the device, so it is read rarely."""

    def __init__(
        self, console: Console, validation: Validation, progress: TrainingProgress, tokens_per_step: int
    ) -> None:
        self.console = console
        self.validation = validation
        self.progress = progress
        self.tokens_per_step = tokens_per_step
        self.shown_at = 0.0
        self.first_step = 0
        self.first_seconds = 0.0
        self.bar: Progress | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.first_step, self.first_seconds = trainer.global_step, self.progress.clock.seconds
        if self.console.is_terminal:
            self.bar = Progress(
                TaskProgressColumn(),
                BarColumn(bar_width=None),
                TextColumn("{task.description}"),
                console=self.console,
                transient=True,
            )
            self.bar.start()
            self.task = self.bar.add_task("", total=1.0)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        now = time.perf_counter()
        step = trainer.global_step
        if self.bar is not None and now - self.shown_at >= REFRESH_SECONDS:
            self.shown_at = now
            share = self.progress.share(step)
            description = f"{self._state(step, share)}  train {float(outputs['nats']):.3f}"
            self.bar.update(self.task, completed=share, description=description)
        if self.validation.step == step:
            self._line(step)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.bar is not None:
            self.bar.stop()

    def _state(self, step: int, share: float) -> str:
        seconds = self.progress.clock.seconds
        rate = (step - self.first_step) * self.tokens_per_step / max(seconds - self.first_seconds, 1e-9)
        left = seconds / share * (1 - share) if share > 0 else 0.0
        return f"step {step:,}  {rate:,.0f} tokens/s  {duration(left)} left"

    def _line(self, step: int) -> None:
        mark = " (best)" if self.validation.improved else ""
        share = self.progress.share(step)
        line = f"{share:4.0%}  {self._state(step, share)}  val {self.validation.loss:.4f}{mark}"
        printing: Callable[[str], None] = self.bar.console.print if self.bar is not None else self.console.print
        printing(line)


def duration(seconds: float) -> str:
    """75.2 as `1m15s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
