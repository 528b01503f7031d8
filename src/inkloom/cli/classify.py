"""`inkloom classify`: texts into classes, by a run."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from inkloom.cli.options import Json, RunName
from inkloom.cli.terminal import messages, print_json, results, say
from inkloom.errors import InputError

if TYPE_CHECKING:
    from inkloom.runs.classifier import Classified

LONGEST_TEXT = 40
"""Characters of a text in the table."""


def classify(
    run: RunName,
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]…", help="Texts; without any, lines of standard input.")
    ] = None,
    top: Annotated[int, typer.Option("--top", metavar="K", help="The K likeliest classes of each text.")] = 3,
    json: Json = False,
) -> None:
    """Put texts into the classes that a run of `--model classifier` knows, with calibrated probabilities.

    In a pipe, one line comes out for each that goes in: the likeliest classes, each with its probability, and the text;
    a blank line for a blank one.

    Examples:

    inkloom classify names-classifier Schmidt Okafor Takahashi

    cut -f2 reviews.tsv | inkloom classify my-classifier --top 1
    """
    from inkloom import api
    from inkloom.runs.classifier import ClassifierRun

    opened = api.load_run_for(run, "classify", ClassifierRun)
    lines = texts or _lines()
    found = opened.classify(texts or [line for line in lines if line.strip()], top)
    if json:
        print_json({"texts": [one.as_json() for one in found]})
    elif sys.stdout.isatty():
        _print_table(found)
    else:
        rows = iter(found)
        for line in lines:
            sys.stdout.write(_row(next(rows)) if line.strip() else "\n")


def _row(one: "Classified") -> str:
    figures = (f"{label}\t{probability:.4f}" for label, probability in one.classes)
    return "\t".join([*figures, " ".join(one.text.split())]) + "\n"


def _lines() -> list[str]:
    """The lines of standard input; blank ones are counted and told. InputError where there is no other."""
    if sys.stdin.isatty():
        messages().print("Reading texts from the terminal, one a line; Ctrl-D ends them.")
    lines = sys.stdin.read().splitlines()
    blank = sum(not line.strip() for line in lines)
    if blank == len(lines):
        raise InputError("No texts came from standard input. Give some, one a line, or as arguments.")
    if blank:
        say(f"{blank:,} blank line{'s'[: blank != 1]} without a class.")
    return lines


def _print_table(found: "list[Classified]") -> None:
    from rich.table import Table

    table = Table("text", "class", box=None, pad_edge=False, header_style="bold")
    table.add_column("", justify="right")
    table.add_column("further", style="dim")
    for one in found:
        text = " ".join(one.text.split())
        shown = text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"
        (label, probability), *others = one.classes
        table.add_row(shown, label, f"{probability:.0%}", ", ".join(f"{other} {share:.0%}" for other, share in others))
    results().print(table)
