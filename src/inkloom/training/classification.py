"""Training a classifier: its settings, its batches, its objective, and its scores beside those of simple baselines.

Shapes: B texts, T tokens of the longest, C classes.
"""

import functools
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor
from torch.nn import functional

from inkloom.config import build
from inkloom.corpus.base import Corpus, Part
from inkloom.data.labelled import LabelledBatches, LabelledTexts, TextBatch, encode_labelled
from inkloom.errors import InputError
from inkloom.evaluation.classification import (
    ClassificationScores,
    class_logits,
    fit_temperature,
    log_softmax,
    scores_of,
    without_texts,
)
from inkloom.evaluation.naive_bayes import NaiveBayes
from inkloom.files import write_json
from inkloom.models.classifier import Classifier
from inkloom.runs import RunConfig, RunDirectory
from inkloom.runs.classifier import build_classifier
from inkloom.runs.parts import cut
from inkloom.runs.run import without_name
from inkloom.runs.weights import save_weights
from inkloom.tokenizers import Tokenizer, described, fit_tokenizer
from inkloom.training.begun import Begun
from inkloom.training.config import TrainingConfig
from inkloom.training.job import kept_tokenizer
from inkloom.training.loop import Work, train_loop
from inkloom.training.machine import Machine
from inkloom.training.objectives import Objective
from inkloom.training.schedule import Progress
from inkloom.training.tasks import Task

log = logging.getLogger("inkloom")

TRAIN_TEXTS = 2_000
"""Of train that are scored at the end: enough to show over-fitting."""

SAMPLE_TEXTS = 10
"""Of val that a sample shows with the classes they are put into."""


@dataclass(frozen=True, kw_only=True)
class Job(Begun):
    """All that the training of a classifier works on: the splits, as texts and as ids."""

    parts: Mapping[str, Part]
    tokenizer: Tokenizer
    labels: tuple[str, ...]
    encoded: Mapping[str, LabelledTexts]


class Classification(Objective[Classifier]):
    """The mean cost of the right class in nats, rare classes weighted as the model's config asks."""

    def __init__(self, weights_C: Tensor, model: Classifier, config: TrainingConfig, progress: Progress) -> None:
        super().__init__(model, config, progress)
        self.weights_C = torch.nn.Buffer(weights_C, persistent=False)

    def training_step(self, batch: TextBatch, batch_idx: int) -> dict[str, Tensor]:
        """`loss`, which is minimised, and `nats`, the mean cost of a text without weights."""
        del batch_idx
        logits_BC = self.model(batch.tokens_BT, batch.lengths_B).float()
        nats_B = functional.cross_entropy(logits_BC, batch.labels_B, reduction="none")
        weights_B = self.weights_C[batch.labels_B]
        return {"loss": (weights_B * nats_B).sum() / weights_B.sum(), "nats": nats_B.mean().detach()}


def resolve(config: RunConfig, corpus: Corpus) -> RunConfig:
    """The config with every field filled in, the classes of train included.

    Raises InputError for a corpus without labels, and for settings that a classifier has no use for.
    """
    if config.init is not None:
        raise InputError(f"--init {config.init} cannot be used: a classifier starts with weights of its own.")
    train = cut(corpus, config.split)["train"]
    if train.conditions is None:
        raise InputError(
            f"{corpus.name} has texts without labels. A classifier takes a folder with a file for each class, or a "
            ".csv, .tsv or .jsonl file with a column of texts and one of labels."
        )
    training = build(TrainingConfig, {**Classifier.training_defaults, **config.training}, "training")
    for name in ("seq_len", "batching"):
        default = TrainingConfig.model_fields[name].default
        if getattr(training, name) != default:
            raise InputError(
                f"training.{name} got {getattr(training, name)}, but a classifier reads whole texts. Leave it out; "
                "-o model.max_tokens says how much of a long text is read."
            )
    fields = {**without_name(config.model), "labels": tuple(sorted(set(train.conditions)))}
    return config.replace(
        model={"name": "classifier", **build(Classifier.Config, fields, "model").model_dump(mode="json")},
        tokenizer=described(config.tokenizer),
        training=training.model_dump(mode="json"),
    )


