"""The figures of a comparison, each as a plot that a page and a picture can be made of."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkloom.experiments.comparison.contestants import is_counted
from inkloom.experiments.comparison.request import Request
from inkloom.experiments.comparison.results import Comparison, Row, Table
from inkloom.experiments.history import read_course
from inkloom.experiments.report import readable_seconds
from inkloom.pages.figures import SERIES, Drawing, Line, LinePlot, Plot, SecondUnit, Span, SpanPlot, as_svg
from inkloom.pages.page import decimal

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A plot with its title, what it shows in words, and a name of its own within the comparison."""

    name: str
    title: str
    plot: Plot
    description: str

    def drawing(self) -> Drawing:
        """For a page."""
        return Drawing(self.title, as_svg(self.plot, self.name), self.description)


@dataclass(frozen=True)
class MeanCourse:
    """The loss on val along a training: the mean over seeds, and the lowest and the highest of them."""

    x: Column
    mean: Column
    low: Column
    high: Column


def figures_of(comparison: Comparison, table: Table) -> dict[str, Figure]:
    """`intervals`, `by_time` and `by_tokens`, and `sweep` where windows of several lengths are compared."""
    best = table.best_of(comparison.request.contestants)
    figures = {
        "intervals": _intervals(comparison, table),
        "by_time": _curves(comparison, table, best, against="time"),
        "by_tokens": _curves(comparison, table, best, against="tokens"),
    }
    if comparison.is_sweep:
        figures["sweep"] = _sweep(comparison, table)
    return figures


def colour_of(row: Row, request: Request) -> str:
    """One of the page's colours for each contestant; they begin anew after the sixth."""
    return SERIES[request.contestants.index(row.contestant) % len(SERIES)]


def mean_course(courses: Sequence[tuple[Column, Column]]) -> MeanCourse:
    """The mean of curves (x, y) over the stretch that all of them cover, at the places where the first has points."""
    first = max(float(x[0]) for x, _ in courses)
    last = max(first, min(float(x[-1]) for x, _ in courses))
    grid = np.unique(np.clip(courses[0][0], first, last))
    y = np.stack([np.interp(grid, *course) for course in courses])
    return MeanCourse(grid, y.mean(axis=0), y.min(axis=0), y.max(axis=0))


def _intervals(comparison: Comparison, table: Table) -> Figure:
    spans = [
        Span(comparison.label(row), score.mean, score.low, score.high, colour_of(row, comparison.request))
        for row in table.rows
        for score in (row.bits_per_char,)
    ]
    described = "; ".join(
        f"{span.label} {decimal(span.value, 3)} ({decimal(span.low, 3)} to {decimal(span.high, 3)})" for span in spans
    )
    return Figure(
        f"intervals-{table.length.short}",
        "Score and 95 % interval",
        SpanPlot(spans, "bits per character"),
        f"Bits per character with 95 % intervals: {described}.",
    )


def _curves(comparison: Comparison, table: Table, rows: Sequence[Row], *, against: str) -> Figure:
    per_char = comparison.request.compares_tokenizers
    courses = {comparison.label(row): _course(row, against, per_char=per_char) for row in rows}
    known = {name: course for name, course in courses.items() if course is not None}
    longest = max((float(course.x.max()) for course in known.values()), default=1.0)
    scale, x_label = _time_unit(longest) if against == "time" else _token_unit(longest)
    lines = [
        Line(
            name,
            course.x * scale,
            course.mean,
            colour_of(row, comparison.request),
            scores=True,
            band=(course.low, course.high) if len(row.entry.cells) > 1 else None,
        )
        for row, (name, course) in zip(rows, courses.items(), strict=True)
        if course is not None
    ]
    held_out = comparison.held_out
    bits = SecondUnit("bits per character" if held_out.tokens == held_out.chars else "bits per token", 1 / math.log(2))
    unit, second_unit = ("bits per character", None) if per_char else ("nats per token", bits)
    described = "; ".join(
        f"{name} goes from {decimal(course.mean[0], 3)} to {decimal(course.mean[-1], 3)}"
        for name, course in known.items()
    )
    return Figure(
        f"loss-by-{against}-{table.length.short}",
        "Val loss by wall time" if against == "time" else "Val loss by tokens seen",
        LinePlot(lines, x_label, unit, second_unit),
        f"Loss on val in {unit} by {against}, the mean over seeds: {described}.",
    )


def _course(row: Row, against: str, *, per_char: bool) -> MeanCourse | None:
    """The loss on val; None where it was never scored. A counted model is a single point: where it stood at its end.

    On the way, a family reads as much of val as its time allows, each another part. So each run's curve is moved until
    its best point, whose weights are kept, is the score of all of val.
    per_char: in bits per character, the charge included, not in nats per token.
    """
    found = []
    for cell in row.entry.cells:
        course = read_course(cell.directory.metrics_file)
        if course is None or course.best is None:
            continue
        scored = [course.best] if is_counted(row.model) else np.flatnonzero(np.isfinite(course.val_loss))
        x = course.seconds if against == "time" else course.tokens
        whole = cell.directory.read_evaluation()["val"]
        above_best = course.val_loss[scored] - course.val_loss[course.best]
        if per_char:
            loss = whole["bits_per_char"] + above_best * whole["tokens"] / whole["chars"] / math.log(2)
        else:
            loss = whole["nats_per_token"] + above_best
        found.append((x[scored], loss))
    return mean_course(found) if found else None


def _time_unit(seconds: float) -> tuple[float, str]:
    longest, unit = readable_seconds(np.array([seconds]))
    return float(longest[0]) / seconds, unit


def _token_unit(tokens: float) -> tuple[float, str]:
    if tokens >= 4e6:
        return 1e-6, "million tokens"
    return (1e-3, "thousand tokens") if tokens >= 4e3 else (1.0, "tokens")


def _sweep(comparison: Comparison, table: Table) -> Figure:
    """Loss by window: of the scored split with marks, of train dashed; a counted model has no window and is level."""
    lines, described = [], []
    windows = sorted({row.entry.seq_len for row in table.rows if row.entry.seq_len is not None})
    for model in comparison.request.models:
        rows = sorted((row for row in table.rows if row.model == model), key=lambda row: row.entry.seq_len or 0)
        x = np.array([row.entry.seq_len or 0 for row in rows], dtype=np.float64)
        losses = {
            comparison.split.name: np.array([row.held_out_nats for row in rows]),
            "train": np.array([row.train_nats for row in rows]),
        }
        if is_counted(model):
            x = np.array([windows[0], windows[-1]], dtype=np.float64)
            losses = {name: np.repeat(loss, 2) for name, loss in losses.items()}
        colour = colour_of(rows[0], comparison.request)
        for name, loss in losses.items():
            held_out = name != "train"
            marked = held_out and not is_counted(model)
            lines.append(Line(f"{model}, {name}", x, loss, colour, scores=marked, dashed=not held_out))
        described.append(f"{model} {', '.join(decimal(loss, 3) for loss in losses[comparison.split.name])}")
    return Figure(
        f"sequence-length-{table.length.short}",
        f"Loss by sequence length, at {table.length} each",
        LinePlot(lines, "sequence length, tokens", "nats per token", x_ticks=windows, height=320),
        f"Loss on {comparison.split.name} at sequence lengths {', '.join(map(str, windows))}: {'; '.join(described)}.",
    )
