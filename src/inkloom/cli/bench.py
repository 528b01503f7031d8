"""`inkloom bench`: how fast this machine trains, writes, scores, reads and counts."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkloom.cli.options import Json
from inkloom.cli.terminal import messages, print_json, results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inkloom.experiments.bench import Line

BUILT_IN = "python-docs"
"""The text where none is given: every Python brings it."""

ROUNDS = 5


def bench(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="train, generate, evaluate, data or ngram.")],
    corpus: Annotated[
        list[str] | None, typer.Argument(metavar="CORPUS", help="A text as for train; Python's reference if none.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Measurements of each, of which the median is given.")] = ROUNDS,
    json: Json = False,
) -> None:
    """Measure this machine's rates: the median of five rounds, in which what is compared takes turns.

    Examples:

    inkloom bench train

    inkloom bench generate --rounds 3 --json
    """
    from inkloom.corpus import load_corpus
    from inkloom.experiments.bench import BENCHES
    from inkloom.experiments.bench.timing import measured_on

    measure = BENCHES.load(what)
    text = load_corpus(*(corpus or [BUILT_IN]))
    with messages().status(f"Measuring {BENCHES.canonical(what)} on {text.name}"):
        machine, lines = measured_on(), measure(text, rounds)
    if json:
        print_json({"what": BENCHES.canonical(what), "corpus": text.name, "rounds": rounds, **_as_json(machine, lines)})
        return
    _print(machine, lines, f"{text.name}, median of {rounds}")


def _as_json(machine: dict[str, Any], lines: "Sequence[Line]") -> dict[str, Any]:
    return {"machine": machine, "lines": [line.as_json() for line in lines]}


def _print(machine: dict[str, Any], lines: "Sequence[Line]", title: str) -> None:
    from rich.table import Table

    table = Table(title, "unit", box=None, pad_edge=False, header_style="bold")
    for column in ("median", "least", "most"):
        table.add_column(column, justify="right")
    table.add_column("")
    for line in lines:
        cells = (f"{rate:,.0f}" for rate in (line.median, line.least, line.most))
        table.add_row(line.what, line.unit, *cells, line.note)
    results().print(table)
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    rates = ", ".join(f"{rate:,.0f} in {name}" for name, rate in machine["gflops"].items())
    results().print(f"\n{machine['processor']}, {machine['vector_instructions']}; products: {rates} (GFLOP/s)")
    results().print(versions, style="dim")