def fit(run: RunDirectory, corpus: Corpus, console: Console) -> dict[str, Any]:
    """Train the run whose config.json is written, or go on with it, calibrate and score it.

    Returns what evaluation.json holds. Raises InterruptedByUserError after Ctrl-C, when all is saved.
    """
    job = _prepare(run, corpus, console)
    model, steps = train_loop(job, functools.partial(_work, job))
    val = job.encoded["val"]
    model.temperature.fill_(fit_temperature(class_logits(model, val), val.labels_N))
    save_weights(model, run.weights_file)
    texts_seen = steps * job.settings.batch_size
    tokens_seen = round(texts_seen * job.encoded["train"].mean_length)
    summary = {
        **job.summary(model, steps, tokens_seen, job.clock.seconds),
        "texts_seen": texts_seen,
        "temperature": float(model.temperature),
        **_final_scores(model, job),
    }
    write_json(run.evaluation_file, summary)
    return summary


CLASSIFICATION = Task(resolve, fit)
"""To put texts into classes."""


def _prepare(run: RunDirectory, corpus: Corpus, console: Console) -> Job:
    config = resolve(run.read_config(), corpus)
    run.write_config(config)
    parts = {name: part for name, part in cut(corpus, config.split).items() if name != "held_back"}
    begun = Begun.now(run, config, console)
    train = parts["train"]
    tokenizer = kept_tokenizer(
        run, config, lambda: fit_tokenizer(config.tokenizer, (piece.text for piece in train.pieces()))
    )
    model = build(Classifier.Config, without_name(config.model), "model")
    encoded = {name: encode_labelled(tokenizer, part, model.labels, model.max_tokens) for name, part in parts.items()}
    job = Job(**vars(begun), parts=parts, tokenizer=tokenizer, labels=model.labels, encoded=encoded)
    _describe(job, model.max_tokens)
    return job


def _describe(job: Job, max_tokens: int) -> None:
    """What is read, how unequal the classes are, and what of it is not seen."""
    sizes = ", ".join(f"{name} {len(part.texts):,}" for name, part in job.parts.items())
    job.console.print(f"Texts: {job.config.name}, {sizes}; {job.tokenizer.vocab_size} distinct tokens")
    counts_C = np.bincount(job.encoded["train"].labels_N, minlength=len(job.labels))
    rarest, commonest = counts_C.argmin(), counts_C.argmax()
    job.console.print(
        f"Classes: {len(job.labels)} in train, from {counts_C[rarest]:,} texts ({job.labels[rarest]}) to "
        f"{counts_C[commonest]:,} ({job.labels[commonest]}, {counts_C[commonest] / counts_C.sum():.0%})",
        markup=False,
    )
    for name, texts in job.encoded.items():
        if texts.shortened:
            log.warning(
                f"{name}: {texts.shortened:,} texts have more than {max_tokens} tokens; the rest of them is not read. "
                "-o model.max_tokens reads more."
            )


def _work(job: Job, machine: Machine) -> Work[Classifier]:
    settings = job.settings
    model = build_classifier(job.config, job.tokenizer).to(machine.device)
    counts_C = np.bincount(job.encoded["train"].labels_N, minlength=len(job.labels))
    weights_C = torch.tensor(counts_C.mean() / counts_C, dtype=torch.float32) ** model.config.class_weights
    return Work(
        model=model,
        batches=LabelledBatches(job.encoded["train"], settings.batch_size, settings.seed),
        tokens_per_step=round(settings.batch_size * job.encoded["train"].mean_length),
        batch_shape=f"{settings.batch_size} texts",
        objective=functools.partial(Classification, weights_C),
        validate=lambda model: _scores(model, job, "val").nats_per_text,
        write_sample=lambda model, number: _sample(model, job, number),
        loss_unit="text",
    )


