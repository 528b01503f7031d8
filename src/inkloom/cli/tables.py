"""Tables that several verbs print."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from inkloom.evaluation.copying import CopyLevel
    from inkloom.evaluation.text_metrics import TextMetrics


def print_scores(console: Console, summary: Mapping[str, Any]) -> None:
    """A run's scores, split by split, and where its report lies."""
    table = Table("split", box=None, pad_edge=False, header_style="bold")
    for title in ("characters", "nats/token", "perplexity", "nats/char", "bits/char", "bits/byte"):
        table.add_column(title, justify="right")
    for name in ("train", "val", "test"):
        if name in summary:
            table.add_row(*score_row(summary[name]))
    console.print(table)
    main = summary.get("test", summary["val"])
    steps = "1 step" if summary["steps"] == 1 else f"{summary['steps']:,} steps"
    console.print(
        f"\n[bold]{main['bits_per_char']:.3f} bits per character[/bold] on {main['split']}, after "
        f"{steps}, {summary['tokens_seen']:,} tokens, {summary['seconds']:.0f} s."
    )
    print_charge(console, main)
    leaks = summary.get("leaks", {}).get(main["split"], {})
    if without := leaks.get("without_leaks"):
        console.print(f"{without['bits_per_char']:.3f} without the {leaks['share']:.1%} that stands in train too.")
    console.print(f"Run:    {summary['run']}", soft_wrap=True, markup=False)
    console.print(f"Report: {summary['run']}/report.html", soft_wrap=True, markup=False)


def print_charge(console: Console, scores: Mapping[str, Any]) -> None:
    """How much of a score is for what the ids do not tell, where that shows."""
    from inkloom.experiments.wording import charge

    if said := charge(scores):
        console.print(said, markup=False)


def score_row(scores: Mapping[str, Any]) -> list[str]:
    """One split's scores as cells."""
    perplexity = scores["perplexity"]
    return [
        scores["split"] + (" (part)" if scores.get("partial") else ""),
        f"{scores['chars']:,}",
        f"{scores['nats_per_token']:.4f}",
        "∞" if perplexity is None or math.isinf(perplexity) else f"{perplexity:,.2f}",
        f"{scores['nats_per_char']:.4f}",
        f"{scores['bits_per_char']:.4f}",
        f"{scores['bits_per_byte']:.4f}",
    ]


def text_row(metrics: "TextMetrics", bleu: float | None, copies: "CopyLevel") -> list[str]:
    """What is measured of written text, as cells."""
    return [
        *("" if value is None else f"{value:.3f}" for value in (bleu, metrics.self_bleu)),
        *(
            "" if share is None else f"{share:.1%}"
            for share in (metrics.loop_rate, metrics.repetition[4], metrics.distinct[2], metrics.known_words)
        ),
        f"{copies.longest:.0f}",
    ]


def print_settings(console: Console, sections: Mapping[str, tuple[str, Sequence[tuple[str, str, str]]]]) -> None:
    """Every setting by its dotted name, with its default and its documentation."""
    for section, (owner, lines) in sections.items():
        if not lines:
            continue
        table = Table("setting", "default", "", box=None, pad_edge=False, header_style="bold")
        for name, default, text in lines:
            table.add_row(f"{section}.{name}", default, text)
        console.print(f"[bold]{section}[/bold]" + (f" of {owner}" if owner else ""))
        console.print(table)
        console.print()
