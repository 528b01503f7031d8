"""`inkloom demo`: the main path, once, on Shakespeare."""

from typing import Annotated

import typer

from inkloom.cli.options import Json
from inkloom.cli.terminal import messages, print_json, results
from inkloom.corpus.base import FetchError

CORPUS, FALLBACK = "shakespeare", "python-docs"


def demo(
    budget: Annotated[str, typer.Option(metavar="TIME", help="How long to train.")] = "60s",
    json: Json = False,
) -> None:
    """Train an LSTM on Shakespeare's plays for a minute, then print its score and a sample."""
    from inkloom import api

    console = messages()
    try:
        corpus = api.load_corpus(CORPUS)
    except FetchError as error:
        console.print(f"{error}\nThe demo goes on with {FALLBACK}, which needs no network.", markup=False)
        corpus = api.load_corpus(FALLBACK)
    console.print(f"Training an LSTM on {corpus.name} for {budget}; later, try: inkloom train my.txt")
    run = api.train(corpus, model="lstm", budget=budget, console=console)
    summary = run.summary()
    (sample,) = run.generate(max_tokens=500, temperature=0.8, seed=1)
    if json:
        print_json({**summary, "sample": sample.text})
        return
    from inkloom.cli.tables import print_scores

    out = results()
    out.rule("A sample at temperature 0.8", align="left")
    out.print(sample.text.strip(), markup=False, highlight=False)
    out.rule("Scores", align="left")
    print_scores(out, summary)
    out.print(f'More:   inkloom generate {summary["run"]} --prompt "…"', markup=False, soft_wrap=True)
