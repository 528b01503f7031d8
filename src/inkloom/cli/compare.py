"""`inkloom compare`: which model is better on this text, and how sure is that?"""

from typing import TYPE_CHECKING, Annotated

import typer

from inkloom.cli.options import (
    CORPUS,
    MODEL,
    TEXT,
    CorpusDir,
    Documents,
    Encoding,
    Json,
    MinCount,
    TextColumn,
    VocabSize,
    text_options,
    tokenizer_overrides,
)
from inkloom.cli.terminal import messages, print_json, results
from inkloom.models import LANGUAGE_MODELS
from inkloom.tokenizers import TOKENIZERS

if TYPE_CHECKING:
    from rich.console import Console

    from inkloom.experiments.comparison.judged import WriterComparison
    from inkloom.experiments.comparison.results import Comparison, Table
    from inkloom.experiments.verdict import Interval

LENGTH, RUN = "What is held equal", "Comparison"


def compare(
    corpus: Annotated[list[str], CORPUS],
    models: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME",
            rich_help_panel=MODEL,
            help=f"Of: {', '.join(LANGUAGE_MODELS)}. Default: ngram,lstm,transformer,mixture. With gan or "
            "gan-from-scratch, sentences are judged.",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(metavar="NAME", rich_help_panel=MODEL, help="A named configuration, for the family it is for."),
    ] = None,
    seq_lens: Annotated[
        str | None,
        typer.Option(
            metavar="N,N", rich_help_panel=MODEL, help="Train each model with windows of each of these lengths."
        ),
    ] = None,
    tokenizers: Annotated[
        str | None,
        typer.Option(
            "--tokenizers",
            "--tokenizer",
            metavar="NAME,NAME",
            rich_help_panel=MODEL,
            help=f"Train each model with each of these: {', '.join(TOKENIZERS)}. Default: char.",
        ),
    ] = None,
    vocab_size: VocabSize = None,
    min_count: MinCount = None,
    override: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            metavar="KEY=VALUE",
            rich_help_panel=MODEL,
            help="Any setting of `inkloom train -o`, or that of one model or tokenizer: lstm.hidden_size=256.",
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(metavar="TIME", rich_help_panel=LENGTH, help="Wall time of each training, 60s if none is given."),
    ] = None,
    tokens: Annotated[int | None, typer.Option(rich_help_panel=LENGTH, help="Tokens that each training reads.")] = None,
    epochs: Annotated[
        float | None, typer.Option(rich_help_panel=LENGTH, help="Times that each training reads the text.")
    ] = None,
    parameters: Annotated[
        int | None,
        typer.Option(rich_help_panel=LENGTH, help="Size of each model, within 5 %; its hidden size is chosen."),
    ] = None,
    seeds: Annotated[int, typer.Option(rich_help_panel=RUN, help="Runs of each model; from -o training.seed on.")] = 3,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=RUN,
            help="The comparison's folder, comparisons/CORPUS. Runs in it that have the same settings are reused.",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(metavar="PERCENTS", rich_help_panel=TEXT, help="Train, val and test, 90,5,5; or train and val."),
    ] = None,
    documents: Documents = None,
    text_column: TextColumn = None,
    encoding: Encoding = None,
    corpus_dir: CorpusDir = None,
    json: Json = False,
) -> None:
    """Train several models on a text under one condition and rank them, with intervals.

    The same command goes on where it was interrupted.

    Examples:

    inkloom compare my.txt

    inkloom compare shakespeare --models ngram,lstm,transformer,mixture --budget 2m --seeds 5

    inkloom compare my.txt --models lstm --tokenizers char,bpe,word -o word.min_count=3

    inkloom compare my.txt --models lstm,transformer --seq-lens 8,32,128 --budget 60s --epochs 2 --seeds 1

    inkloom compare captions.txt --documents lines --models gan,lstm --recipe captions-gan --budget 10m
    """
    from inkloom import api
    from inkloom.experiments.comparison.judged import WriterComparison

    found = api.compare(
        corpus,
        models=models,
        recipe=recipe,
        seq_lens=seq_lens,
        budget=budget,
        tokens=tokens,
        epochs=epochs,
        parameters=parameters,
        seeds=seeds,
        tokenizers=tokenizers,
        split=split,
        out=out,
        overrides=[*(override or ()), *tokenizer_overrides(vocab_size, min_count)],
        corpus_options=text_options(encoding, documents, text_column, corpus_dir),
        console=messages(),
    )
    if json:
        print_json(found.as_json())
    elif isinstance(found, WriterComparison):
        print_verdict(results(), found)
    else:
        print_comparison(results(), found)


