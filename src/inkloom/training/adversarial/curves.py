"""adversarial.csv: both losses, the penalty, the score gap and what they are watched by, a row now and then."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from inkloom.files import GrowingFile
from inkloom.training.adversarial.objective import Adversarial, StepMeasures

ROWS = 200
"""About how many rows a training writes."""


@dataclass(frozen=True)
class Written:
    """What the sentences of a validation were like."""

    sample_nats: float
    real_nats: float
    self_bleu: float
    distinct: float
    """Of 2-grams."""


COLUMNS = ("step", "seconds", *(field.name for kind in (StepMeasures, Written) for field in fields(kind)))
"""Measures of steps are means since the last row; those of written sentences stand where val was scored."""


class Curves(pl.Callback):
    """Append a row about ROWS times in the whole training, and after every validation.

    On resume the file is cut back to where the checkpoint left it.
    """

    def __init__(self, file: Path, written: Callable[[], Written | None]) -> None:
        """written: what the last validation saw; None before the first."""
        self.file = GrowingFile(file)
        self.written = written
        self.last: Written | None = None
        self.done = 0.0
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.file.cut_back()
        if self.file.offset == 0:
            self.file.append(",".join(COLUMNS) + "\n")

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        assert isinstance(pl_module, Adversarial)
        for name, value in asdict(pl_module.measures).items():
            if math.isfinite(value):
                self.sums[name] = self.sums.get(name, 0.0) + value
                self.counts[name] = self.counts.get(name, 0) + 1
        progress, written = pl_module.progress, self.written()
        share = progress.share(trainer.global_step)
        news = written if written is not self.last else None
        if not (news is not None or share >= self.done + 1 / ROWS):
            return
        cells = {name: total / self.counts[name] for name, total in self.sums.items()}
        cells |= {"step": trainer.global_step, "seconds": progress.clock.seconds}
        if news is not None:
            self.last = news
            cells |= asdict(news)
        self.file.append(",".join(f"{cells[name]:.6g}" if name in cells else "" for name in COLUMNS) + "\n")
        self.done, self.sums, self.counts = share, {}, {}

    def state_dict(self) -> dict[str, Any]:
        return {"offset": self.file.offset, "done": self.done, "sums": dict(self.sums), "counts": dict(self.counts)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.file.offset = state_dict["offset"]
        self.done, self.sums, self.counts = state_dict["done"], dict(state_dict["sums"]), dict(state_dict["counts"])
