"""The Python API: `load_corpus`, `train`, `load_run`, `compare` and `Run`. The command line calls the same functions.

>>> import inkloom
>>> run = inkloom.train("my.txt", model="lstm", budget="5m")        # doctest: +SKIP
>>> run.evaluate().bits_per_char                                    # doctest: +SKIP
>>> print(run.generate("Once upon", max_tokens=300)[0].text)        # doctest: +SKIP
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkloom.config import build
from inkloom.corpus import load_corpus, split_corpus
from inkloom.corpus.base import Corpus
from inkloom.errors import InputError
from inkloom.files import write_json
from inkloom.models import FAMILIES, MODELS
from inkloom.runs.directory import RunDirectory, beginning, find_run, remove
from inkloom.runs.parts import corpus_of
from inkloom.threads import share_cores
from inkloom.tokenizers.vocabulary import read_vocabulary
from inkloom.training.config import TrainingConfig
from inkloom.training.plan import parse_budget, plan

if TYPE_CHECKING:
    from rich.console import Console

    from inkloom.experiments.comparison.judged import WriterComparison
    from inkloom.experiments.comparison.results import Comparison
    from inkloom.runs.directory import RunConfig
    from inkloom.runs.run import Run, RunT

log = logging.getLogger("inkloom")

__all__ = ["Run", "compare", "load_corpus", "load_run", "train"]

LEAGUE = ("ngram", "lstm", "transformer", "mixture")
"""What `compare` compares where no models are named."""

LEAGUE_BUDGET = "60s"

AUTO = "auto"
"""The recipe that is made for each training."""

NO_DETAILS = {"device", "precision", "seed", "samples", "tensorboard"}
"""Settings of a training that leave the choice of what to train open."""


def train(
    corpus: str | Path | Corpus | Sequence[str | Path] | None = None,
    *,
    model: str | None = None,
    recipe: str | None = None,
    tokenizer: str | None = None,
    vocab: str | Path | None = None,
    budget: str | float | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    split: str | None = None,
    seed: int | None = None,
    init: str | None = None,
    of: Sequence[str] = (),
    control: str | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    overrides: Sequence[str] = (),
    corpus_options: Mapping[str, Any] | None = None,
    console: "Console | None" = None,
    **training: Any,
) -> "Run":
    """Train a model and score it; returns the finished run.

    corpus: a file, a folder, several of them, a named corpus, or what `load_corpus` returned; a recipe may bring one.
    corpus_options: further arguments of `load_corpus`, for a corpus that is named.
    model: a family. Where neither it nor a recipe nor any setting of a model or a training is given, the recipe `auto`
        chooses by the text, the length and a measurement of two seconds; `lstm` where settings are given alone.
    vocab: a vocabulary that `inkloom vocab` wrote, or a run's tokenizer.json, in place of a new one.
    budget: wall time, in seconds or as `80s` or `5m`; or `steps`, or `epochs`.
    split: percents of train, val and test, `90,5,5` where none is given; `90,10` has no test.
    of: the runs that a mixture is made of; they bring text, split and tokenizer.
    control: a field of each text, such as its label or author, that the model is told before it.
    overrides: `section.field=value` as after `-o`; `training`: fields of TrainingConfig such as `batch_size`.
    out: the run's folder, `runs/CORPUS-MODEL` where none is given; refused if it holds a run, unless `overwrite`.

    Raises InputError for settings that are not accepted, before any work.
    """
    share_cores()
    details = training.keys() - NO_DETAILS
    if recipe is None and not (model or tokenizer or vocab or init or of or details or any(overrides)):
        recipe = AUTO
    chosen: Mapping[str, Any] = {}
    if recipe is not None:
        from inkloom.recipes import RECIPES, load_recipe

        chosen, recipe = load_recipe(recipe), RECIPES.canonical(recipe)
    lengths = {"budget": parse_budget(str(budget)) if budget is not None else None, "steps": steps, "epochs": epochs}
    given = {name: value for name, value in {**lengths, "seed": seed, **training}.items() if value is not None}
    if of and not corpus:
        text = corpus_of(find_run(of[0]))
    else:
        family = _family(model, chosen, init)
        options = {**(corpus_options or {}), **_control_options(family, control)}
        text = _corpus(corpus, chosen.get("corpus", {}), _with_reader(family, chosen.get("corpus", {}), options))
    wanted: dict[str, Any] = {
        "model": model,
        "tokenizer": tokenizer,
        "recipe_name": recipe,
        "split": split,
        "init": init,
        "of": of,
        "overrides": overrides,
        "out": out,
        "overwrite": overwrite,
    }
    if vocab is not None:
        wanted |= _vocabulary_options(vocab, tokenizer, init, of, overrides)
    directory, config = plan(text, recipe=chosen, training=given, **wanted)
    if recipe == AUTO and model is None:
        chosen = _chosen_for(text, config, lengths)
        given = {name: value for name, value in given.items() if name != "budget"}  # less what measuring has taken
        directory, config = plan(text, recipe=chosen, training=given, **wanted)
    with beginning(directory, config):
        from inkloom.training.tasks import task_of

        directory.write_config(task_of(config).resolve(config, text))
        if vocab is not None:
            write_json(directory.tokenizer_file, read_vocabulary(vocab).to_json())
    try:
        return _fit_and_report(directory, text, console)
    except InputError:
        if not directory.tokenizer_file.exists():  # the text has no word for the tokenizer: nothing was begun
            remove(directory)
        raise


def _vocabulary_options(
    vocab: str | Path, tokenizer: str | None, init: str | None, of: Sequence[str], overrides: Sequence[str]
) -> dict[str, Any]:
    """What a vocabulary's file says of the tokenizer, as `plan` takes it. InputError beside what says otherwise."""
    options = [item for item in overrides if item.replace("-", "_").startswith("tokenizer.")]
    others = {"--tokenizer": tokenizer, "--init": init, "--of": of, "-o tokenizer": options}
    for option, given in others.items():
        if given:
            raise InputError(f"{option} cannot be given beside --vocab: {vocab} brings its own tokenizer. Drop one.")
    found = read_vocabulary(vocab)
    fields = found.config.model_dump(mode="json").items()
    return {
        "tokenizer": found.name,
        "overrides": [*overrides, *(f"tokenizer.{name}={value}" for name, value in fields)],
    }


