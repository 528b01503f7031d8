"""The report of a text GAN: how both players learned, the verdict on its sentences, and what the global noise does."""

import csv
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from inkloom.experiments.comparison.tables import Sheet, SheetRow
from inkloom.experiments.report import finished_evaluation, scores_of, write_page
from inkloom.experiments.verdict import PLANES, Judged, Shown, Verdict, verdict_on
from inkloom.files import write_json
from inkloom.pages.figures import SERIES, Drawing, Line, line_figure
from inkloom.pages.page import decimal, percent
from inkloom.runs.directory import RunDirectory
from inkloom.runs.gan import GANRun
from inkloom.runs.run import Run

STEPS = 7
"""Sentences of a walk, its ends included."""

WALK_SEEDS = (1, 2)
"""Of the two global noises that a walk leads between."""

TEMPERATURES, COUNT = (0.5, 0.8, 1.0, 1.2), 150
"""Of the report's verdict, which is to take some seconds; that of `inkloom compare` has more of both."""

YARDSTICK_COLOURS = {"unigrams": "--muted", "bigrams": "--ink", "real text": "--rule"}

Columns = Mapping[str, NDArray[np.float64]]

CURVES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "losses": ("Losses", {"generator_loss": "generator", "critic_loss": "critic"}),
    "gap": ("Score gap, real less written", {"gap": "gap"}),
    "penalty": ("Penalty on the critic's gradient", {"penalty": "penalty"}),
    "likelihood": ("Likelihood, nats per token", {"likelihood": "train"}),
    "written": (
        "Written sentences, nats per token",
        {"sample_nats": "theirs, by real n-grams", "real_nats": "of real ones, by theirs"},
    ),
    "sameness": ("Sameness at validations", {"self_bleu": "self-BLEU-4", "distinct": "distinct 2-grams"}),
    "noise_levels": ("Levels of noise in use", {"noise_levels": "highest"}),
}
"""Figures by name: a title, and columns of adversarial.csv with their labels. One without a number is left out."""


@dataclass(frozen=True)
class Stage:
    """A sentence of a walk."""

    share: float
    """How far it is from the first noise to the second, from 0 to 1."""

    text: str


def write_report(run: Run) -> Path:
    """Write the run's report.html and verdict.json, whole or not at all, and return the former's path.

    Raises InputError for a run that has not been scored yet.
    """
    assert isinstance(run, GANRun)
    evaluation = finished_evaluation(run)
    verdict = verdict_on({"gan": [run]}, temperatures=TEMPERATURES, count=COUNT)
    write_json(run.directory.path / "verdict.json", verdict.as_json())
    estimates, headline = scores_of(evaluation)
    return write_page(
        run,
        "gan.html.jinja",
        evaluation,
        stopped=evaluation.get("stopped"),
        headline=headline,
        estimates=estimates_sheet(estimates),
        figures=curve_figures(read_columns(run.directory.path / "adversarial.csv")),
        **verdict_parts(verdict),
        walk=walk(run),
        commands=_commands(run.directory),
    )


def verdict_parts(verdict: Verdict) -> dict[str, object]:
    """What a page shows of a verdict."""
    return {
        "fronts": [front_figure(verdict, plane) for plane in PLANES],
        "areas": areas_sheet(verdict),
        "measures": measures_sheet(verdict),
        "side_by_side": [(writer.name, [marked(shown) for shown in writer.samples]) for writer in verdict.writers],
        "sentences": verdict.sentences,
    }


def read_columns(file: Path) -> Columns:
    """A file of numbers with a heading, by column; nan where a cell is empty. No columns where there is no file."""
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in (rows[0] if rows else ())}


def curve_figures(columns: Columns) -> list[Drawing]:
    """The curves that have at least two numbers."""
    drawings = []
    for name, (title, labels) in CURVES.items():
        lines = []
        for colour, (column, label) in zip(SERIES, labels.items(), strict=False):
            known = np.isfinite(columns[column]) if column in columns else np.zeros(0, bool)
            if known.sum() > 1:
                lines.append(Line(label, columns["step"][known], columns[column][known], colour))
        if lines:
            described = "; ".join(f"{line.label} from {line.y[0]:.3g} to {line.y[-1]:.3g}" for line in lines)
            svg = line_figure(name, lines, x_label="steps", height=220)
            drawings.append(Drawing(title, svg, f"{title} by step: {described}."))
    return drawings


def front_figure(verdict: Verdict, plane: str) -> Drawing:
    """Quality against diversity, a line for each writer from one temperature to the next, the first of its runs."""
    axes = {
        "likelihood": ("diversity: real text under n-grams of theirs", "quality: theirs under n-grams of real text"),
        "bleu": ("diversity: 1 - self-BLEU-4", "quality: BLEU-4"),
    }
    titles = {"likelihood": "By n-grams, real text being 1", "bleu": "By BLEU"}
    lines = []
    for number, writer in enumerate(verdict.writers):
        places = [point.places[plane] for point in writer.runs[0]]
        xs, ys = (np.array([getattr(place, name) for place in places]) for name in ("diversity", "quality"))
        again = number >= len(SERIES) and writer.name not in YARDSTICK_COLOURS
        lines.append(Line(writer.name, xs, ys, colour_of(writer, number), dashed=again))
    real = verdict.real.places[plane]
    lines.append(Line("real text", np.array([0.0, real.diversity]), np.full(2, real.quality), "--muted", dashed=True))
    described = "; ".join(f"{writer.name} {interval(writer, plane)}" for writer in verdict.writers)
    svg = line_figure(f"front-{plane}", lines, x_label=axes[plane][0], y_label=axes[plane][1])
    return Drawing(titles[plane], svg, f"Quality against diversity over temperature. Areas: {described}.")


