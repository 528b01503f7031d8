"""Training a translator: pairs instead of one text, and translations beside the likelihood in its scores."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from inkloom.config import build
from inkloom.corpus.base import Corpus, Part
from inkloom.data.pairs import EncodedPairs, PairBatch, PairBatches
from inkloom.data.progress import progress
from inkloom.errors import InputError
from inkloom.evaluation.translation import repeats, score_pairs
from inkloom.files import write_json
from inkloom.generation.translating import TranslationConfig
from inkloom.models import MODELS
from inkloom.models.seq2seq import Seq2Seq
from inkloom.runs import RunConfig, RunDirectory
from inkloom.runs.parts import cut
from inkloom.runs.run import without_name
from inkloom.runs.translation import TranslationRun, build_translator
from inkloom.tokenizers import Tokenizer, described, fit_tokenizer
from inkloom.training.begun import Begun
from inkloom.training.callbacks.validation import BYTES_A_SECOND, MOST_BYTES
from inkloom.training.config import TrainingConfig
from inkloom.training.loop import Work, train_loop
from inkloom.training.machine import Machine
from inkloom.training.objectives import Objective
from inkloom.training.tasks import Task

log = logging.getLogger("inkloom")

SAMPLED = 3
"""Sentences of val that each sample translates, always the same."""

SCORED_TRAIN_PAIRS = 1000
"""Of train that are scored at the end: enough to show over-fitting."""

EXAMPLES = 12
"""Translations that evaluation.json keeps, from all over the split."""


class Translation(Objective[Seq2Seq]):
    """Maximum likelihood of the next token of a target, given its source and, as a rule, the tokens before it."""

    def training_step(self, batch: PairBatch, batch_idx: int) -> dict[str, Tensor]:
        """`loss`, which is minimised, and `nats`, the part of it that is the mean cost of a token."""
        del batch_idx
        state = self.model.begin(self.model.encode(batch.sources_BS, batch.source_lengths_B))
        share = self.model.config.scheduled_sampling * self.progress.share(self.global_step)
        inputs_BT = with_guesses(self.model, batch.inputs_BT, state, share) if share else batch.inputs_BT
        loss, _ = self.model.training_loss(inputs_BT, batch.targets_BT, state)
        return {"loss": loss.nats + loss.penalty, "nats": loss.nats.detach()}


@torch.no_grad()
def with_guesses(model: Seq2Seq, inputs_BT: Tensor, state: Any, share: float) -> Tensor:
    """The inputs, each but the first with the probability `share` the model's own draw instead.

    S. Bengio et al., "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks", NIPS 2015
    (arXiv:1506.03099); all guesses follow the true tokens, in one pass: D. Duckworth et al., "Parallel Scheduled
    Sampling" (arXiv:1906.04331), with one pass.
    """
    logits_BTV, _ = model(inputs_BT[:, :-1], state)
    guesses_BT = logits_BTV.float().softmax(dim=-1).flatten(0, 1).multinomial(1).view(len(inputs_BT), -1)
    guessed_BT = torch.rand(guesses_BT.shape, device=guesses_BT.device) < share
    return torch.cat([inputs_BT[:, :1], torch.where(guessed_BT, guesses_BT, inputs_BT[:, 1:])], dim=1)


@dataclass(frozen=True, kw_only=True)
class TranslationJob(Begun):
    """All that the training of a translator works on.

    parts: the splits. encoded: train, and val as far as it is scored on the way.
    """

    parts: Mapping[str, Part]
    tokenizer: Tokenizer
    source_tokenizer: Tokenizer
    encoded: Mapping[str, EncodedPairs]


def resolve(config: RunConfig, corpus: Corpus) -> RunConfig:
    """The config with every field filled in; one that is filled in already stays as it is."""
    name = MODELS.canonical(config.model["name"])
    if config.init is not None:
        raise InputError(f"--init {config.init} cannot be used: it is for models that continue texts. Leave it out.")
    if cut(corpus, config.split)["train"].conditions is None:
        raise InputError(f"{corpus.name} has texts without sources. Give pairs: --source FILE --target FILE.")
    training = build(TrainingConfig, {**Seq2Seq.training_defaults, **config.training}, "training")
    model = build(Seq2Seq.Config, without_name(config.model), "model")
    return config.replace(
        model={"name": name, **model.model_dump(mode="json")},
        tokenizer=described(config.tokenizer),
        tokenizer_source=None if config.tokenizer_source is None else described(config.tokenizer_source),
        training=training.model_dump(mode="json"),
    )


def fit(run: RunDirectory, corpus: Corpus, console: Console) -> dict[str, Any]:
    """Train the run whose config.json is written, or go on with it. Returns what evaluation.json holds.

    Raises InterruptedByUserError after Ctrl-C, when all is saved.
    """
    job = prepare(run, corpus, console)
    batches = _batches(job)
    model, steps = train_loop(job, lambda machine: _work(job, batches, machine))
    summary = {
        **job.summary(model, steps, steps * batches.tokens_per_step, job.clock.seconds),
        **final_scores(TranslationRun(run), job),
    }
    write_json(run.evaluation_file, summary)
    return summary


def prepare(run: RunDirectory, corpus: Corpus, console: Console) -> TranslationJob:
    """Read a run's config.json, fill it in, and make ready what it trains on. The clock starts here."""
    config = resolve(run.read_config(), corpus)
    run.write_config(config)
    parts = cut(corpus, config.split)
    begun = Begun.now(run, config, console)
    _fit_tokenizers(run, config, parts["train"])
    opened = TranslationRun(run)
    most = MOST_BYTES if begun.settings.budget is None else min(MOST_BYTES, int(begun.settings.budget * BYTES_A_SECOND))
    to_encode = {"train": parts["train"], "val": parts["val"].head(most)}
    encoded = {name: opened.encode_pairs(part, console) for name, part in to_encode.items()}
    sizes = ", ".join(f"{name} {len(part.texts):,}" for name, part in parts.items())
    sources = f", {opened.source_tokenizer.vocab_size:,} of sources" if config.tokenizer_source else ""
    console.print(f"Pairs: {config.name}, {sizes}; {opened.tokenizer.vocab_size:,} distinct tokens{sources}")
    return TranslationJob(
        **vars(begun),
        parts=parts,
        tokenizer=opened.tokenizer,
        source_tokenizer=opened.source_tokenizer,
        encoded=encoded,
    )


