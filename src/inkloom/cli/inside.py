"""What `inkloom explain` shows in the terminal: the text, coloured by surprisal, and the gist of every other view."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from inkloom.cli.terminal import results

if TYPE_CHECKING:
    from inkloom.explain import AttentionMaps, Lens, MixtureWeights, NextToken, NGramEvidence, Surprisal, Units
    from inkloom.explain.page import Explanation
    from inkloom.explain.tokens import Floats

WIDTH = 80
LIKELIEST = 8
"""Tokens of the next-token distribution."""

HEADS = 6
"""Heads of a Transformer, those that are most of a kind."""

BAR = 30
"""Columns of a full bar."""

SURPRISES = ((0.25, "yellow"), (0.5, "dark_orange"), (0.75, "bold red"))
"""Shares of what is very surprising, from which on a token has a colour."""


def print_explanation(explanation: "Explanation", paths: Sequence[Path]) -> None:
    """Print every view of an explanation, and where page and pictures lie."""
    console = results()
    console.width = min(console.width, WIDTH)
    for name, result in explanation.results.items():
        PRINTERS[name](console, result)
        console.print()
    page, *pictures = paths
    console.print(f"Page:     {page}", soft_wrap=True, markup=False)
    console.print(f"Pictures: {page.parent}, {len(pictures)} files", soft_wrap=True, markup=False)


def _print_surprisal(console: Console, shown: "Surprisal") -> None:
    from inkloom.explain.words import first_choices, most_surprising

    console.print(_coloured(shown))
    if console.is_terminal:
        legend = [(f"{share * shown.full_bits:g} bits or more  ", style) for share, style in SURPRISES]
        console.print(Text.assemble(("surprisal: ", "dim"), *legend))
    console.print(f"\n[bold]{shown.bits_T.mean():.3f} bits per token[/bold] on {len(shown.tokens):,} tokens.")
    _say(console, f"{first_choices(shown)} {most_surprising(shown)}")


def _coloured(shown: "Surprisal") -> Text:
    """The text, each token in the colour of its surprisal; white space has it behind it."""
    from inkloom.explain.tokens import readable

    text = Text()
    for token, bits in zip(shown.tokens.texts, shown.bits_T.tolist(), strict=True):
        style = next((style for share, style in reversed(SURPRISES) if bits >= share * shown.full_bits), "")
        if style and token.isspace():
            style = f"on {style.split()[-1]}"
        if token:  # else it is part of a character that a later token completes
            text.append(readable(token).replace("↵\n", "\n"), style)
    return text


def _print_next(console: Console, shown: "NextToken") -> None:
    from inkloom.explain.tokens import visible

    _print_bars(console, "What comes next", [visible(text) for text in shown.top_texts], shown.probs_V)


def _print_units(console: Console, shown: "Units") -> None:
    from inkloom.explain.words import saturation_summary, signed, unit_title

    table = Table("unit", "follows", box=None, pad_edge=False, header_style="bold")
    for title in ("correlation", "by chance"):
        table.add_column(title, justify="right")
    for unit in shown.chosen:
        if unit.follows is None or unit.correlation is None or unit.chance is None:
            table.add_row(unit_title(unit), "–")
        else:
            table.add_row(unit_title(unit), unit.follows, signed(unit.correlation), f"{unit.chance:.2f}")
    console.print(table)
    for layer in range(len(shown.memory_LTH)) if shown.gates else ():
        _say(console, saturation_summary(shown, layer))


def _print_attention(console: Console, shown: "AttentionMaps") -> None:
    from inkloom.explain.words import head_title

    L, H = shown.weights_LHTT.shape[:2]
    heads = [(layer, head) for layer in range(L) for head in range(H)]
    heads.sort(key=lambda place: -shown.habit(*place)[1])
    _print_title(console, "Attention" if shown.masked_TT.any() else "Attention as in training, without a mask")
    table = Table("head", "looks most at", box=None, pad_edge=False, header_style="bold")
    for title in ("share", "tokens away"):
        table.add_column(title, justify="right")
    for place in heads[:HEADS]:
        target, share = shown.habit(*place)
        table.add_row(head_title(*place), target, _percent(share), f"{shown.distance_LH[place]:.1f}")
    console.print(table)
    if len(heads) > HEADS:
        console.print(f"and {len(heads) - HEADS} more heads", style="dim")


def _print_lens(console: Console, shown: "Lens") -> None:
    from inkloom.explain.words import lens_summary

    _print_title(console, "Lens")
    _say(console, lens_summary(shown))


def _print_evidence(console: Console, shown: "NGramEvidence") -> None:
    import numpy as np

    from inkloom.explain.words import evidence_summary

    order = shown.known_TL.shape[1]
    often_L = np.bincount(shown.lengths_T, minlength=order + 1)[1:]
    shares = np.asarray(often_L / len(shown.tokens), np.float32)
    labels = [f"{length} token{'s' if length > 1 else ''}" for length in range(1, order + 1)]
    _print_bars(console, "The longest n-gram in the tables", labels, shares)
    _say(console, evidence_summary(shown))


def _print_mixture(console: Console, shown: "MixtureWeights") -> None:
    import math

    table = Table("part", box=None, pad_edge=False, header_style="bold")
    for title in ("mean weight", "bits per token", "credit"):
        table.add_column(title, justify="right")
    columns = (shown.weights_TK.mean(axis=0), shown.nats_TK.mean(axis=0), shown.responsibilities_TK.mean(axis=0))
    for name, weight, nats, credit in zip(shown.parts, *(column.tolist() for column in columns), strict=True):
        table.add_row(name, _percent(weight), f"{nats / math.log(2):.3f}", _percent(credit))
    table.add_row("together", "", f"{float(shown.nats_T.mean()) / math.log(2):.3f}", "")
    _print_title(console, "Parts")
    console.print(table)


PRINTERS: "Mapping[str, Callable[..., None]]" = {
    "surprisal": _print_surprisal,
    "next": _print_next,
    "units": _print_units,
    "attention": _print_attention,
    "training_attention": _print_attention,
    "lens": _print_lens,
    "evidence": _print_evidence,
    "mixture": _print_mixture,
}


def _say(console: Console, sentence: str) -> None:
    """A sentence, in which no per cent sign begins a line: rich takes a no-break space for a space."""
    console.print(Text(sentence.replace("\u00a0%", "%")))


def _print_title(console: Console, title: str) -> None:
    console.print(Text(title, style="bold"))


def _print_bars(console: Console, title: str, labels: Sequence[str], shares: "Floats") -> None:
    _print_title(console, title)
    longest = float(shares.max())
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for label, share in zip(labels[:LIKELIEST], shares.tolist(), strict=False):
        table.add_row(Text(label), _percent(share), Text("█" * round(BAR * share / longest), style="blue"))
    console.print(table)


def _percent(share: float) -> str:
    from inkloom.pages.page import percent

    return percent(share)