def _scores(model: Classifier, job: Job, split: str) -> ClassificationScores:
    return scores_of(model, job.encoded[split], split)


def _sample(model: Classifier, job: Job, number: int) -> str:
    """Some texts of val, other ones each time, with the class they are put into and how sure the model is."""
    val = job.parts["val"]
    numbers = (np.arange(SAMPLE_TEXTS) + number * SAMPLE_TEXTS) % len(val.texts)
    of_val = job.encoded["val"].select(numbers)
    log_probs_NC = log_softmax(class_logits(model, of_val))
    lines = []
    for place, log_probs_C in zip(numbers.tolist(), log_probs_NC, strict=True):
        guess, right = job.labels[log_probs_C.argmax()], job.labels[job.encoded["val"].labels_N[place]]
        text = " ".join(val.texts[place].split())[:60]
        lines.append(f"{text}: {guess} {np.exp(log_probs_C.max()):.0%}" + (f", but it is {right}" * (guess != right)))
    return "\n".join(lines) + "\n\n"


def _final_scores(model: Classifier, job: Job) -> dict[str, Any]:
    """The scores of every split, of train the first TRAIN_TEXTS; and of the split that counts, all that a report shows.

    `leaks` has, for val and test, how many texts stand in train word for word, and the scores without them. `baselines`
    have the scores of naive Bayes and of the commonest class.
    """
    headline = "test" if "test" in job.parts else "val"
    held_out = [name for name in job.parts if name != "train"]
    scores = {name: _scores(model, job, name) for name in held_out}
    in_train = len(job.parts["train"].texts)
    of_train = job.encoded["train"].select(np.arange(min(TRAIN_TEXTS, in_train)))
    train = {**scores_of(model, of_train, "train").as_json(), "partial": len(of_train.ids) < in_train}
    baselines = _baselines(job, headline)
    seen = set(job.parts["train"].texts)
    leaks = {name: without_texts(scores[name], job.parts[name].texts, seen) for name in held_out}
    leaks[headline]["baselines"] = {
        name: without_texts(baseline, job.parts[headline].texts, seen)["without_leaks"]
        for name, baseline in baselines.items()
    }
    return {
        "train": train,
        **{name: of_split.as_json() for name, of_split in scores.items()},
        "classes": [of_class.as_json() for of_class in scores[headline].classes],
        "confusion": scores[headline].confusion_CC.tolist(),
        "reliability": scores[headline].reliability.as_json(),
        "uncalibrated_error": _uncalibrated(scores[headline], model).reliability.error,
        "baselines": {name: baseline.as_json() for name, baseline in baselines.items()},
        "leaks": leaks,
    }


def _uncalibrated(scores: ClassificationScores, model: Classifier) -> ClassificationScores:
    """The scores as they would be without the temperature."""
    return scores.with_log_probs(log_softmax(scores.log_probs_NC * float(model.temperature)))


def _baselines(job: Job, split: str) -> dict[str, ClassificationScores]:
    """What needs no network: naive Bayes on character n-grams, and the commonest class for every text."""
    train, val, scored = job.parts["train"], job.parts["val"], job.parts[split]
    train_N, val_N, scored_N = (job.encoded[name].labels_N for name in ("train", "val", split))
    naive_bayes = NaiveBayes.fit(train.texts, train_N, val.texts, val_N, len(job.labels))
    shares_C = np.bincount(train_N, minlength=len(job.labels)) / len(train_N)
    commonest_NC = np.tile(np.log(shares_C), (len(scored_N), 1))
    return {
        "naive_bayes": ClassificationScores(split, job.labels, naive_bayes.log_probs(scored.texts), scored_N),
        "commonest_class": ClassificationScores(split, job.labels, commonest_NC, scored_N),
    }
