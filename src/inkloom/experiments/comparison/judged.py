"""What a comparison of writers of sentences found: does a critic beat likelihood?"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any
from urllib.parse import quote

import inkloom
from inkloom.experiments.comparison.cells import Entry
from inkloom.experiments.comparison.contestants import GAN, LIKELIHOOD, label_of
from inkloom.experiments.comparison.report import settings_of
from inkloom.experiments.comparison.request import Request
from inkloom.experiments.comparison.tables import Sheet, SheetRow
from inkloom.experiments.gan import verdict_parts
from inkloom.experiments.verdict import PLANES, Judged, Verdict
from inkloom.files import write_text
from inkloom.pages.page import count, duration, render


@dataclass(frozen=True)
class WriterComparison:
    """What `compare` found about writers of sentences."""

    folder: Path
    corpus: str
    request: Request
    entries: tuple[Entry, ...]
    """One for each writer that was trained, those with a critic first."""

    verdict: Verdict
    """On all of these, and on the yardsticks."""

    @property
    def report(self) -> Path:
        """The page that shows it all."""
        return self.folder / "report.html"

    @property
    def held_equal(self) -> str:
        """What every writer had the same of."""
        return f"{self.request.lengths[0]} of training each"

    @property
    def answers(self) -> list[str]:
        """For each writer with a critic, in a sentence, whether that was better than likelihood alone."""
        alone = self.verdict.named(label_of(LIKELIHOOD))
        critics = [entry.contestant for entry in self.entries if entry.model == GAN and entry.contestant != alone.name]
        return [against_likelihood(self.verdict.named(name), alone) for name in critics]

    @cached_property
    def summaries(self) -> dict[str, list[dict[str, Any]]]:
        """What is known of the training of each run, by writer: the keys of `inkloom train --json`."""
        return {entry.contestant: [cell.directory.read_evaluation() for cell in entry.cells] for entry in self.entries}

    def as_json(self) -> dict[str, Any]:
        """The keys of `inkloom compare --json`."""
        return {
            "rows": [self._row_json(entry) for entry in self.entries],
            "answers": self.answers,
            "report": str(self.report),
            "corpus": self.corpus,
            **self.verdict.as_json(),
        }

    def _row_json(self, entry: Entry) -> dict[str, Any]:
        summaries = self.summaries[entry.contestant]
        return {
            "writer": entry.contestant,
            "model": entry.model,
            "seq_len": entry.seq_len,
            "areas": {plane: vars(area) for plane, area in self.verdict.named(entry.contestant).areas.items()},
            "parameters": summaries[0]["parameters"],
            "seconds": fmean(summary["seconds"] for summary in summaries),
            "tokens_seen": round(fmean(summary["tokens_seen"] for summary in summaries)),
            "stopped": [summary.get("stopped") for summary in summaries],
            "seeds": [cell.seed for cell in entry.cells],
            "runs": [str(cell.directory.path) for cell in entry.cells],
        }


def against_likelihood(gan: Judged, alone: Judged) -> str:
    """How a writer with a critic stands to the same generator by likelihood, by both measures.

    Areas differ where their intervals over seeds do not overlap; one seed has none, and tells nothing about chance.
    """
    sentences = []
    for plane, measure in PLANES.items():
        own, its = gan.areas[plane], alone.areas[plane]
        areas = f"area {own.mean:.3f} against {its.mean:.3f}"
        if min(len(gan.runs), len(alone.runs)) > 1 and not own.overlaps(its):
            verb = "beats" if own.mean > its.mean else "loses to"
            sentences.append(f"By {measure}, {gan.name} {verb} likelihood alone: {areas}, intervals apart.")
        else:
            why = "the intervals overlap" if len(gan.runs) > 1 else "one seed has no interval"
            sentences.append(f"By {measure}, {gan.name} and likelihood alone cannot be told apart: {areas}; {why}.")
    return " ".join(sentences)


def write_verdict_page(comparison: WriterComparison) -> None:
    """Write report.html into the comparison's folder, whole or not at all."""
    leading, alone = (
        comparison.verdict.named(name) for name in (comparison.entries[0].contestant, label_of(LIKELIHOOD))
    )
    configs = {entry.contestant: entry.cells[0].config for entry in comparison.entries}
    page = render(
        "inkloom.experiments",
        "verdict.html.jinja",
        corpus=comparison.corpus,
        leading=leading,
        alone=alone,
        answers=comparison.answers,
        facts=_facts(comparison),
        **verdict_parts(comparison.verdict),
        runs=runs_sheet(comparison),
        stopped=_stopped(comparison),
        held_equal=comparison.held_equal,
        settings=settings_of(configs),
        version=inkloom.__version__,
    )
    write_text(comparison.report, page)


def runs_sheet(comparison: WriterComparison) -> Sheet:
    """What each writer's training came to, with links to the reports of its runs."""
    rows = []
    for entry in comparison.entries:
        summaries = comparison.summaries[entry.contestant]
        means = {name: _mean(summaries, name) for name in ("steps", "tokens_seen", "seconds")}
        cells = (
            count(summaries[0]["parameters"]),
            count(means["steps"]),
            count(means["tokens_seen"]),
            duration(means["seconds"]),
        )
        links = [(str(cell.seed), f"runs/{quote(cell.name)}/report.html") for cell in entry.cells]
        rows.append(SheetRow(entry.contestant, cells, links=links))
    columns = ("Parameters", "Steps", "Tokens seen", "Time", "Seeds")
    return Sheet("Means over the seeds. A seed leads to the report of its run.", "Writer", columns, rows)


def _mean(summaries: list[dict[str, Any]], name: str) -> float | None:
    values = [summary.get(name) for summary in summaries]
    return None if None in values else fmean(value for value in values if value is not None)


def _facts(comparison: WriterComparison) -> list[tuple[str, str]]:
    config = comparison.entries[0].cells[0].config
    return [
        ("Held equal", comparison.held_equal),
        ("Seeds", count(comparison.request.seeds)),
        ("Runs", count(sum(len(entry.cells) for entry in comparison.entries))),
        ("Sentences judged", count(comparison.verdict.sentences)),
        ("Tokenizer", config.tokenizer["name"]),
        ("Split", config.split.shares),
    ]


def _stopped(comparison: WriterComparison) -> list[str]:
    """The runs that the watch has ended before their time."""
    return [
        f"{entry.contestant}, seed {cell.seed}, ended early: {summary['stopped']}"
        for entry in comparison.entries
        for cell, summary in zip(entry.cells, comparison.summaries[entry.contestant], strict=True)
        if summary.get("stopped")
    ]
