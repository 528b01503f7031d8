"""The report of a run: report.html, made of what the run directory holds."""

import datetime
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from inkloom.errors import InputError
from inkloom.experiments import wording
from inkloom.experiments.history import Course, TrainingSample, read_course, read_samples
from inkloom.files import write_text
from inkloom.pages.figures import Drawing, Line, SecondUnit, line_figure, settled_top
from inkloom.pages.page import count, decimal, duration, render
from inkloom.runs.directory import RunDirectory
from inkloom.training.fitters import fitted_in_one_go

if TYPE_CHECKING:
    from inkloom.runs.run import Run

SPLITS = ("train", "val", "test")

MOST_SAMPLES = 12
"""On the page; the others stay in samples.txt."""


def write_report(run: "Run") -> Path:
    """Write the run's report.html, whole or not at all, and return its path.

    The same run makes the same page. Raises InputError for a run that has not been scored yet.
    """
    evaluation = finished_evaluation(run)
    scores, headline = scores_of(evaluation)
    course = read_course(run.directory.metrics_file)
    return write_page(
        run,
        "report.html.jinja",
        evaluation,
        scores=scores,
        headline=headline,
        charge=wording.charge(headline),
        meaning=wording.meaning(headline, run.tokenizer.vocab_size),
        scale=_scale(headline, run.tokenizer.vocab_size),
        figures=learning_figures(course, headline),
        remarks=remarks_on(
            scores,
            evaluation.get("leaks", {}).get(headline["split"], {}),
            course,
            counts=fitted_in_one_go(run.config.model["name"]),
        ),
        commands=_commands(run.directory),
    )


def write_page(run: "Run", template: str, evaluation: Mapping[str, Any], **parts: object) -> Path:
    """Write a run's report.html, whole or not at all, and return its path.

    template: extends run.html.jinja. parts: what it asks for besides what all reports have, or in its place.
    """
    samples = read_samples(run.directory.samples_file)
    page = render(
        "inkloom.experiments",
        template,
        **{
            "run": run.name,
            "corpus": run.config.name,
            "created": _date(run.config.created),
            "version": run.config.versions.get("inkloom"),
            "model": evaluation["model"],
            "facts": _facts(evaluation, run.config.recipe),
            "samples": _shown(samples),
            "samples_written": len(samples),
            "settings": _settings(run),
            **parts,
        },
    )
    write_text(run.directory.report_file, page)
    return run.directory.report_file


def finished_evaluation(run: "Run") -> dict[str, Any]:
    """What evaluation.json holds. Raises InputError for a run that has not been scored yet."""
    directory = run.directory
    if not directory.finished:
        raise InputError(
            f"{directory.path} has not been scored yet, so there is nothing to report. "
            f"Go on with `inkloom train --resume {directory.path}`."
        )
    return directory.read_evaluation()


