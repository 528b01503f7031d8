"""The causal-mask experiment: one Transformer is trained with the mask and one without, and both are looked at.

The folder of the experiment:

    runs/           both twins, ordinary runs
    mask.json       what was measured
    report.html     the page
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from inkloom.corpus.base import Corpus
from inkloom.errors import InputError
from inkloom.experiments.comparison.training import EachMessageOnce
from inkloom.experiments.mask_evidence import examine
from inkloom.experiments.mask_report import write_mask_report
from inkloom.experiments.report import write_report
from inkloom.files import write_json
from inkloom.recipes import load_recipe
from inkloom.runs.directory import RunConfig, RunDirectory
from inkloom.runs.run import Run
from inkloom.training.fit import fit
from inkloom.training.job import resolve
from inkloom.training.plan import plan

RECIPE = "mask_ablation"
TWINS = ("transformer", "unmasked")

NUMBERS = "mask.json"


def mask_ablation(
    corpus: Corpus,
    out: Path,
    *,
    budget: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    console: Console | None = None,
) -> Path:
    """Train both twins alike, each for `budget` seconds or `steps`, and write what became of them; returns the page.

    Twins that are there with the same settings are not trained again, and go on where they were interrupted.
    Raises InputError before any work where `out` holds something else, or twins with other settings.
    """
    lengths = {"budget": budget, "steps": steps}
    training = {"seed": seed, **{name: value for name, value in lengths.items() if value is not None}}
    console = console or Console(quiet=True)
    _check_folder(out)
    planned = {twin: _plan(corpus, out / "runs" / twin, twin, training) for twin in TWINS}
    with EachMessageOnce():
        for directory, config in planned.values():
            _train(directory, config, corpus, console)
        masked, unmasked = (Run(directory) for directory, _ in planned.values())
        evidence = examine(masked, unmasked, corpus)
    write_json(out / NUMBERS, evidence.as_json())
    return write_mask_report(evidence, out / "report.html")


def _check_folder(out: Path) -> None:
    """The experiment goes into a folder of its own, or on in one that holds it."""
    if out.is_dir() and any(out.iterdir()) and not (out / "runs" / TWINS[0] / "config.json").exists():
        raise InputError(f"{out} is a folder with other files in it. Name a new or empty folder, or the experiment's.")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file. Name a new or empty folder, or the experiment's.")


def _plan(corpus: Corpus, folder: Path, twin: str, training: Mapping[str, Any]) -> tuple[RunDirectory, RunConfig]:
    """Where a twin lies and its settings in full: the recipe's, whichever of the two it is."""
    recipe = load_recipe(RECIPE)
    of_twin = {**recipe, "model": {**recipe["model"], "name": twin}}
    directory, config = plan(
        corpus,
        recipe=of_twin,
        recipe_name=RECIPE if twin == recipe["model"]["name"] else None,
        training=training,
        out=folder,
        overwrite=True,  # what is there is used, not replaced
    )
    config = resolve(config, corpus)
    if directory.config_file.exists() and _settings(directory.read_config()) != _settings(config):
        raise InputError(f"{directory.path} was trained with other settings. Name another folder, or remove that one.")
    return directory, config


def _settings(config: RunConfig) -> Mapping[str, Any]:
    """All that a run's numbers follow from."""
    return config.model_dump(mode="json", include={"corpus_sha256", "split", "tokenizer", "model", "training"})


def _train(directory: RunDirectory, config: RunConfig, corpus: Corpus, console: Console) -> None:
    """Turn a planned twin into a finished run, from where it stands."""
    if directory.finished:
        return
    if not directory.config_file.exists():
        directory.write_config(config)
    fit(directory, corpus, console)
    write_report(Run(directory))
