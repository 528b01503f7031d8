"""`inkloom train`: from a text to a trained, scored model."""

from typing import Annotated, Any

import typer

from inkloom.cli.options import (
    CORPUS,
    MODEL,
    TEXT,
    CorpusDir,
    Documents,
    Encoding,
    Json,
    LabelColumn,
    Lowercase,
    MinCount,
    SourceSide,
    TargetSide,
    TextColumn,
    VocabSize,
    text_options,
    tokenizer_overrides,
)
from inkloom.cli.terminal import messages, print_json, results
from inkloom.errors import InputError
from inkloom.models import FAMILIES
from inkloom.tokenizers import TOKENIZERS

LENGTH, RUN = "Length of training", "Run"


def train(
    corpus: Annotated[list[str] | None, CORPUS] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", rich_help_panel=MODEL, help=f"One of: {', '.join(FAMILIES)} (see --recipe)."),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(metavar="NAME", rich_help_panel=MODEL, help="A named configuration (auto).")
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(metavar="NAME", rich_help_panel=MODEL, help=f"One of: {', '.join(TOKENIZERS)} (char)."),
    ] = None,
    vocab: Annotated[
        str | None,
        typer.Option(metavar="FILE", rich_help_panel=MODEL, help="Use a vocabulary that `inkloom vocab` wrote."),
    ] = None,
    vocab_size: VocabSize = None,
    min_count: MinCount = None,
    seq_len: Annotated[int | None, typer.Option(rich_help_panel=MODEL, help="Tokens in a training window.")] = None,
    batch_size: Annotated[int | None, typer.Option(rich_help_panel=MODEL, help="Windows in a batch.")] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            metavar="KEY=VALUE",
            rich_help_panel=MODEL,
            help="Any setting by its dotted name, such as model.hidden_size=256; `inkloom train -o help` lists them.",
        ),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(metavar="RUN", rich_help_panel=MODEL, help="Start from this run's weights and tokenizer."),
    ] = None,
    of: Annotated[
        str | None, typer.Option(metavar="RUN,RUN", rich_help_panel=MODEL, help="Mix these runs: --model mixture.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="TIME", rich_help_panel=LENGTH, help="Wall time, such as 80s or 5m.")
    ] = None,
    steps: Annotated[int | None, typer.Option(rich_help_panel=LENGTH, help="Optimiser steps.")] = None,
    epochs: Annotated[float | None, typer.Option(rich_help_panel=LENGTH, help="Times the text is read.")] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENTS",
            rich_help_panel=TEXT,
            help="Train, val and test, 90,5,5; or train and val. random-windows leaks on purpose, as tutorials do.",
        ),
    ] = None,
    documents: Documents = None,
    text_column: TextColumn = None,
    encoding: Encoding = None,
    label_column: LabelColumn = None,
    control: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            rich_help_panel=TEXT,
            help="A field of each text that the model is told, such as label; `generate --control VALUE` asks for it.",
        ),
    ] = None,
    source: SourceSide = None,
    target: TargetSide = None,
    lowercase: Lowercase = False,
    corpus_dir: CorpusDir = None,
    seed: Annotated[int | None, typer.Option(rich_help_panel=RUN, help="Of weights, batches and samples.")] = None,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", rich_help_panel=RUN, help="The run's folder; runs/CORPUS-MODEL.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel=RUN, help="Replace the run in --out.")
    ] = False,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", rich_help_panel=RUN, help="Go on with an interrupted run.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="NAME", rich_help_panel=RUN, help="auto (measured), cpu, cuda or mps.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(metavar="NAME", rich_help_panel=RUN, help="auto (measured), float32 or bfloat16.")
    ] = None,
    json: Json = False,
) -> None:
    """Train a model on a text and score it on text it has not seen.

    Examples:

    inkloom train my.txt

    inkloom train shakespeare --model transformer --budget 5m

    cat notes/*.md | inkloom train - --epochs 20

    inkloom train names/ --control label

    inkloom train reviews.csv --model classifier --label-column sentiment

    inkloom train --model seq2seq --source my.de --target my.en

    inkloom train --resume runs/my-lstm
    """
    from inkloom import api

    if override == ["help"]:
        _print_settings(model or "lstm", tokenizer or "char")
        return
    given: dict[str, Any] = {
        "model": model,
        "recipe": recipe,
        "tokenizer": tokenizer,
        "vocab": vocab,
        "budget": budget,
        "steps": steps,
        "epochs": epochs,
        "split": split,
        "seed": seed,
        "init": init,
        "of": tuple(name.strip() for name in of.split(",")) if of else None,
        "out": out,
        "seq_len": seq_len,
        "batch_size": batch_size,
        "control": control,
        "device": device,
        "precision": precision,
    }
    given = {name: value for name, value in given.items() if value is not None}
    sides = {"source_name": source, "target_name": target, "lowercase": lowercase or None}
    pairs = {name: value for name, value in sides.items() if value is not None}
    if control is not None and label_column is not None:
        raise InputError("--control and --label-column were both given; each names a column. Leave one out.")
    labels = {} if label_column is None else {"label_column": label_column}
    overrides = [*(override or ()), *tokenizer_overrides(vocab_size, min_count)]
    if resume is not None:
        if corpus or pairs or labels or overrides or overwrite or given:
            extra = "a CORPUS" if corpus or pairs or labels else f"--{next(iter(given), 'overwrite').replace('_', '-')}"
            raise InputError(
                f"--resume goes on with a run's own settings; {extra} cannot be given beside it. "
                f"To train on from its weights with others: --init {resume}."
            )
        run = api.resume(resume, console=messages())
    else:
        run = api.train(
            corpus,
            corpus_options={**text_options(encoding, documents, text_column, corpus_dir), **pairs, **labels},
            overrides=overrides,
            overwrite=overwrite,
            console=messages(),
            **given,
        )
    summary = run.summary()
    if json:
        print_json(summary)
        return
    from inkloom.cli.tables import print_summary

    print_summary(results(), run.verb, summary)


def _print_settings(model: str, tokenizer: str) -> None:
    """Every field that `-o` can change, with its default and what it does."""
    from inkloom.cli.tables import print_settings
    from inkloom.models import MODELS
    from inkloom.runs.directory import SplitConfig
    from inkloom.tokenizers import TOKENIZERS
    from inkloom.training.config import TrainingConfig

    family = MODELS.load(model)
    print_settings(
        results(),
        {
            "model": (f"{MODELS.canonical(model)}", family.Config.help_lines()),
            "training": (
                f"{MODELS.canonical(model)}",
                [
                    (name, str(family.training_defaults.get(name, default)), text)
                    for name, default, text in TrainingConfig.help_lines()
                ],
            ),
            "tokenizer": (TOKENIZERS.canonical(tokenizer), TOKENIZERS.load(tokenizer).Config.help_lines()),
            "split": ("", SplitConfig.help_lines()),
        },
    )