def _chosen_for(text: Corpus, config: "RunConfig", lengths: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the recipe `auto` makes of a text and a length, which it announces."""
    from inkloom.recipes.auto import Length, choose
    from inkloom.training.throughput import lstm_rate

    settings = build(TrainingConfig, config.training, "training")
    train = split_corpus(text, config.split.shares, config.split.seed)["train"]
    choice = choose(train.chars, Length(**lengths), lambda: lstm_rate(settings))
    log.info(f"auto: {choice.said}.")
    return choice.recipe


def resume(name: str | Path, console: "Console | None" = None) -> "Run":
    """Go on with a training that was interrupted; a finished run is returned as it is.

    Raises InputError where there is no such run or its text has changed.
    """
    share_cores()
    directory = find_run(str(name))
    if directory.finished:
        return load_run(directory.path)
    return _fit_and_report(directory, corpus_of(directory), console)


def load_run(name: str | Path) -> "Run":
    """Open a run by its folder, or by its name below `runs/`. Raises InputError where there is none."""
    share_cores()
    from inkloom.runs.run import load_run

    return load_run(name)


def load_run_for(name: str | Path, verb: str, kind: "type[RunT]") -> "RunT":
    """Open a run of one kind for its verb. Raises InputError for another."""
    share_cores()
    from inkloom.runs.run import load_run_for

    return load_run_for(name, verb, kind)


def load_language_model(name: str | Path, verb: str) -> "Run":
    """Open a run for a verb that continues texts. Raises InputError for a run with another task."""
    share_cores()
    from inkloom.runs.run import load_language_model

    return load_language_model(name, verb)


def compare(
    corpus: str | Path | Corpus | Sequence[str | Path],
    models: str | Sequence[str] | None = None,
    *,
    recipe: str | None = None,
    seq_lens: str | Sequence[int] | None = None,
    budget: str | float | None = None,
    tokens: int | None = None,
    epochs: float | None = None,
    parameters: int | None = None,
    seeds: int = 3,
    tokenizers: str | Sequence[str] | None = None,
    split: str | None = None,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    corpus_options: Mapping[str, Any] | None = None,
    console: "Console | None" = None,
) -> "Comparison | WriterComparison":
    """Train models on one text under one condition; returns their league table, best first, with intervals.

    A `gan` has no likelihood: where one is compared, all models are writers of sentences, and the verdict on these is
    returned. The same generator by likelihood alone is always among them.

    corpus: a file, a folder, several of them, a named corpus, or what `load_corpus` returned.
    corpus_options: further arguments of `load_corpus`, for a corpus that is named.
    models: families, in a list or separated by commas. A `mixture` is made of the others, inside its own budget.
        `gan_from_scratch` is a GAN without its recipe's likelihood.
    recipe: a named configuration, for the one of the models that it is for.
    seq_lens: lengths of the training windows, each of which every model is trained with.
    budget: wall time of each training, in seconds or as `80s` or `5m`, 60 s where no length is given; or `tokens` that
        each reads, or `epochs`. Of several lengths, each makes a table of its own.
    parameters: the size of each model, within 5 %; hidden sizes are chosen to match it.
    seeds: runs of each model.
    tokenizers: in a list or separated by commas; each model is trained with each, `char` where none is named.
    split: percents of train, val and test, `90,5,5` where none is given.
    overrides: `section.field=value` as after `-o`; the section may be the name of a model or of a tokenizer.
    out: the comparison's folder, `comparisons/CORPUS` where none is given. Runs in it with the same settings are
        reused, and an interrupted comparison goes on.

    Raises InputError for what is not accepted, before any work.
    """
    share_cores()
    from rich.console import Console

    from inkloom.experiments.comparison.compare import compare as run_comparison
    from inkloom.experiments.comparison.request import Length, Request, numbers
    from inkloom.recipes import load_recipe

    if budget is None and tokens is None and epochs is None:
        budget = LEAGUE_BUDGET
    lengths = [Length("seconds", parse_budget(str(budget)))] if budget is not None else []
    lengths += [Length("tokens", tokens)] if tokens is not None else []
    lengths += [Length("epochs", epochs)] if epochs is not None else []
    names = models.split(",") if isinstance(models, str) else models
    request = Request(
        models=tuple(LEAGUE if names is None else names),
        lengths=tuple(lengths),
        recipe=recipe,
        seq_lens=numbers(seq_lens) if isinstance(seq_lens, str) else tuple(seq_lens or ()),
        parameters=parameters,
        seeds=seeds,
        tokenizers=tuple((tokenizers.split(",") if isinstance(tokenizers, str) else tokenizers) or ()),
        split=split,
        overrides=tuple(overrides),
    )
    text = _corpus(corpus, load_recipe(recipe).get("corpus", {}) if recipe else {}, corpus_options or {})
    folder = Path(out) if out is not None else Path("comparisons") / text.name
    return run_comparison(text, request, folder, console or Console(quiet=True))


def _corpus(
    corpus: str | Path | Corpus | Sequence[str | Path] | None, recipe: Mapping[str, Any], options: Mapping[str, Any]
) -> Corpus:
    if isinstance(corpus, Corpus):
        return corpus
    # A recipe that brings no text of its own says how that of the user is read.
    fields = {**recipe, **options} if "sources" not in recipe or not corpus else dict(options)
    if corpus:
        return load_corpus(*([corpus] if isinstance(corpus, str | Path) else corpus), **fields)
    if "sources" in fields:
        return load_corpus(*fields.pop("sources"), **fields)
    sides = {"source_name", "target_name"} & options.keys()
    if len(sides) == 1:
        raise InputError(
            "--source FILE and --target FILE go together: give both, or a folder or table that holds pairs."
        )
    if sides:  # without a folder or a table, they are files
        files = [fields.pop(name) for name in ("source_name", "target_name")]
        return load_corpus(*files, **fields)
    raise InputError("No text was given. Give a file, a folder, - for standard input, or a name of `corpora list`.")


def _family(model: str | None, recipe: Mapping[str, Any], init: str | None) -> str:
    """What is trained: what the run is whose weights are the start, else what was named."""
    if init is not None:
        return str(find_run(init).read_config().model["name"])
    return str(model or recipe.get("model", {}).get("name", "lstm"))


def _with_reader(model: str, recipe: Mapping[str, Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """How the family reads its corpora, where neither the recipe nor the options say another way."""
    return {"reader": recipe.get("reader", FAMILIES[MODELS.canonical(model)].reader), **options}


def _control_options(model: str, control: str | None) -> Mapping[str, Any]:
    """How a corpus is read whose texts are told to the model with a field of theirs."""
    if control is None:
        return {}
    name = MODELS.canonical(model)
    if FAMILIES[name].task != "text":
        raise InputError(
            f"--control is for models that continue texts, and {name} is none. A classifier takes --label-column."
        )
    return {"reader": "labelled", "label_column": control}


def _fit_and_report(directory: RunDirectory, corpus: Corpus, console: "Console | None") -> "Run":
    from rich.console import Console

    from inkloom.experiments.reports import write_report_of
    from inkloom.training.tasks import task_of

    task_of(directory.read_config()).fit(directory, corpus, console or Console(quiet=True))
    run = load_run(directory.path)
    write_report_of(run)
    return run


def __getattr__(name: str) -> Any:
    if name == "Run":
        from inkloom.runs.run import Run

        return Run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
