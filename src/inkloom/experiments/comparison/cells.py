"""What a comparison trains: one run for every model, window, length of training and seed, planned before any work.

A planned run that is there already, finished or interrupted, is taken as it is: its settings count, not its name.
"""

import contextlib
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inkloom.config import build
from inkloom.corpus.base import Corpus
from inkloom.corpus.splits import is_random_windows
from inkloom.errors import InputError
from inkloom.experiments.comparison.contestants import family_of, has_window, is_counted, is_mixture
from inkloom.experiments.comparison.overrides import as_items, overrides_of, recipe_for
from inkloom.experiments.comparison.request import Length, Request
from inkloom.experiments.comparison.sizes import sized
from inkloom.files import write_json
from inkloom.models import LANGUAGE_MODELS, MODELS
from inkloom.runs.directory import RunConfig, RunDirectory, list_runs
from inkloom.runs.parts import cut
from inkloom.runs.run import without_name
from inkloom.tokenizers import fit_tokenizer
from inkloom.training.config import TrainingConfig
from inkloom.training.machine import Machine, choose
from inkloom.training.plan import plan
from inkloom.training.tasks import task_of


@dataclass(frozen=True)
class Cell:
    """One training: its resolved settings, and where it lies or will lie."""

    model: str
    config: RunConfig
    directory: RunDirectory

    @property
    def name(self) -> str:
        return self.directory.path.name

    @property
    def seed(self) -> int:
        return int(self.config.training["seed"])

    @property
    def record(self) -> Path:
        """A file beside the runs: the settings that the run was asked for, and what was measured about its training."""
        return _record_of(self.directory)

    @property
    def budget(self) -> float | None:
        """Seconds of wall time, where these are its length; a counted family ends as soon as it has counted."""
        budget: float | None = None if is_counted(self.model) else self.config.training["budget"]
        return budget


@dataclass(frozen=True, eq=False)
class Entry:
    """A row of a table before it is known: a model with one window and one length, and its cells, one a seed.

    model: its family. contestant: its name for the reader, with its tokenizer where several are compared.
    seq_len: None for a family without windows of its own. A counted family has a single cell: nothing in it is random.
    """

    model: str
    contestant: str
    seq_len: int | None
    length: Length
    cells: tuple[Cell, ...]


def plan_entries(corpus: Corpus, request: Request, folder: Path) -> list[Entry]:
    """Plan the cells of a checked request, with their runs in `folder`. Writes nothing.

    Raises InputError for settings that are not accepted, before anything is trained.
    """
    places = _Places(folder)
    vocab_sizes: dict[str, int] = {}
    entries = []
    for length, name, tokenizer in itertools.product(request.lengths, request.models, request.tokenizers or (None,)):
        model = family_of(name)
        for seq_len in request.seq_lens if request.seq_lens and has_window(model) else (None,):
            config = _config(corpus, request, name, tokenizer, seq_len, length, folder)
            reads = config.tokenizer["name"]
            if request.parameters is not None:
                if reads not in vocab_sizes:
                    vocab_sizes[reads] = _vocab_size(corpus, config)
                config = _resized(config, request.parameters, vocab_sizes[reads])
            contestant = request.contestant(name, reads)
            window = int(config.training["seq_len"]) if has_window(model) else None
            first = int(config.training["seed"])
            seeds = [first] if is_counted(model) else range(first, first + request.seeds)
            cells = [places.cell(model, contestant, _with_training(config, seed=seed), length) for seed in seeds]
            entries.append(Entry(model, contestant, window, length, tuple(cells)))
    return entries


def cells_of(entries: Iterable[Entry]) -> list[Cell]:
    """Every cell once, in the order of training: all models with the first seed, then all with the second, so that a
    machine that grows slower or faster does so for all."""
    by_seed = itertools.chain.from_iterable(itertools.zip_longest(*(entry.cells for entry in entries)))
    return list({cell.directory.path: cell for cell in by_seed if cell is not None}.values())


def begin(cell: Cell, machine: Machine) -> None:
    """Write down a cell's settings, unless that has been done. Device and precision are among them: they are measured
    once for all cells, so that none gets others by a whim of the clock."""
    if cell.directory.config_file.exists():
        return
    write_json(cell.record, {"created": cell.config.created, "asked": _settings_of(cell.config)})
    cell.directory.write_config(_with_training(cell.config, device=machine.device, precision=machine.precision))


def measure_machines(cells: Iterable[Cell]) -> dict[str, Machine]:
    """The device and precision of each cell, by its name; measured once for all that leave it to a measurement.

    Raises InputError for a device that is not there.
    """
    chosen: dict[tuple[str, str], Machine] = {}
    of_cell = {}
    for cell in cells:
        settings = build(TrainingConfig, cell.config.training, "training")
        key = (settings.device, settings.precision)
        if key not in chosen:
            chosen[key] = choose(settings)
        of_cell[cell.name] = chosen[key]
    return of_cell


