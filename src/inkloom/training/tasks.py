"""What runs are for: how the settings of each task are filled in, and how a run of it is trained and scored."""

from collections.abc import Callable
from typing import Any, NamedTuple

from rich.console import Console

from inkloom.corpus.base import Corpus
from inkloom.models import FAMILIES, MODELS
from inkloom.registry import Registry
from inkloom.runs import RunConfig, RunDirectory


class Task(NamedTuple):
    """The two steps of a training, each of which knows its families."""

    resolve: Callable[[RunConfig, Corpus], RunConfig]
    """A config with every field filled in; one that is filled in already stays as it is. Raises InputError for fields
    that the family or the tokenizer does not have, and for a corpus that it cannot be trained on."""

    fit: Callable[[RunDirectory, Corpus, Console], dict[str, Any]]
    """Train the run whose config.json is written, or go on with it, and score it. Returns what evaluation.json holds.
    Raises InterruptedByUserError after Ctrl-C, when all is saved."""


TASKS: Registry[Task] = Registry(
    "task",
    {
        "text": "inkloom.training.fit:TEXT",
        "captioning": "inkloom.training.captioning:CAPTIONING",
        "classification": "inkloom.training.classification:CLASSIFICATION",
        "gan": "inkloom.training.adversarial.task:TASK",
        "translation": "inkloom.training.translation:TRANSLATION",
    },
)


def task_of(config: RunConfig) -> Task:
    """What a run is for."""
    return TASKS.load(FAMILIES[MODELS.canonical(config.model["name"])].task)
