"""The report of a comparison: report.html for people, report.md and figures/*.png for papers."""

from collections.abc import Mapping, Sequence
from typing import Any

import inkloom
from inkloom.experiments.comparison import tables, wording
from inkloom.experiments.comparison.figures import Figure, figures_of
from inkloom.experiments.comparison.markdown import as_markdown
from inkloom.experiments.comparison.results import Comparison
from inkloom.experiments.report import Bar
from inkloom.experiments.writing import Writings
from inkloom.files import write_bytes, write_text
from inkloom.pages.figures import as_png
from inkloom.pages.page import count, render
from inkloom.runs.directory import RunConfig
from inkloom.runs.run import without_name


def write_comparison_report(comparison: Comparison, writings: Writings) -> None:
    """Write report.html, report.md and figures/ into the comparison's folder. The same comparison makes the same."""
    figures = [figures_of(comparison, table) for table in comparison.tables]
    pictures = comparison.folder / "figures"
    for old in pictures.glob("*.png"):
        old.unlink()
    for figure in (figure for of_table in figures for figure in of_table.values()):
        write_bytes(pictures / f"{figure.name}.png", as_png(figure.plot))
    write_text(comparison.folder / "report.md", as_markdown(comparison, figures, writings))
    write_text(comparison.report, _page(comparison, figures, writings))


def _page(comparison: Comparison, figures: Sequence[Mapping[str, Figure]], writings: Writings) -> str:
    best = comparison.tables[0].rows[0]
    together = list(zip(comparison.tables, figures, strict=True))
    return render(
        "inkloom.experiments",
        "comparison.html.jinja",
        models=wording.listed(comparison.request.contestants),
        corpus=comparison.corpus,
        split=comparison.split.name,
        best=best,
        best_name=comparison.label(best),
        scale=_scale(comparison),
        facts=_facts(comparison),
        leagues=[
            {
                "held_equal": wording.held_equal(comparison, table),
                "verdict": wording.verdict(comparison, table),
                "sheet": tables.league(comparison, table),
                "intervals": of_table["intervals"].drawing(),
                "by_time": of_table["by_time"].drawing(),
                "by_tokens": of_table["by_tokens"].drawing(),
                "remarks": wording.reading(comparison) if table is comparison.tables[0] else [],
            }
            for table, of_table in together
        ],
        curves_note=wording.CURVES_NOTE,
        sweeps=[
            {"drawing": of_table["sweep"].drawing(), "sheet": tables.sweep(comparison, table)}
            for table, of_table in together
            if comparison.is_sweep
        ],
        sweep_note=wording.SWEEP_NOTE,
        samples_note=wording.samples_note(writings),
        prompt=writings.prompts[0],
        samples=writings.by_setting,
        texts=tables.texts(comparison, writings),
        text_notes=wording.text_notes(writings),
        method=wording.method(comparison),
        settings=_settings(comparison),
        version=inkloom.__version__,
    )


def _scale(comparison: Comparison) -> list[Bar]:
    """The best row of each model in the first table, as bars."""
    table = comparison.tables[0]
    rows = sorted(table.best_of(comparison.request.contestants), key=lambda row: row.bits_per_char.mean)
    longest = rows[-1].bits_per_char.mean
    return [
        Bar(comparison.label(row), row.bits_per_char.mean, row.bits_per_char.mean / longest, own=row is table.rows[0])
        for row in rows
    ]


def _facts(comparison: Comparison) -> list[tuple[str, str]]:
    config = comparison.rows[0].entry.cells[0].config
    runs = {cell.directory.path for row in comparison.rows for cell in row.entry.cells}
    return [
        ("Held equal", wording.listed([wording.held_equal(comparison, table) for table in comparison.tables])),
        ("Seeds", count(comparison.request.seeds)),
        ("Runs", count(len(runs))),
        ("Characters scored", count(comparison.held_out.chars)),
        ("Tokenizer", wording.listed(comparison.request.tokenizers or [config.tokenizer["name"]])),
        ("Split", config.split.shares),
    ]


def _settings(comparison: Comparison) -> dict[str, Mapping[str, Any]]:
    """Of each row, in the first run: all that makes the model and its training."""
    configs = {}
    for table in comparison.tables:
        for row in table.rows:
            title = f"{comparison.label(row)}, {table.length}" if len(comparison.tables) > 1 else comparison.label(row)
            configs[title] = row.entry.cells[0].config
    return settings_of(configs, own_tokenizers=comparison.request.compares_tokenizers)


def settings_of(configs: Mapping[str, RunConfig], *, own_tokenizers: bool = False) -> dict[str, Mapping[str, Any]]:
    """What runs on one text share, and then by title what is each one's own."""
    shared = next(iter(configs.values()))
    text = {**shared.corpus.model_dump(mode="json"), "sha256": shared.corpus_sha256}
    sections: dict[str, Mapping[str, Any]] = {"Text": text, "Split": shared.split.model_dump()}
    if not own_tokenizers:
        sections["Tokenizer"] = shared.tokenizer
    for title, config in configs.items():
        tokenizer = {"tokenizer": config.tokenizer} if own_tokenizers else {}
        sections[title] = {**tokenizer, **without_name(config.model), **config.training}
    return sections
