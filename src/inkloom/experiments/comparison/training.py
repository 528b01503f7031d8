"""The trainings of a comparison, one after the other, whatever is done with the runs afterwards."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from rich.console import Console

from inkloom.errors import InputError, InterruptedByUserError
from inkloom.experiments.comparison.cells import Cell, begin
from inkloom.experiments.comparison.memory import peak_memory
from inkloom.experiments.reports import write_report_of
from inkloom.files import write_json
from inkloom.runs.run import load_run
from inkloom.training.callbacks.display import duration
from inkloom.training.machine import Machine

log = logging.getLogger("inkloom")


def train_all(
    cells: Sequence[Cell], machines: Mapping[str, Machine], train: Callable[[Cell], None], console: Console
) -> float:
    """Train the cells that are not finished, and say how long it will take; returns the seconds that it took.

    train: turns a cell that has begun into a finished run, or goes on with an interrupted one.
    """
    waiting = [cell for cell in cells if not cell.directory.finished]
    if done := len(cells) - len(waiting):
        log.info(f"{done} of {len(cells)} runs are there already, with the same settings.")
    seconds: list[float] = []
    for number, cell in enumerate(waiting):
        goes_on = ", goes on" if cell.directory.config_file.exists() else ""
        left = _seconds_left(waiting[number:], seconds)
        time_left = "" if left is None else f"; about {duration(left)} left"
        console.print(f"[bold]Run {number + 1} of {len(waiting)}: {cell.name}[/bold]{goes_on}{time_left}")
        started = time.perf_counter()
        try:
            with peak_memory() as peak:
                begin(cell, machines[cell.name])
                train(cell)
            write_json(cell.record, {**cell.directory.read_json(cell.record), "peak_memory": peak.bytes})
        except InterruptedByUserError as stop:
            raise InterruptedByUserError(
                f"Stopped in run {number + 1} of {len(waiting)}; all is saved. The same command goes on from there."
            ) from stop
        seconds.append(time.perf_counter() - started)
    for cell in cells:
        if not cell.directory.report_file.exists():
            write_report_of(load_run(cell.directory.path))
    return sum(seconds)


def _seconds_left(waiting: Iterable[Cell], seconds: Sequence[float]) -> float | None:
    """Judged by the budgets, else by the runs that are done; None where neither tells."""
    mean = sum(seconds) / len(seconds) if seconds else None
    each = [cell.budget or mean for cell in waiting]
    known = [value for value in each if value is not None]
    return sum(known) if len(known) == len(each) else None


def check_folder(folder: Path) -> None:
    """A comparison goes into a folder of its own, or on in one that holds a comparison."""
    if (folder / "config.json").exists():
        raise InputError(f"{folder} holds a run. Give --out a folder of its own for the comparison.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "compare.json").exists():
        raise InputError(
            f"{folder} is a folder with other files in it. Give --out a new or empty folder, or a comparison's."
        )
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file. Give --out a new or empty folder, or a comparison's.")


class EachMessageOnce(logging.Filter, AbstractContextManager[None]):
    """Within the block, an announcement that every run would repeat is made once."""

    def __init__(self) -> None:
        super().__init__()
        self.made: set[str] = set()

    def __enter__(self) -> None:
        log.addFilter(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        log.removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        new = message not in self.made
        self.made.add(message)
        return new
