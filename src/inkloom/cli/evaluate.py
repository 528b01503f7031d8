"""`inkloom evaluate`: the score of a run, by the protocol."""

from typing import Annotated

import typer

from inkloom.cli.options import Json, RunName
from inkloom.cli.terminal import print_json, results


def evaluate(
    run: RunName,
    split: Annotated[
        str | None, typer.Option(metavar="NAME", help="val or test; test where the run has one, else val.")
    ] = None,
    corpus: Annotated[
        str | None, typer.Option(metavar="CORPUS", help="Another text to score, whole unless --split names a part.")
    ] = None,
    json: Json = False,
) -> None:
    """Score every token of a split exactly once, in float32.

    Bits per character compare models with different tokenizers. Perplexity and nats per token are closed-vocabulary.
    """
    from inkloom import api

    scores = api.load_run(run).evaluate(split, corpus).as_json()
    if json:
        print_json(scores)
        return
    from rich.table import Table

    from inkloom.cli.tables import score_row

    names = ("split", "characters", "nats/token", "perplexity", "nats/char", "bits/char", "bits/byte")
    table = Table(*names, box=None, pad_edge=False, header_style="bold")
    table.add_row(*score_row(scores))
    results().print(table)
    if scores["unknown_tokens"]:
        results().print(
            f"{scores['unknown_tokens']:,} tokens are not in the vocabulary; spelling them is "
            f"{scores['charge_share']:.1%} of the score per character."
        )
