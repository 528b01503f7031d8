"""`inkloom evaluate`: the score of a run, by the protocol."""

from typing import TYPE_CHECKING, Annotated

import typer

from inkloom.cli.options import Json, RunName
from inkloom.cli.terminal import messages, print_json, results
from inkloom.errors import InputError

if TYPE_CHECKING:
    from inkloom.runs.run import Run


def evaluate(
    run: RunName,
    split: Annotated[
        str | None, typer.Option(metavar="NAME", help="val or test; test where the run has one, else val.")
    ] = None,
    corpus: Annotated[
        str | None, typer.Option(metavar="CORPUS", help="Another text to score, whole unless --split names a part.")
    ] = None,
    temperatures: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Measure what it writes at these temperatures instead, such as 0,0.5,0.8,1."),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="What bfloat16 or int8 weights of `generate --weights` cost, beside float32."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Score every token of a split exactly once, in float32; or measure the text that a run writes.

    Bits per character compare models with different tokenizers. Perplexity and nats per token are closed-vocabulary.
    """
    from inkloom import api

    if temperatures is not None:
        if split is not None or corpus is not None:
            raise InputError("--temperatures measures text that the run writes; leave --split and --corpus out.")
        _measure_text(api.load_language_model(run, "evaluate --temperatures"), _numbers(temperatures), json)
        return
    if weights is not None:
        _compare_weights(api.load_language_model(run, "evaluate --weights"), split, corpus, weights, json)
        return
    opened = api.load_run(run)
    scores = opened.evaluate(split, corpus, console=messages()).as_json()
    if json:
        print_json(scores)
        return
    from inkloom.cli.tables import print_evaluation

    print_evaluation(results(), opened.verb, scores)


def _compare_weights(run: "Run", split: str | None, corpus: str | None, weights: str, json: bool) -> None:
    """The score with coarser weights, and with float32 ones."""
    from rich.table import Table

    from inkloom.cli.tables import score_row
    from inkloom.errors import unknown_name
    from inkloom.models.packed_linear import rounded

    if weights not in ("bfloat16", "int8"):
        raise unknown_name("kind of coarser weights", weights, ("bfloat16", "int8"))
    exact = run.evaluate(split, corpus, console=messages()).as_json()
    run.model = rounded(run.model, "int8" if weights == "int8" else "bfloat16")
    scores = run.evaluate(split, corpus, console=messages()).as_json()
    lost = scores["bits_per_char"] - exact["bits_per_char"]
    if json:
        print_json({**scores, "weights": weights, "bits_per_char_lost": lost})
        return
    names = ("weights", "split", "characters", "nats/token", "perplexity", "nats/char", "bits/char", "bits/byte")
    table = Table(*names, box=None, pad_edge=False, header_style="bold")
    table.add_row("float32", *score_row(exact))
    table.add_row(weights, *score_row(scores))
    results().print(table)
    results().print(f"\n{weights} weights cost {lost:+.5f} bits per character.")


def _measure_text(run: "Run", temperatures: list[float], json: bool) -> None:
    from inkloom.experiments.temperature import temperature_curve

    curve = temperature_curve(run, temperatures)
    if json:
        print_json(curve.as_json())
        return
    from rich.table import Table

    from inkloom.cli.tables import text_row

    table = Table("temperature", box=None, pad_edge=False, header_style="bold")
    for title in ("BLEU", "self-BLEU", "loops", "repeated 4s", "distinct 2s", "known words", "longest copy"):
        table.add_column(title, justify="right")
    for point in curve.points:
        name = "greedy" if point.temperature == 0 else f"{point.temperature:g}"
        table.add_row(name, *text_row(point.text.samples, point.text.bleu, point.copies))
    held_out = curve.points[0].text.held_out
    table.add_row("held-out text", *text_row(held_out, held_out.self_bleu, curve.held_out_copies))
    results().print(table)
    results().print(
        f"\nMeans over {held_out.texts} texts. BLEU against held-out text is the quality, self-BLEU the sameness. "
        "The nearer a row is to that of held-out text, the more the model writes like it."
    )


def _numbers(temperatures: str) -> list[float]:
    try:
        return [float(number) for number in temperatures.split(",")]
    except ValueError as error:
        raise InputError(
            f"--temperatures got {temperatures!r}; it takes numbers with commas between them, such as 0,0.5,0.8,1."
        ) from error