class _Places:
    """Where cells lie: in the run that has their settings, else in a new one with a telling name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.taken = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        self.known: dict[str, RunDirectory] = {}
        for run in list_runs(folder):
            with contextlib.suppress(InputError):  # a damaged run, or one of a newer version, is left alone
                self.known.setdefault(_fingerprint(_asked_of(run)), run)

    def cell(self, model: str, contestant: str, config: RunConfig, length: Length) -> Cell:
        key = _fingerprint(_settings_of(config))
        if key not in self.known:
            self.known[key] = RunDirectory(self.folder / self._new_name(model, contestant, config, length))
        return Cell(model, config, self.known[key])

    def _new_name(self, model: str, contestant: str, config: RunConfig, length: Length) -> str:
        window = [str(config.training["seq_len"])] if has_window(model) else []
        seed = [] if is_counted(model) else [f"seed{config.training['seed']}"]
        stem = "-".join([*contestant.split(), *window, length.short, *seed])
        numbered = (f"{stem}-{number}" for number in itertools.count(2))
        name = next(name for name in itertools.chain([stem], numbered) if name not in self.taken)
        self.taken.add(name)
        return name


def _fingerprint(settings: Mapping[str, Any]) -> str:
    return json.dumps(settings, sort_keys=True)


def _settings_of(config: RunConfig) -> dict[str, Any]:
    """All that a run's numbers follow from: neither its name nor its date, nor where its text lies."""
    parts = {"corpus_sha256", "split", "tokenizer", "model", "training", "init", "of"}
    return config.model_dump(mode="json", include=parts)


def _asked_of(run: RunDirectory) -> dict[str, Any]:
    """The settings that a run was asked for. Its config has more: measured choices, an order found in fitting."""
    config, record = run.read_config(), _record_of(run)
    if record.exists():
        recorded = run.read_json(record)
        if recorded.get("created") == config.created:  # else another run has taken the name
            return dict(recorded["asked"])
    return _settings_of(config)


def _record_of(run: RunDirectory) -> Path:
    return run.path.parent.parent / "cells" / f"{run.path.name}.json"


def _config(
    corpus: Corpus,
    request: Request,
    contestant: str,
    tokenizer: str | None,
    seq_len: int | None,
    length: Length,
    folder: Path,
) -> RunConfig:
    """The resolved config of a cell, with its length."""
    model, overrides = family_of(contestant), overrides_of(contestant, tokenizer, request)
    training: dict[str, Any] = {}
    if seq_len is not None:
        training = {"seq_len": seq_len, "batch_size": _rows(model, seq_len), **overrides["training"]}
    if length.unit == "seconds" or (length.unit == "epochs" and not is_counted(model)):
        training["budget" if length.unit == "seconds" else "epochs"] = length.amount
    _, config = plan(
        corpus,
        model=model,
        tokenizer=tokenizer,
        recipe=recipe_for(contestant, request),
        training=training,
        split=request.split,
        overrides=as_items(overrides),
        out=folder / f".{model}",  # a folder that is not there; where the run goes follows from its settings
    )
    if is_random_windows(config.split.shares):
        raise InputError(
            f"--split got {config.split.shares}, which leaks on purpose: it rewards memory, and a comparison asks for "
            "more. Leave it out, or give shares in per cent, such as 90,5,5."
        )
    if is_mixture(model):
        config = _mixed(config, tokenizer, request)
    config = task_of(config).resolve(config, corpus)
    if length.unit == "tokens" and has_window(model):
        tokens_per_step = config.training["batch_size"] * config.training["seq_len"]
        config = _with_training(config, steps=max(1, round(length.amount / tokens_per_step)))
    return config


def _rows(model: str, seq_len: int) -> int:
    """Rows of a batch, so that a step reads as many tokens with this window as with the family's own.

    With as many rows for every window, a short one would be scored for its small batches and its many steps.
    """
    own = build(TrainingConfig, MODELS.load(model).training_defaults, "training")
    return max(1, round(own.batch_size * own.seq_len / seq_len))


def _mixed(config: RunConfig, tokenizer: str | None, request: Request) -> RunConfig:
    """A mixture of other models of the comparison, with their own settings, trained inside the mixture's time.

    Where fewer than two others are compared, or parts are named by `-o`, the config stays as it is.
    """
    chosen = _mixed_models(request)
    if len(chosen) < 2 or "parts" in config.model:
        return config
    parts = []
    for other in chosen:
        family = MODELS.load(other)
        own = build(family.Config, overrides_of(other, tokenizer, request)["model"], other)
        window = build(TrainingConfig, family.training_defaults, "training").seq_len
        parts.append({"name": other, **own.resolve(window).model_dump(mode="json")})
    return config.replace(model={**config.model, "parts": parts})


def _mixed_models(request: Request) -> list[str]:
    """What is counted, and beside it one network: `lstm` where it is compared, else the first.

    Two networks would share the mixture's time: on tiny-Shakespeare at 60 seconds, n-grams with an LSTM and a
    Transformer of 28 seconds each reach 2.10 bits per character, n-grams with an LSTM of 55 seconds 2.06.
    """
    others = [model for model in request.models if model in LANGUAGE_MODELS]
    counted, networks = (list(filter(kind, others)) for kind in (is_counted, has_window))
    if not counted:
        return networks
    return ["lstm" if "lstm" in networks else model for model in networks[:1]] + counted


def _with_training(config: RunConfig, **fields: object) -> RunConfig:
    return config.replace(training={**config.training, **fields})


def _resized(config: RunConfig, parameters: int, vocab_size: int) -> RunConfig:
    model = config.model["name"]
    sizes = sized(model, without_name(config.model), parameters, vocab_size, config.training["seq_len"])
    return config.replace(model={**config.model, **sizes})


def _vocab_size(corpus: Corpus, config: RunConfig) -> int:
    """Of the tokenizer that the run will fit on train."""
    train = cut(corpus, config.split)["train"]
    return fit_tokenizer(config.tokenizer, (piece.text for piece in train.pieces())).vocab_size
