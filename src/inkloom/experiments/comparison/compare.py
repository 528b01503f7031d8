"""Models trained on one text under one condition, and their league table: which is better, and how sure is that?

The folder of a comparison:

    compare.json      what was asked, and the rows of the table
    runs/             the run of every cell, each an ordinary run
    token_nats/       NAME.npy for each run: what it pays for every token of the scored split, float32, in nats
    cells/            NAME.json for each run: the settings it was asked for, and the peak memory of its training
    report.html       the page; report.md and figures/ hold the same for papers
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from inkloom.corpus.base import Corpus
from inkloom.corpus.leaks import LeakReport
from inkloom.errors import InputError, InterruptedByUserError
from inkloom.evaluation.leakage import check_splits
from inkloom.experiments.comparison.cells import Cell, begin, cells_of, measure_machines, plan_entries, train
from inkloom.experiments.comparison.league import League, keep_nats, nats_file, read_result
from inkloom.experiments.comparison.memory import peak_memory
from inkloom.experiments.comparison.report import write_comparison_report
from inkloom.experiments.comparison.request import Request, checked
from inkloom.experiments.comparison.results import Comparison
from inkloom.experiments.report import write_report
from inkloom.experiments.writing import write_texts
from inkloom.files import write_json
from inkloom.runs.parts import cut
from inkloom.runs.run import Run
from inkloom.training.callbacks.display import duration
from inkloom.training.machine import Machine

log = logging.getLogger("inkloom")


def compare(corpus: Corpus, request: Request, folder: Path, console: Console) -> Comparison:
    """Train what is asked for and not there yet, score it, and write the comparison into `folder`.

    Raises InputError before any work for what cannot be compared, and InterruptedByUserError after Ctrl-C, when all is
    saved: the same call goes on from there.
    """
    started = time.perf_counter()
    with EachMessageOnce():
        _check_folder(folder)
        request = checked(request)
        entries = plan_entries(corpus, request, folder / "runs")
        cells = cells_of(entries)
        machines = measure_machines(cells)
        parts = cut(corpus, cells[0].config.split)
        scored = parts.get("test", parts["val"])
        leaks = check_splits(parts, cells[0].config.split.shares, console)
        write_json(folder / "compare.json", {"request": asdict(request), "rows": []})
        training = _train(cells, corpus, leaks, machines, scored.name, folder, console)
        by_stretch = request.compares_tokenizers
        league = League({cell.name: read_result(cell, scored, folder, by_stretch=by_stretch) for cell in cells})
        comparison = Comparison(
            folder=folder,
            corpus=corpus.name,
            request=request,
            split=scored,
            held_out=league.held_out,
            leaks=leaks[scored.name],
            tables=tuple(league.table(length, entries) for length in request.lengths),
        )
        writers = {
            comparison.label(row): Run(row.entry.cells[0].directory)
            for row in comparison.tables[0].best_of(request.contestants)
        }
        writings = write_texts(writers, parts["train"], scored)
        write_json(
            folder / "compare.json",
            {"request": asdict(request), **comparison.as_json(), "texts": writings.as_json()},
        )
        write_comparison_report(comparison, writings)
    outside = time.perf_counter() - started - training
    log.info(f"{duration(training)} of training; {duration(outside)} for plans, token scores, samples and reports.")
    return comparison


def _train(
    cells: Sequence[Cell],
    corpus: Corpus,
    leaks: Mapping[str, LeakReport],
    machines: Mapping[str, Machine],
    scored: str,
    folder: Path,
    console: Console,
) -> float:
    """Train the cells that are not finished, and say how long it will take; returns the seconds that it took.

    leaks: of the first cell's splits.
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
            known = leaks if cell.config.split == cells[0].config.split else None
            _train_cell(cell, corpus, known, machines[cell.name], scored, folder, console)
        except InterruptedByUserError as stop:
            raise InterruptedByUserError(
                f"Stopped in run {number + 1} of {len(waiting)}; all is saved. The same command goes on from there."
            ) from stop
        seconds.append(time.perf_counter() - started)
    for cell in cells:
        if not cell.directory.report_file.exists():
            write_report(Run(cell.directory))
    return sum(seconds)


def _train_cell(
    cell: Cell,
    corpus: Corpus,
    leaks: Mapping[str, LeakReport] | None,
    machine: Machine,
    scored: str,
    folder: Path,
    console: Console,
) -> None:
    """Train one cell; what it pays for the tokens of the scored split and its peak memory are kept."""

    def keep(split: str, nats_T: NDArray[np.float64]) -> None:
        if split == scored:
            keep_nats(nats_file(folder, cell), nats_T)

    with peak_memory() as peak:
        begin(cell, machine)
        train(cell, corpus, console, keep, leaks)
    write_json(cell.record, {**cell.directory.read_json(cell.record), "peak_memory": peak.bytes})


def _seconds_left(waiting: Iterable[Cell], seconds: Sequence[float]) -> float | None:
    """Judged by the budgets, else by the runs that are done; None where neither tells."""
    mean = sum(seconds) / len(seconds) if seconds else None
    each = [cell.budget or mean for cell in waiting]
    known = [value for value in each if value is not None]
    return sum(known) if len(known) == len(each) else None


def _check_folder(folder: Path) -> None:
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
