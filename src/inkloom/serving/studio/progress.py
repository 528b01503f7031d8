"""How far a training has come: its curve, its numbers and what it writes, out of the run's folder."""

import functools
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from inkloom.experiments.history import Course, read_course, read_samples
from inkloom.experiments.report import readable_seconds
from inkloom.pages.figures import Line, line_figure, settled_top
from inkloom.pages.page import count, decimal, duration
from inkloom.runs.directory import RunConfig, RunDirectory

DRAWING = threading.Lock()
"""matplotlib's settings are one for all threads."""


@dataclass(frozen=True)
class Progress:
    """What there is to watch."""

    share: float | None
    """Of the training, from 0 to 1; None where its length is not known beforehand."""

    facts: dict[str, str]
    curve: Markup
    """Losses by time, as SVG in the page's colours; empty where nothing has been measured yet."""

    told: str
    """The curve in words."""

    sample: str
    """The newest text that the model wrote."""


def progress_of(directory: RunDirectory) -> Progress:
    """What a run's folder tells by now; next to nothing before it is there."""
    course = read_course(directory.metrics_file) if directory.config_file.exists() else None
    if course is None:
        return Progress(None, {}, Markup(), "", "")
    samples = read_samples(directory.samples_file)
    return Progress(
        share=share_done(directory.read_config(), course),
        facts=_facts(course),
        curve=_curve(directory.metrics_file, directory.metrics_file.stat().st_size),
        told=_told(course),
        sample=samples[-1].text if samples else "",
    )


def share_done(config: RunConfig, course: Course) -> float | None:
    """Of the time or the steps that the training was given."""
    budget, steps = config.training.get("budget"), config.training.get("steps")
    if budget:
        return min(1.0, float(course.seconds[-1]) / float(budget))
    return min(1.0, float(course.step[-1]) / int(steps)) if steps else None


def _facts(course: Course) -> dict[str, str]:
    seconds = float(course.seconds[-1])
    best = course.best
    facts = {
        "Time": duration(seconds),
        "Steps": count(float(course.step[-1])),
        "Tokens read": count(float(course.tokens[-1])),
        "Tokens a second": count(float(course.tokens[-1]) / max(seconds, 1e-9)),
        "Loss on train": decimal(_last(course.train_loss), 3),
    }
    if best is not None:
        facts["On unseen text, at best"] = decimal(float(course.val_loss[best]), 3)
    return facts


def _told(course: Course) -> str:
    first = course.train_loss[np.isfinite(course.train_loss)]
    if not len(first):
        return "Loss by time."
    return (
        f"Loss by time: on train from {decimal(float(first[0]), 2)} to {decimal(float(first[-1]), 2)} nats per token."
    )


def _last(column: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float | None:
    known = column[np.isfinite(column)]
    return float(known[-1]) if len(known) else None


@functools.lru_cache(maxsize=16)
def _curve(metrics: Path, size: int) -> Markup:
    """The curve of a file of this size: it is drawn once, however many watch. It takes 25 ms."""
    del size
    course = read_course(metrics)
    assert course is not None, "it has been read before"
    seconds, unit = readable_seconds(course.seconds)
    lines = [
        Line("train", seconds, course.train_loss, "--series-1"),
        Line("unseen text", seconds, course.val_loss, "--series-2", scores=True),
    ]
    with DRAWING:
        return line_figure(
            "live",
            [line for line in lines if np.isfinite(line.y).any()],
            x_label=unit,
            y_label="nats per token",
            y_top=settled_top(course.train_loss),
        )