def scores_of(evaluation: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """The scores by split, and those that a report is headed by: of test, or of val where there is none."""
    scores = {name: evaluation[name] for name in SPLITS if name in evaluation}
    return scores, scores.get("test") or scores["val"]


@dataclass(frozen=True)
class Bar:
    """One of the lengths that the headline is compared with."""

    label: str
    bits_per_char: float
    share: float
    """Of the longest bar, from 0 to 1."""

    own: bool = False


def _date(iso: str) -> str:
    """The moment a run began, to the minute; empty where it is not known."""
    return datetime.datetime.fromisoformat(iso).strftime("%d %B %Y, %H:%M %Z").lstrip("0").strip() if iso else ""


def _facts(evaluation: Mapping[str, Any], recipe: str | None) -> list[tuple[str, str]]:
    """The size of the training; a model that is counted, not trained by steps, has fewer of them."""
    facts = {
        "Recipe": recipe,
        "Parameters": _counted(evaluation.get("parameters")),
        "Steps": _counted(evaluation.get("steps")),
        "Tokens seen": _counted(evaluation.get("tokens_seen")),
        "Training time": duration(seconds) if (seconds := evaluation.get("seconds")) else None,
        "Tokens per second": _counted(evaluation.get("tokens_per_second")),
    }
    return [(label, value) for label, value in facts.items() if value]


def _counted(value: float | None) -> str | None:
    return count(value) if value else None


def _scale(score: wording.ScoreKeys, vocab_size: int) -> list[Bar]:
    """The headline beside what it is to be measured against: the text as it is stored, and a guess without a model."""
    bits = {
        "The text as stored": wording.stored_bits_per_char(score),
        "An even guess": wording.uniform_bits_per_char(score, vocab_size),
        "This model": score["bits_per_char"],
    }
    longest = max(bits.values())
    return [Bar(label, value, value / longest, own=label == "This model") for label, value in bits.items()]


def learning_figures(course: Course | None, score: wording.ScoreKeys) -> dict[str, Drawing]:
    """The loss by step and by wall time, and the learning rate where the optimiser had one; none without a course."""
    if course is None:
        return {}
    seconds, time_unit = readable_seconds(course.seconds)
    figures = {
        "by_step": Drawing(
            "Loss by step",
            _loss_curves("by-step", course, course.step, "steps", score),
            _loss_description(course, "step"),
        ),
        "by_time": Drawing(
            "Loss by wall time",
            _loss_curves("by-time", course, seconds, time_unit, score),
            _loss_description(course, "wall time"),
        ),
    }
    rates = course.learning_rate[np.isfinite(course.learning_rate)]
    if len(rates):
        line = Line("learning rate", course.step, course.learning_rate, "--muted")
        svg = line_figure("rate", [line], x_label="steps", height=170)
        description = f"Learning rate by step: its highest is {rates.max():g}, at the end it is {rates[-1]:g}."
        figures["rate"] = Drawing("Learning rate", svg, description)
    return figures


def _loss_curves(name: str, course: Course, x: NDArray[np.float64], x_label: str, score: wording.ScoreKeys) -> Markup:
    lines = [
        Line("train", x, course.train_loss, "--series-1"),
        Line("val", x, course.val_loss, "--series-2", scores=True),
    ]
    unit = "bits per character" if wording.reads_characters(score) else "bits per token"
    return line_figure(
        name,
        [line for line in lines if np.isfinite(line.y).any()],
        x_label=x_label,
        y_label="nats per token",
        second_unit=SecondUnit(unit, 1 / math.log(2)),
        y_top=settled_top(course.train_loss),
    )


def _loss_description(course: Course, against: str) -> str:
    """The figure in words, for those who do not see it."""
    courses = []
    for name, losses in (("train", course.train_loss), ("val", course.val_loss)):
        known = losses[np.isfinite(losses)]
        if len(known):
            courses.append(
                f"{name} goes from {decimal(known[0])} to {decimal(known[-1])}, at its lowest {decimal(known.min())}"
            )
    return f"Loss in nats per token by {against}: {'; '.join(courses)}."


def readable_seconds(seconds: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Wall time in the unit that keeps the axis short."""
    longest = seconds.max()
    if longest <= 300:
        return seconds, "seconds"
    return (seconds / 60, "minutes") if longest <= 4 * 3600 else (seconds / 3600, "hours")


def remarks_on(
    scores: Mapping[str, wording.ScoreKeys], leaks: Mapping[str, Any], course: Course | None, *, counts: bool
) -> list[str]:
    """What the numbers say about leaks, about over-fitting and about the length of the training."""
    remarks = [leak] if (leak := wording.leak(leaks)) is not None else []
    if {"train", "val"} <= scores.keys():
        remarks.append(wording.gap(scores["train"], scores["val"], counts=counts))
    if course is not None and (outcome := wording.outcome(course)) is not None:
        remarks.append(outcome)
    return remarks


def _shown(samples: Sequence[TrainingSample]) -> list[TrainingSample]:
    """At most MOST_SAMPLES, at equal distances, the first and the last among them."""
    if len(samples) <= MOST_SAMPLES:
        return list(samples)
    return [samples[round(place)] for place in np.linspace(0, len(samples) - 1, MOST_SAMPLES)]


def _commands(directory: RunDirectory) -> list[tuple[str, str]]:
    """Command lines, and what each does."""
    run = shlex.quote(str(directory.path))
    return [
        (f"inkloom evaluate {run}", "scores the held-out text again"),
        (f"inkloom generate {run}", "writes new text; --prompt begins it"),
        (
            f"inkloom train --resume {run}",
            "goes on with a training that was interrupted; a finished one stays as it is",
        ),
    ]


def _settings(run: "Run") -> dict[str, Mapping[str, Any]]:
    """All that config.json and measured.json hold, by title."""
    measured = run.directory.measured_file
    machine = run.directory.read_json(measured) if measured.exists() else {}
    config = run.config.model_dump(mode="json")
    sections = {
        "Text": {
            **config.pop("corpus"),
            "sha256": config.pop("corpus_sha256"),
            "documents": config.pop("documents"),
        },
        **{name.capitalize(): config.pop(name) for name in ("split", "tokenizer", "model", "training")},
        "Machine": _described(machine),
        "Versions": config.pop("versions"),
        "Run": config,
    }
    return {title: section for title, section in sections.items() if section}


def _described(machine: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured, with its units."""
    rates = {
        name: f"{rate:,.0f} GFLOP/s" if rate else "not measured"
        for name, rate in machine.items()
        if name.endswith("_rate")
    }
    return {**machine, **rates}
