"""What a user asks for, checked and turned into a run's config before anything heavy is imported."""

import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inkloom.config import build, parse_overrides
from inkloom.corpus import split_corpus
from inkloom.corpus.base import Corpus
from inkloom.errors import InputError
from inkloom.models import FAMILIES, MODELS
from inkloom.runs.directory import RunConfig, RunDirectory, SplitConfig, check_out, default_out, find_run
from inkloom.tokenizers import TOKENIZERS
from inkloom.training.config import TrainingConfig

HELD_BACK = 2.0
"""Per cent of train for the weights of a mixture: a few numbers, for which 20,000 characters are plenty."""

SECTIONS = ("model", "training", "tokenizer", "tokenizer_source", "split")


def plan(
    corpus: Corpus,
    *,
    model: str | None = None,
    tokenizer: str | None = None,
    recipe: Mapping[str, Mapping[str, Any]] | None = None,
    recipe_name: str | None = None,
    training: Mapping[str, Any] | None = None,
    split: str | None = None,
    init: str | None = None,
    of: Sequence[str] = (),
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    overwrite: bool = False,
) -> tuple[RunDirectory, RunConfig]:
    """Check a training's settings; returns where the run will lie and its config. Writes nothing.

    recipe: sections with their differences from the defaults; `model`, `tokenizer`, `training` and `overrides`
        go before it.
    Raises InputError for names, fields and values that are not accepted, and for an `out` that cannot be written to.
    """
    fields = parse_overrides(overrides, SECTIONS)
    origin = find_run(of[0]).read_config() if of else None
    if of:
        _check_of(of, model, tokenizer, split, init, fields)
        _check_mixable([find_run(run) for run in of])
        model = "mixture"
    sections = {name: {**(recipe or {}).get(name, {}), **fields[name]} for name in SECTIONS}
    if model is not None and MODELS.canonical(model) != sections["model"].get("name"):
        # Another family than the recipe's has other fields and wants other settings.
        sections["model"] = {"name": MODELS.canonical(model), **fields["model"]}
    sections["model"] = {"name": "lstm", **sections["model"]}
    if tokenizer is not None:
        sections["tokenizer"] = {"name": TOKENIZERS.canonical(tokenizer), **fields["tokenizer"]}
    family = FAMILIES[MODELS.canonical(sections["model"]["name"])]
    sections["tokenizer"] = {"name": family.tokenizer, **sections["tokenizer"]}
    if sections["tokenizer_source"]:
        if family.task != "translation":
            raise InputError("-o tokenizer_source is for models with a source, such as seq2seq. Leave it out.")
        sections["tokenizer_source"] = {"name": sections["tokenizer"]["name"], **sections["tokenizer_source"]}
    sections["training"] = _one_length({**sections["training"], **(training or {})}, training or {})
    settings = build(TrainingConfig, sections["training"], "training")
    if init is not None:
        _check_init(init, model, tokenizer, fields)
    if split is not None:
        sections["split"]["shares"] = split
    if origin is not None:
        sections["tokenizer"] = origin.tokenizer
        sections["split"] = origin.split.model_dump()
    elif sections["model"]["name"] == "mixture":
        sections["split"] = _held_back_for_weights(corpus, sections["split"])
    cut = build(SplitConfig, sections["split"], "split")
    parts = split_corpus(corpus, cut.shares, cut.seed)  # raises where the corpus cannot be cut so
    if of and not (cut.held_back or "test" in parts or sections["model"].get("weights")):
        raise InputError(
            "The runs have no test split and held nothing back, so no text is left to learn weights from. Train them "
            "with three shares, such as --split 90,5,5, or with -o split.held_back=2, or fix -o model.weights=0.6,0.4."
        )
    folder = Path(out) if out is not None else default_out(f"{corpus.name}-{sections['model']['name']}")
    if any(Path(source).resolve() == folder.resolve() for source in corpus.config.sources):
        raise InputError(
            f"--out got {folder}, which is what the text is called: a path wins over a name, so the run could not find "
            "its text again. Give another --out."
        )
    config = RunConfig(
        name=corpus.name,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        corpus=corpus.config,
        corpus_sha256=corpus.sha256,
        documents=sum(len(part.texts) for part in (corpus.whole, *corpus.own_splits.values()) if part.documents),
        split=cut,
        tokenizer=sections["tokenizer"],
        tokenizer_source=sections["tokenizer_source"] or None,
        model=sections["model"],
        training={name: getattr(settings, name) for name in sections["training"]},
        recipe=recipe_name,
        init=None if init is None else str(find_run(init).path),
        of=tuple(str(find_run(run).path) for run in of),
    )
    return check_out(folder, overwrite=overwrite), config


