"""One training from config.json to the scored run, or from where it was interrupted."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from inkloom.corpus.base import Corpus
from inkloom.corpus.leaks import LeakReport
from inkloom.data import encode_part
from inkloom.data.progress import progress
from inkloom.evaluation import score, score_tokens
from inkloom.evaluation.leakage import asks_for_clean_score, leaks_with_score
from inkloom.files import write_json
from inkloom.models.base import LanguageModel
from inkloom.runs import RunDirectory
from inkloom.training.fitters import fitted_in_one_go
from inkloom.training.gradients import train_by_gradients
from inkloom.training.job import Job, prepare, resolve
from inkloom.training.one_go import train_in_one_go
from inkloom.training.tasks import Task
from inkloom.training.trained import Trained

TRAIN_CHARS = 20_000
"""Of train that are scored at the end: enough to show over-fitting."""


Keep: TypeAlias = Callable[[str, NDArray[np.float64]], None]
"""Takes the name of a split and what each of its tokens costs, (tokens,) in nats."""


def fit(
    run: RunDirectory,
    corpus: Corpus,
    console: Console,
    keep: Keep | None = None,
    leaks: Mapping[str, LeakReport] | None = None,
) -> dict[str, Any]:
    """Train the run whose config.json is written, or go on with it. Returns what evaluation.json holds.

    keep: is called with every split that is scored, before evaluation.json is written.
    leaks: what is known of the same splits already.
    Raises InterruptedByUserError after Ctrl-C, when all is saved.
    """
    job = prepare(run, corpus, console, leaks)
    trained = train_model(job)
    summary = {
        **job.summary(trained.model, trained.steps, trained.tokens_seen, trained.seconds),
        **final_scores(trained.model, job, keep),
    }
    write_json(run.evaluation_file, summary)
    return summary


def train_model(job: Job) -> Trained:
    """Train by gradients or in one go, as the family asks; the best weights are on disk then."""
    if fitted_in_one_go(job.config.model["name"]):
        return train_in_one_go(job)
    return train_by_gradients(job)


def final_scores(model: LanguageModel, job: Job, keep: Keep | None = None) -> dict[str, Any]:
    """The protocol's scores of every split, in float32: val and test whole, of train the first TRAIN_CHARS.

    `leaks` has, for val and test, what they share with train, and their score without it.
    """
    train = job.parts["train"].head(TRAIN_CHARS)
    scores, leaks = {}, {}
    for name, part in {**job.parts, "train": train}.items():
        encoded = encode_part(job.tokenizer, part, job.console)
        report = job.leaks.get(name)
        nats_T = None
        with progress(job.console, f"Scoring {name}", encoded.tokens, "tokens") as advance:
            if keep is not None or (report is not None and asks_for_clean_score(report)):
                of_split, nats_T = score_tokens(model, encoded, advance)
            else:
                of_split = score(model, encoded, advance)
        scores[name] = of_split.as_json()
        if keep is not None and nats_T is not None:
            keep(name, nats_T)
        if report is not None:
            leaks[name] = leaks_with_score(report, part, job.tokenizer, nats_T)
    scores["train"]["partial"] = train.chars < job.parts["train"].chars
    return {**scores, "leaks": leaks}


TEXT = Task(resolve, fit)
"""To continue a text."""