def final_scores(run: TranslationRun, job: TranslationJob) -> dict[str, Any]:
    """The scores of val and test, whole and translated, and of the first pairs of train; and some translations."""
    scores: dict[str, Any] = {}
    examples: list[dict[str, str]] = []
    train = _pairs(job.parts["train"])
    for name, part in job.parts.items():
        if name == "train":
            first = part.select(np.arange(min(SCORED_TRAIN_PAIRS, len(part.texts))))
            pairs = run.encode_pairs(first, job.console)
            with progress(job.console, "Scoring train", pairs.targets.encoded.tokens, "tokens") as advance:
                scores[name] = score_pairs(run.model, pairs, advance).as_json()
            scores[name]["partial"] = len(part.texts) > SCORED_TRAIN_PAIRS
            continue
        evaluated, translations = run.evaluate_part(part, job.console)
        found = repeats(translations, _pairs(part), train)
        scores[name] = {**evaluated.as_json(), "repeats": found.as_json()}
        step = max(1, len(part.texts) // EXAMPLES)
        examples = [
            {"source": source, "reference": reference, "translation": translation}
            for (source, reference), translation in zip(_pairs(part), translations, strict=True)
        ][::step][:EXAMPLES]
    return {**scores, "examples": examples}


def _batches(job: TranslationJob) -> PairBatches:
    """Train in batches; that pairs are left out is announced."""
    settings = job.settings
    batches = PairBatches(
        job.encoded["train"],
        settings.batch_size * settings.seq_len,
        job.config.model["context_length"],
        settings.seed,
    )
    if batches.left_out:
        log.warning(
            "%s of %s pairs of train are left out: a side has more than %s tokens (model.context_length).",
            f"{batches.left_out:,}",
            f"{len(batches.pairs):,}",
            f"{job.config.model['context_length']:,}",
        )
    return batches


def _work(job: TranslationJob, batches: PairBatches, machine: Machine) -> Work[Seq2Seq]:
    settings = job.settings
    run = TranslationRun(job.run)
    val = job.parts["val"]
    step = max(1, len(val.texts) // SAMPLED)
    shown = list(zip(_sources(val), val.texts, strict=True))[::step][:SAMPLED]
    greedy = TranslationConfig(beam=1)

    def write_sample(model: Seq2Seq, number: int) -> str:
        del number
        translated = run.translate_with(model, [source for source, _ in shown], greedy)
        return "".join(
            f"{source}\n→ {best[0].text}\n  (reference: {reference})\n\n"
            for (source, reference), best in zip(shown, translated, strict=True)
        )

    return Work(
        model=build_translator(job.config, job.tokenizer, job.source_tokenizer).to(machine.device),
        batches=batches,
        tokens_per_step=batches.tokens_per_step,
        batch_shape=f"up to {settings.batch_size * settings.seq_len:,} tokens a side",
        objective=Translation,
        validate=lambda model: score_pairs(model, job.encoded["val"]).nats_per_token,
        write_sample=write_sample,
    )


def _fit_tokenizers(run: RunDirectory, config: RunConfig, train: Part) -> None:
    """Fit what is not there yet: one tokenizer for both sides, or one for each."""
    if config.tokenizer_source is None:
        _fit_tokenizer(run.tokenizer_file, config.tokenizer, chain(train.texts, _sources(train)))
        return
    _fit_tokenizer(run.tokenizer_file, config.tokenizer, train.texts)
    _fit_tokenizer(run.source_tokenizer_file, config.tokenizer_source, _sources(train))


def _fit_tokenizer(file: Path, section: Mapping[str, Any], texts: Iterable[str]) -> None:
    if not file.exists():
        write_json(file, fit_tokenizer(section, texts).to_json())


def _pairs(part: Part) -> list[tuple[str, str]]:
    return list(zip(_sources(part), part.texts, strict=True))


def _sources(part: Part) -> Sequence[str]:
    assert part.conditions is not None, "resolve has seen to it"
    return part.conditions


TRANSLATION = Task(resolve, fit)
"""To write a target for a source."""