def colour_of(writer: Judged, number: int) -> str:
    """One of the page's colours for each writer; those of trained ones begin anew after the sixth."""
    return YARDSTICK_COLOURS.get(writer.name, SERIES[number % len(SERIES)])


def areas_sheet(verdict: Verdict) -> Sheet:
    """The areas under the fronts, and the quality of each writer where it is as diverse as bigrams are at 1."""
    rows = []
    for number, writer in enumerate(verdict.all_in_one):
        cells = [interval(writer, plane) for plane in PLANES]
        cells += [decimal(verdict.quality_at_bigrams(writer, plane), 3) for plane in PLANES]
        rows.append(SheetRow(writer.name, cells, colour=colour_of(writer, number)))
    columns = [f"{what}, {by}" for what in ("Area", "At bigrams") for by in PLANES.values()]
    return Sheet("Areas under the fronts, with 95 % intervals over runs.", "Writer", columns, rows)


def measures_sheet(verdict: Verdict) -> Sheet:
    """What was measured at every temperature, of the first run of each writer."""
    rows = [
        SheetRow(f"{writer.name}, {point.temperature:g}", measure_cells(vars(point.measures)))
        for writer in verdict.writers
        for point in writer.runs[0]
    ]
    rows.append(SheetRow("real text", measure_cells(vars(verdict.real.measures))))
    return Sheet("Sentences by writer and temperature.", "Writer, temperature", MEASURES, rows)


MEASURES = (
    "Tokens",
    "Nats, theirs by real n-grams",
    "Nats, real by theirs",
    "BLEU-2",
    "BLEU-5",
    "Self-BLEU-2",
    "Self-BLEU-5",
    "Distinct 2-grams",
)


def measure_cells(measures: Mapping[str, object]) -> list[str]:
    """The cells of MEASURES, from a SentenceMeasures or from its JSON."""

    def of(name: str, length: int) -> float | None:
        by_length = measures[name]
        assert isinstance(by_length, Mapping)
        value: float | None = by_length.get(length, by_length.get(str(length)))
        return value

    numbers = [measures[name] for name in ("mean_tokens", "sample_nats", "real_nats")]
    means = [decimal(number, 2) if isinstance(number, float) else decimal(None) for number in numbers]
    bleus = [decimal(of(name, length), 3) for name in ("bleu", "self_bleu") for length in (2, 5)]
    return [*means, *bleus, percent(of("distinct", 2))]


def estimates_sheet(estimates: Mapping[str, Mapping[str, object]]) -> Sheet:
    """The final estimates, split by split, real sentences below them."""
    rows = []
    for name, scores in estimates.items():
        for label, key in ((name, "estimates"), (f"{name}: real text", "real")):
            measures = scores[key]
            assert isinstance(measures, Mapping)
            bound = measures.get("bound_nats")
            rows.append(SheetRow(label, [*measure_cells(measures), decimal(bound, 3) if bound else "–"]))
    return Sheet(
        "Estimates against the sentences of each split.", "Split", (*MEASURES, "Nats of a real token, at most"), rows
    )


def interval(writer: Judged, plane: str) -> str:
    """The area under a writer's front, as text."""
    area = writer.areas[plane]
    if len(writer.runs) == 1:
        return decimal(area.mean, 3)
    return f"{area.mean:.3f} ({area.low:.3f} to {area.high:.3f})"


def marked(shown: Shown) -> Markup:
    """A sentence with what train has word for word set in <mark>."""
    pieces, reached = [], 0
    for start, stop in shown.copied:
        pieces += [escape(shown.text[reached:start]), Markup("<mark>{}</mark>").format(shown.text[start:stop])]
        reached = stop
    return Markup("").join([*pieces, escape(shown.text[reached:])])


def walk(run: GANRun, seed: int = 0) -> Sequence[Stage]:
    """Sentences on the way between two global noises, all else as it is."""
    shares = np.linspace(0, 1, STEPS)
    return [Stage(float(share), text) for share, text in zip(shares, run.walk(*WALK_SEEDS, STEPS, seed), strict=True)]


def _commands(directory: RunDirectory) -> list[tuple[str, str]]:
    run = shlex.quote(str(directory.path))
    return [
        (f"inkloom generate {run} --num-samples 10", "writes new sentences"),
        (f"inkloom generate {run} --style-seed 1 --num-samples 10", "keeps the global noise, and varies the rest"),
        (f"inkloom evaluate {run}", "measures sentences against the held-out text again"),
        (f"inkloom train --resume {run}", "goes on with a training that was interrupted"),
    ]
