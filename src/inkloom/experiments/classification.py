"""The report of a classifier: how often it is right, which classes it takes for which, and what its probabilities are
worth."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from inkloom.experiments.history import Course, read_course
from inkloom.experiments.report import finished_evaluation, readable_seconds, scores_of, write_page
from inkloom.pages.figures import Drawing, Line, Palette, as_svg, line_figure, settled_top
from inkloom.pages.page import count, decimal, duration, percent

if TYPE_CHECKING:
    from inkloom.runs.run import Run

MOST_IN_MATRIX = 40
"""Classes that a matrix has room for; of more, those with the most texts."""

LONGEST_LABEL = 14
"""Characters of a class beside the matrix."""

MOST_CONFUSIONS = 8
"""Pairs of classes that are named."""

BASELINES = {"naive_bayes": "Naive Bayes on character n-grams", "commonest_class": "Always the commonest class"}


def write_report(run: "Run") -> Path:
    """Write a classifier's report.html, whole or not at all, and return its path.

    The same run makes the same page. Raises InputError for a run that has not been scored yet.
    """
    evaluation = finished_evaluation(run)
    _, headline = scores_of(evaluation)
    leaks = evaluation["leaks"][headline["split"]]
    labels = [of_class["label"] for of_class in evaluation["classes"]]
    confusion_CC = np.array(evaluation["confusion"])
    course = read_course(run.directory.metrics_file)
    path = shlex.quote(str(run.directory.path))
    return write_page(
        run,
        "classification.html.jinja",
        evaluation,
        encoder=run.config.model["encoder"],
        headline=headline,
        facts=_facts(evaluation, run.config.recipe),
        rows=_rows(evaluation, headline),
        remarks=_remarks(evaluation, headline, leaks),
        matrix=_matrix_drawing(labels, confusion_CC),
        confusions=_confusions(labels, confusion_CC),
        classes=sorted(evaluation["classes"], key=lambda of_class: -of_class["texts"]),
        reliability=_reliability_drawing(evaluation),
        loss=None if course is None else _loss_drawing(course),
        commands=[
            (f'inkloom classify {path} "…"', "puts a text into its class; without one, lines of standard input"),
            (f"inkloom evaluate {path}", "scores the held-out texts again"),
        ],
        settings={
            "Model": {name: value for name, value in run.config.model.items() if name != "labels"},
            "Training": run.config.training,
            "Split": run.config.split.model_dump(mode="json"),
        },
    )


def _facts(evaluation: Mapping[str, Any], recipe: str | None) -> list[tuple[str, str]]:
    facts = {
        "Recipe": recipe,
        "Classes": count(len(evaluation["classes"])),
        "Parameters": count(evaluation["parameters"]),
        "Steps": count(evaluation["steps"]),
        "Training time": duration(evaluation["seconds"]),
    }
    return [(label, value) for label, value in facts.items() if value]


@dataclass(frozen=True)
class Row:
    """A line of the table of scores; without the texts that train has too, where some are."""

    name: str
    scores: Mapping[str, Any]
    new: Mapping[str, Any] | None = None
    own: bool = False


def _rows(evaluation: Mapping[str, Any], headline: Mapping[str, Any]) -> list[Row]:
    """This model on every split, and the baselines on the one that counts."""
    rows = [
        Row(
            "This model, train (in part)" if evaluation["train"]["partial"] else "This model, train",
            evaluation["train"],
        )
    ]
    for name in ("val", "test"):
        if name in evaluation:
            new = evaluation["leaks"][name]["without_leaks"]
            rows.append(Row(f"This model, {name}", evaluation[name], new, own=name == headline["split"]))
    leaks = evaluation["leaks"][headline["split"]]
    for name, scores in evaluation["baselines"].items():
        rows.append(Row(f"{BASELINES[name]}, {scores['split']}", scores, leaks["baselines"][name]))
    return rows


def _remarks(evaluation: Mapping[str, Any], headline: Mapping[str, Any], leaks: Mapping[str, Any]) -> list[str]:
    """What the numbers say about the baseline, about leaks, about unequal classes and about calibration."""
    baseline = evaluation["baselines"]["naive_bayes"]["accuracy"]
    gain = 100 * (headline["accuracy"] - baseline)
    held = {of_class["label"]: of_class["texts"] for of_class in evaluation["classes"] if of_class["texts"]}
    commonest, rarest = max(held, key=held.__getitem__), min(held, key=held.__getitem__)
    total = sum(held.values())
    remarks = [
        f"That is {abs(gain):.1f} points {'more' if gain >= 0 else 'less'} than naive Bayes on character n-grams, "
        f"which is counted in a second ({percent(baseline)}).",
        f"The classes are unequal: {commonest} has {percent(held[commonest] / total)} of the texts, {rarest} "
        f"{percent(held[rarest] / total)}. Macro F1 counts every class alike.",
        f"Probabilities are divided by a temperature of {evaluation['temperature']:.2f}, fitted to val: that takes the "
        f"calibration error from {percent(evaluation['uncalibrated_error'])} to "
        f"{percent(headline['calibration_error'])}.",
    ]
    if leaks["texts_in_train"]:
        new = leaks["without_leaks"]
        without = f"without them {percent(new['accuracy'])} are right" if new else "there are no others"
        remarks.append(
            f"{count(leaks['texts_in_train'])} of the {count(headline['texts'])} texts ({percent(leaks['share'])}) "
            f"stand in train word for word, whatever their label; {without}."
        )
    return remarks


def _confusions(labels: Sequence[str], confusion_CC: NDArray[np.int64]) -> list[tuple[str, str, int]]:
    """The errors that are made most: (right class, class it was put into, texts)."""
    wrong_CC = confusion_CC - np.diag(confusion_CC.diagonal())
    order = np.argsort(-wrong_CC, axis=None, kind="stable")[:MOST_CONFUSIONS]
    pairs = zip(*np.unravel_index(order, wrong_CC.shape), strict=True)
    return [(labels[right], labels[put], int(wrong_CC[right, put])) for right, put in pairs if wrong_CC[right, put]]


@dataclass(frozen=True)
class MatrixPlot:
    """A confusion matrix: a row for each class, shaded by the share of its texts that were put into each column."""

    labels: Sequence[str]
    confusion_CC: NDArray[np.int64]

    @property
    def height(self) -> int:
        return 110 + 17 * len(self.labels)

    def draw(self, axes: Axes, palette: Palette) -> None:
        classes = len(self.labels)
        texts_C = np.maximum(self.confusion_CC.sum(axis=1), 1)
        for right, put in zip(*np.nonzero(self.confusion_CC), strict=True):
            share = self.confusion_CC[right, put] / texts_C[right]
            colour = palette["--series-1" if right == put else "--series-2"]
            axes.add_patch(
                _square(put, right, colour, alpha=float(0.08 + 0.87 * share))  # the faintest can still be seen
            )
            if classes <= 20:
                axes.text(
                    put,
                    right,
                    str(self.confusion_CC[right, put]),
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    color=palette["--paper" if share > 0.5 else "--ink"],
                )
        names = [label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…" for label in self.labels]
        axes.set_xticks(range(classes), labels=names, rotation=90)
        axes.set_yticks(range(classes), labels=names)
        axes.tick_params(length=0, labelsize=9, labelcolor=palette["--ink"])
        axes.set_xlim(-0.5, classes - 0.5)
        axes.set_ylim(classes - 0.5, -0.5)
        axes.grid(visible=False)
        axes.set_xlabel("put into")
        axes.set_ylabel("right class")


def _square(x: int, y: int, colour: str, alpha: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, alpha=alpha, linewidth=0)


def _matrix_drawing(labels: Sequence[str], confusion_CC: NDArray[np.int64]) -> Drawing:
    shown = np.sort(np.argsort(-confusion_CC.sum(axis=1), kind="stable")[:MOST_IN_MATRIX])
    plot = MatrixPlot([labels[place] for place in shown], confusion_CC[np.ix_(shown, shown)])
    right = confusion_CC.trace() / confusion_CC.sum()
    cut = "" if len(shown) == len(labels) else f" The {len(shown)} of {len(labels)} classes with the most texts."
    return Drawing(
        f"Confusion matrix.{cut}",
        as_svg(plot, "confusion"),
        f"Confusion matrix of {len(shown)} classes: {percent(right)} of the texts lie on its diagonal.",
    )


@dataclass(frozen=True)
class ReliabilityPlot:
    """The share that is right by the probability that was given, in bins; on the diagonal both are the same."""

    confidence_M: NDArray[np.float64]
    accuracy_M: NDArray[np.float64]
    texts_M: NDArray[np.int64]
    height: int = 280

    def draw(self, axes: Axes, palette: Palette) -> None:
        axes.plot([0, 1], [0, 1], color=palette["--muted"], linewidth=1, linestyle=(0, (4, 3)))
        sizes_M = 20 + 180 * np.sqrt(self.texts_M / self.texts_M.sum())
        axes.scatter(self.confidence_M, self.accuracy_M, s=sizes_M, color=palette["--series-1"], alpha=0.8, linewidth=0)
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("probability given")
        axes.set_ylabel("share that is right")


def _reliability_drawing(evaluation: Mapping[str, Any]) -> Drawing:
    bins = {name: np.array(values) for name, values in evaluation["reliability"].items()}
    plot = ReliabilityPlot(bins["confidence"], bins["accuracy"], bins["texts"])
    worst = int(np.abs(bins["confidence"] - bins["accuracy"]).argmax())
    return Drawing(
        "Reliability",
        as_svg(plot, "reliability"),
        f"Share of right answers by probability, in {len(bins['texts'])} bins. Farthest apart: of texts that were "
        f"given {percent(bins['confidence'][worst])}, {percent(bins['accuracy'][worst])} are right.",
    )


def _loss_drawing(course: Course) -> Drawing:
    seconds, unit = readable_seconds(course.seconds)
    lines = [
        Line("train", seconds, course.train_loss, "--series-1"),
        Line("val", seconds, course.val_loss, "--series-2", scores=True),
    ]
    known = [line for line in lines if np.isfinite(line.y).any()]
    svg = line_figure("loss", known, x_label=unit, y_label="nats per text", y_top=settled_top(course.train_loss))
    best = float(np.nanmin(course.val_loss)) if np.isfinite(course.val_loss).any() else math.nan
    return Drawing(
        "Loss by wall time", svg, f"Loss in nats per text by wall time; val is {decimal(best)} at its lowest."
    )
