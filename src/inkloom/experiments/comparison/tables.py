"""The tables of a comparison as text, cell by cell: a page and Markdown are made of the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from inkloom.experiments.comparison import wording
from inkloom.experiments.comparison.figures import colour_of
from inkloom.experiments.comparison.results import Comparison, Row, Table
from inkloom.experiments.writing import Writings, Written, Yardstick
from inkloom.pages.page import count, decimal, duration, megabytes, percent


@dataclass(frozen=True)
class SheetRow:
    """A line: its name, the cells, and for the last column links in place of text."""

    name: str
    cells: Sequence[str]
    colour: str | None = None
    """The variable of the page that holds the model's colour."""

    links: Sequence[tuple[str, str]] = ()
    """Texts, and addresses relative to the comparison's folder."""


@dataclass(frozen=True)
class Sheet:
    """A table: what it holds, what stands over its rows' names, and its other columns."""

    caption: str
    corner: str
    columns: Sequence[str]
    rows: Sequence[SheetRow]


def league(comparison: Comparison, table: Table) -> Sheet:
    """The rows of one length, best first, with links to the reports of their runs."""
    return Sheet(
        "Models, best first.",
        "Model",
        (
            "Bits per character",
            *(["Charge"] if comparison.request.compares_tokenizers else []),
            "95 % interval",
            "Against above",
            "Parameters",
            "Tokens seen",
            "Tokens/s",
            "Time",
            "Seeds",
        ),
        [_league_row(comparison, place, row) for place, row in enumerate(table.rows, start=1)],
    )


def _league_row(comparison: Comparison, place: int, row: Row) -> SheetRow:
    score = row.bits_per_char
    return SheetRow(
        f"{place}. {comparison.label(row)}",
        (
            decimal(score.mean),
            *([decimal(row.charge, 3)] if comparison.request.compares_tokenizers else []),
            f"{decimal(score.low, 3)} – {decimal(score.high, 3)}",
            wording.mark(row) or "–",
            count(row.parameters),
            count(row.tokens_seen),
            count(row.tokens_per_second),
            duration(row.seconds),
        ),
        colour_of(row, comparison.request),
        [(str(cell.seed), f"runs/{quote(cell.name)}/report.html") for cell in row.entry.cells],
    )


def sweep(comparison: Comparison, table: Table) -> Sheet:
    """The rows of one length by model and window: what each window costs and gains."""
    models = comparison.request.models
    rows = sorted(table.rows, key=lambda row: (models.index(row.model), row.entry.seq_len or 0))
    return Sheet(
        f"Loss, time and memory by sequence length, at {wording.held_equal(comparison, table)}.",
        "Model and tokens",
        (
            f"Loss on {comparison.split.name}",
            "Loss on train",
            "Bits per character",
            "Time",
            "Peak memory",
            "Tokens seen",
        ),
        [
            SheetRow(
                comparison.label(row),
                (
                    decimal(row.held_out_nats),
                    decimal(row.train_nats),
                    decimal(row.bits_per_char.mean),
                    duration(row.seconds),
                    megabytes(row.peak_memory),
                    count(row.tokens_seen),
                ),
                colour_of(row, comparison.request),
            )
            for row in rows
        ],
    )


def texts(comparison: Comparison, writings: Writings) -> Sheet:
    """Measures of what was written, setting by setting, and of held-out text."""
    writers = {comparison.label(row): row for row in comparison.tables[0].rows}
    rows = [SheetRow("held-out text", _measures(writings.yardstick))]
    for setting, of_setting in writings.by_setting.items():
        rows += [
            SheetRow(
                f"{written.name}, {setting.lower()}",
                _measures(written),
                colour_of(writers[written.name], comparison.request),
            )
            for written in of_setting
        ]
    return Sheet(
        "Measures of generated text, with held-out text as the yardstick.",
        "Text",
        (
            "Different word pairs",
            "Repeated fours",
            "Ends in a loop",
            "Self-BLEU",
            "Known words",
            "Longest copy",
            "Character distance",
        ),
        rows,
    )


def _measures(measured: Written | Yardstick) -> tuple[str, ...]:
    metrics = measured.metrics
    return (
        percent(metrics.distinct[2]),
        percent(metrics.repetition[4]),
        percent(metrics.loop_rate),
        decimal(metrics.self_bleu, 2),
        percent(metrics.known_words),
        decimal(measured.copies.longest, 1),
        decimal(metrics.character_distance, 3),
    )
