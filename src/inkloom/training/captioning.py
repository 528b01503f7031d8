"""The task `captioning`: an image in, a caption out."""

import functools
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from torch import Tensor

from inkloom.corpus.base import Corpus
from inkloom.corpus.captions import image_folder
from inkloom.data.captions import CaptionBatch, CaptionBatches, CaptionedImages, encode_captions
from inkloom.data.progress import progress
from inkloom.errors import InputError
from inkloom.evaluation.captioning import CaptionScores, caption_nats, score_captions
from inkloom.files import write_json
from inkloom.models.captioner import Captioner, TimmEncoder
from inkloom.models.evaluating import evaluating
from inkloom.runs import RunConfig, RunDirectory
from inkloom.runs.captioning import write_judged
from inkloom.runs.parts import cut
from inkloom.runs.run import initial_model
from inkloom.tokenizers import Tokenizer, fit_tokenizer
from inkloom.training import job
from inkloom.training.begun import Begun
from inkloom.training.loop import Work, train_loop
from inkloom.training.machine import Machine
from inkloom.training.objectives import Objective
from inkloom.training.tasks import Task

log = logging.getLogger("inkloom")

SCORED_WHILE_TRAINING = 500
"""Images of val; the final evaluation scores all."""

SCORED_OF_TRAIN = 500
"""Images of train that are scored at the end: enough to show over-fitting."""

SAMPLED = 8
"""Images of val whose captions stand in samples.txt."""


@dataclass(frozen=True, kw_only=True)
class CaptioningJob(Begun):
    """All that the training of a captioner works on. encoded: every split."""

    tokenizer: Tokenizer
    encoded: Mapping[str, CaptionedImages]


class Captioning(Objective[Captioner]):
    """Maximum likelihood of the next token of every caption, given its image: mean cross-entropy in nats per token."""

    def training_step(self, batch: CaptionBatch, batch_idx: int) -> dict[str, Tensor]:
        """`loss`, which is minimised, and `nats`, the same in a family without a penalty."""
        del batch_idx
        state = self.model.initial_state(len(batch.images_BSS3), batch.images_BSS3)
        state = self.model.select_state(state, batch.image_R)  # an image is looked at once, however much is said of it
        loss, _ = self.model.training_loss(batch.inputs_RT, batch.targets_RT, state)
        return {"loss": loss.nats + loss.penalty, "nats": loss.nats.detach()}


def fit(run: RunDirectory, corpus: Corpus, console: Console) -> dict[str, Any]:
    """Train the run whose config.json is written, or go on with it. Returns what evaluation.json holds.

    Raises InterruptedByUserError after Ctrl-C, when all is saved.
    """
    prepared = _prepare(run, corpus, console)
    model, steps = train_loop(prepared, lambda machine: _work(prepared, machine))
    tokens = steps * _batches(prepared).tokens_per_step
    summary = {
        **prepared.summary(model, steps, tokens, prepared.clock.seconds),
        **_final_scores(model.eval(), prepared),
    }
    write_json(run.evaluation_file, summary)
    return summary


def resolve(config: RunConfig, corpus: Corpus) -> RunConfig:
    """The config with every field filled in. Raises InputError for fields that are not accepted."""
    if config.of:
        raise InputError("--of mixes runs that continue texts; a captioner cannot be mixed. Leave it out.")
    return job.resolve(config, corpus)


def _prepare(run: RunDirectory, corpus: Corpus, console: Console) -> CaptioningJob:
    """Read a run's config.json, fill it in, decode its images and encode its captions; the clock starts."""
    config = resolve(run.read_config(), corpus)
    run.write_config(config)
    parts = cut(corpus, config.split)
    begun = Begun.now(run, config, console)
    tokenizer = job.kept_tokenizer(run, config, lambda: fit_tokenizer(config.tokenizer, parts["train"].texts))
    folder, side = image_folder(corpus.config), config.model["image_size"]
    encoded = {name: encode_captions(tokenizer, part, folder, side, console) for name, part in parts.items()}
    sizes = ", ".join(f"{name} {len(part.paths):,} with {part.captions:,} captions" for name, part in encoded.items())
    console.print(f"Images: {config.name}, {sizes}; {tokenizer.vocab_size} distinct tokens")
    _announce(encoded, config.training["seq_len"])
    return CaptioningJob(**vars(begun), tokenizer=tokenizer, encoded=encoded)


def _announce(encoded: Mapping[str, CaptionedImages], most: int) -> None:
    """What of the captions is not read as it stands."""
    longer = int((encoded["train"].lengths_R > most).sum())
    if longer:
        log.warning(
            f"{longer:,} captions of train have more than {most} tokens, and their ends are not trained on. "
            "Give a larger --seq-len to read them whole."
        )
    if unknown := encoded["val"].unknown_tokens:
        log.info(f"{unknown} tokens of val ({unknown / encoded['val'].tokens:.2%}) are not in the vocabulary.")


def _batches(prepared: CaptioningJob) -> CaptionBatches:
    settings = prepared.settings
    return CaptionBatches(prepared.encoded["train"], settings.batch_size, settings.seq_len, settings.seed)


def _work(prepared: CaptioningJob, machine: Machine) -> Work[Captioner]:
    model = initial_model(prepared.config, prepared.tokenizer)
    assert isinstance(model, Captioner)
    begins = prepared.config.init is None and prepared.checkpoint is None
    if begins and model.config.pretrained and isinstance(model.encoder, TimmEncoder):
        model.encoder.load_published()
    val = prepared.encoded["val"].head(SCORED_WHILE_TRAINING)
    batches = _batches(prepared)
    return Work(
        model=model.to(machine.device),
        batches=batches,
        tokens_per_step=batches.tokens_per_step,
        batch_shape=f"{batches.batch_size} images",
        objective=Captioning,
        validate=functools.partial(_validate, val=val),
        write_sample=lambda model, number: _sample(model, prepared, number),
    )


def _validate(model: Captioner, val: CaptionedImages) -> float:
    """Nats per token, without dropout."""
    with evaluating(model):
        return caption_nats(model, val) / val.tokens


def _sample(model: Captioner, prepared: CaptioningJob, number: int) -> str:
    """Captions of a few images of val, the same ones every time, beside what others say of them."""
    del number
    with evaluating(model):
        _, judged = score_captions(model, prepared.tokenizer, prepared.encoded["val"].head(SAMPLED))
    return "".join(f"{one.path}: {one.written.text}  [{' | '.join(one.references)}]\n" for one in judged) + "\n"


def _final_scores(model: Captioner, prepared: CaptioningJob) -> dict[str, Any]:
    """The scores of val and test whole and of the beginning of train, in float32; what was written is kept."""
    scores: dict[str, CaptionScores] = {}
    train = prepared.encoded["train"]
    for name, captioned in {**prepared.encoded, "train": train.head(SCORED_OF_TRAIN)}.items():
        with progress(prepared.console, f"Scoring {name}", 2 * len(captioned.paths), "images") as advance:
            scores[name], judged = score_captions(model, prepared.tokenizer, captioned, advance=advance)
        if name == ("test" if "test" in prepared.encoded else "val"):
            write_judged(prepared.run, judged)
    return {name: of_split.as_json() for name, of_split in scores.items()} | {
        "train": {**scores["train"].as_json(), "partial": len(train.paths) > SCORED_OF_TRAIN}
    }


CAPTIONING = Task(resolve, fit)
"""To say what an image shows."""
