"""`inkloom demo`: the main path, once, on Shakespeare; or an experiment that answers one question."""

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inkloom.cli.options import Json
from inkloom.cli.terminal import messages, print_json, results
from inkloom.corpus.base import Corpus, FetchError
from inkloom.errors import unknown_name

if TYPE_CHECKING:
    from rich.console import Console

CORPUS, FALLBACK = "shakespeare", "python-docs"

MASK_CORPUS = "tinyshakespeare"
MASK_OUT = Path("runs") / "demo-mask"
PATTERNS_OUT = Path("runs") / "demo-patterns"


def demo(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]", help="shakespeare; mask: why is the attention map masked? patterns: two drawings."
        ),
    ] = "shakespeare",
    budget: Annotated[str, typer.Option(metavar="TIME", help="How long to train each model.")] = "60s",
    json: Json = False,
) -> None:
    """Train an LSTM on Shakespeare's plays for a minute, then print its score and a sample.

    `inkloom demo mask` trains a Transformer with and one without the causal mask, and writes a page on what becomes of
    them. `inkloom demo patterns` draws the four patterns of recurrent networks, and HELLO step by step.
    """
    if name not in DEMOS:
        raise unknown_name("demo", name, DEMOS)
    DEMOS[name](budget, json)


def _shakespeare(budget: str, json: bool) -> None:
    from inkloom import api

    console = messages()
    corpus = _text(CORPUS, console)
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


def _mask(budget: str, json: bool) -> None:
    from inkloom.corpus.loading import corpus_folder
    from inkloom.corpus.named import CORPORA
    from inkloom.training.plan import parse_budget

    seconds = parse_budget(budget)
    console = messages()
    at_hand = CORPORA.load(MASK_CORPUS).find(corpus_folder(None)) is not None
    corpus = _text(MASK_CORPUS if at_hand else CORPUS, console)
    console.print(f"Training two Transformers on {corpus.name} for {budget} each, with and without the causal mask")
    from inkloom.experiments.mask_ablation import NUMBERS, mask_ablation

    # A folder for each text and length, so that a second call with the same ones finds its runs.
    out_folder = MASK_OUT / f"{corpus.name}-{seconds:g}s"
    report = mask_ablation(corpus, out_folder, budget=seconds, console=console)
    numbers = json_module.loads((out_folder / NUMBERS).read_text(encoding="utf-8"))
    if json:
        print_json({**numbers, "report": str(report)})
        return
    out = results()
    for twin in ("masked", "unmasked"):
        losses = numbers[twin]
        out.print(
            f"{twin:<9} training loss {losses['training_loss']:.4f}, on val {losses['val_at_end']:.4f} nats per token"
        )
    out.print(f"Report:  {report}", markup=False, soft_wrap=True)


def _patterns(budget: str, json: bool) -> None:
    from inkloom.explain.patterns import draw_hello, draw_patterns
    from inkloom.files import write_text

    del budget  # nothing is trained
    files = {"patterns": PATTERNS_OUT / "patterns.svg", "hello": PATTERNS_OUT / "hello.svg"}
    for name, draw in (("patterns", draw_patterns), ("hello", draw_hello)):
        write_text(files[name], draw())
    if json:
        print_json({name: str(file) for name, file in files.items()})
        return
    for file in files.values():
        results().print(f"Drawn: {file}", markup=False)


DEMOS = {"shakespeare": _shakespeare, "mask": _mask, "patterns": _patterns}


def _text(name: str, console: "Console") -> Corpus:
    """A named text, or FALLBACK where it cannot be fetched."""
    from inkloom import api

    try:
        return api.load_corpus(name)
    except FetchError as error:
        console.print(f"{error}\nThe demo goes on with {FALLBACK}, which needs no network.", markup=False)
        return api.load_corpus(FALLBACK)