def parse_budget(text: str) -> float:
    """`80s`, `5m`, `1.5h` or a number of seconds, as seconds. InputError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h)?", text.strip().lower())
    seconds = float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"] if match else 0.0
    if seconds <= 0:
        raise InputError(f"--budget got {text!r}; it takes seconds, minutes or hours above 0, such as 80s, 5m or 1.5h.")
    return seconds


def _one_length(training: dict[str, Any], explicit: Mapping[str, Any]) -> dict[str, Any]:
    """A length given outright replaces the recipe's, whichever of the three it is."""
    lengths = {"budget", "steps", "epochs"}
    if lengths & explicit.keys():
        return {name: value for name, value in training.items() if name not in lengths or name in explicit}
    return training


def _held_back_for_weights(corpus: Corpus, split: Mapping[str, Any]) -> dict[str, Any]:
    """Where no test split leaves val for the weights of a mixture, some of train is kept for them."""
    shares = build(SplitConfig, split, "split").shares
    has_test = "test" in split_corpus(corpus, shares)
    return {**split} if has_test or "held_back" in split else {**split, "held_back": HELD_BACK}


def _check_of(
    of: Sequence[str],
    model: str | None,
    tokenizer: str | None,
    split: str | None,
    init: str | None,
    fields: Mapping[str, Mapping[str, Any]],
) -> None:
    """A mixture of runs is made of at least two, and reads what they read."""
    if len(of) < 2:
        raise InputError(f"--of got one run, {of[0]}; a mixture has at least two, such as --of RUN,RUN.")
    if model is not None and MODELS.canonical(model) != "mixture":
        raise InputError(f"--of makes a mixture; --model {model} cannot be given beside it. Drop one.")
    given = {"--tokenizer": tokenizer, "--split": split, "--init": init}
    given |= {f"-o {name}.{field}": value for name in ("tokenizer", "split") for field, value in fields[name].items()}
    given |= {"-o model.parts": fields["model"].get("parts")}
    for option, value in given.items():
        if value is not None:
            raise InputError(f"{option} cannot be given beside --of: the runs bring their own. Drop one.")


def _check_mixable(runs: Sequence[RunDirectory]) -> None:
    """Runs can be mixed that read the same tokens of the same text, cut alike. InputError names what differs."""
    first, own = runs[0], runs[0].read_config()
    for run in runs[1:]:
        config = run.read_config()
        for what, same in (
            ("text", config.corpus_sha256 == own.corpus_sha256),
            ("split", config.split == own.split),
            ("tokenizer", run.read_json(run.tokenizer_file) == first.read_json(first.tokenizer_file)),
        ):
            if not same:
                raise InputError(
                    f"{run.path} has another {what} than {first.path}; only runs with the same can be mixed. "
                    "Train them on one text with the same --split and --tokenizer."
                )


def _check_init(init: str, model: str | None, tokenizer: str | None, fields: Mapping[str, Mapping[str, Any]]) -> None:
    """A run that starts from another's weights has its shape and its vocabulary."""
    find_run(init)
    for option, given in (("--model", model), ("--tokenizer", tokenizer)):
        if given is not None:
            raise InputError(f"{option} {given} cannot be combined with --init: {init} brings its own. Leave one out.")
    for section in ("model", "tokenizer"):
        if fields[section]:
            field = next(iter(fields[section]))
            raise InputError(f"-o {section}.{field} cannot be combined with --init: {init} brings its own. Drop one.")