def print_comparison(console: "Console", comparison: "Comparison") -> None:
    """The league tables, what they say, and where the report lies."""
    from inkloom.experiments.comparison import wording

    for table in comparison.tables:
        console.print(f"[bold]At {wording.held_equal(comparison, table)}[/bold]")
        _print_league(console, comparison, table)
        if comparison.is_sweep:
            console.print()
            _print_sweep(console, comparison, table)
        console.print()
    for sentence in (
        *(wording.verdict(comparison, table) for table in comparison.tables),
        *wording.reading(comparison),
    ):
        console.print(sentence, markup=False)
    console.print(f"Report: {comparison.report}", soft_wrap=True, markup=False)


def _print_league(console: "Console", comparison: "Comparison", table: "Table") -> None:
    from rich.table import Table as Sheet

    from inkloom.training.callbacks.display import duration

    sheet = Sheet("", "model", box=None, pad_edge=False, header_style="bold")
    charged = ["charge"] if comparison.request.compares_tokenizers else []
    for title in ("bits/char", *charged, "95 % interval", "", "size", "tokens", "tokens/s", "time"):
        sheet.add_column(title, justify="right")
    for place, row in enumerate(table.rows, start=1):
        score = row.bits_per_char
        sheet.add_row(
            str(place),
            comparison.label(row),
            f"{score.mean:.4f}",
            *(f"{row.charge:.3f}" for _ in charged),
            f"{score.low:.3f}–{score.high:.3f}",
            "*" if row.significant else "",
            compact(row.parameters),
            compact(row.tokens_seen),
            compact(row.tokens_per_second),
            duration(row.seconds),
        )
    console.print(sheet)
    console.print("* worse than the row above by more than chance explains", style="dim")


def _print_sweep(console: "Console", comparison: "Comparison", table: "Table") -> None:
    from rich.table import Table as Sheet

    from inkloom.training.callbacks.display import duration

    models = comparison.request.models
    sheet = Sheet("model", box=None, pad_edge=False, header_style="bold")
    for title in ("seq-len", "train loss", f"{comparison.split.name} loss", "time", "peak memory"):
        sheet.add_column(title, justify="right")
    for row in sorted(table.rows, key=lambda row: (models.index(row.model), row.entry.seq_len or 0)):
        sheet.add_row(
            row.model,
            str(row.entry.seq_len or "any"),
            f"{row.train_nats:.4f}",
            f"{row.held_out_nats:.4f}",
            duration(row.seconds),
            "" if row.peak_memory is None else f"{row.peak_memory / 1e6:,.0f} MB",
        )
    console.print(sheet)


def print_verdict(console: "Console", comparison: "WriterComparison") -> None:
    """The areas under the fronts of all writers, what they say about the critic, and where the report lies."""
    from rich.table import Table as Sheet

    from inkloom.experiments.verdict import PLANES
    from inkloom.pages.page import decimal

    verdict, seeds = comparison.verdict, comparison.request.seeds
    console.print(f"[bold]At {comparison.held_equal}[/bold]")
    sheet = Sheet("writer", box=None, pad_edge=False, header_style="bold")
    for what in ("area,", "at bigrams,"):
        for measure in PLANES.values():
            sheet.add_column(f"{what}\n{measure}", justify="right")
    for writer in verdict.all_in_one:
        areas = (_with_margin(writer.areas[plane]) for plane in PLANES)
        at_bigrams = (decimal(verdict.quality_at_bigrams(writer, plane), 3) for plane in PLANES)
        sheet.add_row(writer.name, *areas, *at_bigrams)
    console.print(sheet)
    margin = f", ± 95 % over {seeds} seeds" if seeds > 1 else ""
    console.print(f"area: under quality against diversity{margin}", style="dim")
    console.print("at bigrams: quality where as diverse as bigrams", style="dim")
    console.print()
    for answer in comparison.answers:
        console.print(answer, markup=False)
    console.print(f"Report: {comparison.report}", soft_wrap=True, markup=False)


def _with_margin(area: "Interval") -> str:
    """`0.312 ±0.011`; the mean alone where one run leaves no interval."""
    return f"{area.mean:.3f} ±{area.high - area.mean:.3f}" if area.high > area.low else f"{area.mean:.3f}"


def compact(value: float) -> str:
    """1,234,567 as `1.23M`."""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.0f}"
