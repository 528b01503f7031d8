"""What a run left on its way: metrics.csv as columns, samples.txt as texts. Models that are counted have neither."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SAMPLE_TITLE = re.compile(r"^=== step (\d+), val (\S+) nats per (?:token|text) ===\n", re.MULTILINE)

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """metrics.csv by column, all of one length; nan where a cell is empty or holds no finite number.

    Losses are in nats per token. `val_loss` is known in the rows of a validation only.
    """

    step: Column
    seconds: Column
    train_loss: Column
    val_loss: Column
    learning_rate: Column
    tokens: Column

    @property
    def best(self) -> int | None:
        """The row with the lowest val loss; None where val was never scored."""
        return int(np.nanargmin(self.val_loss)) if np.isfinite(self.val_loss).any() else None

    @property
    def diverged(self) -> bool:
        """Whether the train loss was a number at first and none at the end."""
        return bool(np.isfinite(self.train_loss).any() and not np.isfinite(self.train_loss[-1]))


@dataclass(frozen=True)
class TrainingSample:
    """A text that the model wrote while it was trained; `val_loss` in nats per token, nan where it was no number."""

    step: int
    val_loss: float
    text: str


def read_course(file: Path) -> Course | None:
    """The course of a training; None where there is no file, or no loss in it."""
    if not file.exists():
        return None
    columns = Course.__dataclass_fields__
    with file.open(encoding="utf-8", newline="") as lines:
        rows = [[_number(row.get(name)) for name in columns] for row in csv.DictReader(lines)]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(columns))
    course = Course(*table[np.isfinite(table[:, :2]).all(axis=1)].T)
    return course if np.isfinite([course.train_loss, course.val_loss]).any() else None


def read_samples(file: Path) -> list[TrainingSample]:
    """The samples in the order in which they were written; none where there is no file."""
    if not file.exists():
        return []
    # Read without newline translation: a sample may hold a carriage return of its own.
    text = file.read_bytes().decode("utf-8", errors="replace")
    _, *pieces = SAMPLE_TITLE.split(text)
    return [
        TrainingSample(int(step), _number(val_loss), written.strip("\n"))
        for step, val_loss, written in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True)
    ]


def _number(cell: str | None) -> float:
    try:
        value = float(cell or "nan")
    except ValueError:
        return float("nan")
    return value if np.isfinite(value) else float("nan")
