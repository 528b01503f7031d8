"""How a text GAN is trained and measured: the task `gan`."""

import logging
from dataclasses import replace
from typing import Any

import torch
from rich.console import Console

from inkloom.config import build
from inkloom.corpus.base import Corpus
from inkloom.data.sentences import CutSentences, Sentences, cut_sentences, own_words
from inkloom.errors import InputError
from inkloom.evaluation.diversity import distinct, self_bleu
from inkloom.evaluation.sentences import RealSentences, bound
from inkloom.files import write_json
from inkloom.generation.sampling import generator_of_sample
from inkloom.models.critic import Critic
from inkloom.models.evaluating import evaluating
from inkloom.models.gan import GAN
from inkloom.runs import RunConfig, RunDirectory
from inkloom.runs.gan import GANRun
from inkloom.runs.run import initial_model, without_name
from inkloom.tokenizers import Tokenizer
from inkloom.training.adversarial.curves import Curves, Written
from inkloom.training.adversarial.objective import Adversarial
from inkloom.training.adversarial.watch import Watch
from inkloom.training.fit import TRAIN_CHARS
from inkloom.training.job import Job, prepare
from inkloom.training.job import resolve as resolve_text
from inkloom.training.loop import Work, train_loop
from inkloom.training.machine import Machine
from inkloom.training.tasks import Task

log = logging.getLogger("inkloom")

VALIDATED = 256
"""Sentences that are written at each validation, and as many of val that they are measured against."""

VALIDATION_SEED = 1
"""Of their noise: the same at every validation, so that what changes is the generator."""

SAMPLES = 8
"""Sentences in a sample of samples.txt."""


def resolve(config: RunConfig, corpus: Corpus) -> RunConfig:
    """A config with every field filled in. InputError for a text that has no documents."""
    if not any(part.documents for part in (corpus.whole, *corpus.own_splits.values())):
        raise InputError(
            f"{corpus.name} is one running text, and a GAN learns sentences, a document each. "
            "Give --documents lines for a sentence a line."
        )
    return resolve_text(config, corpus)


def fit(run: RunDirectory, corpus: Corpus, console: Console) -> dict[str, Any]:
    """Train the run whose config.json is written, or go on with it. Returns what evaluation.json holds.

    Raises InterruptedByUserError after Ctrl-C, when all is saved.
    """
    job = prepare(run, corpus, console)
    training = _Training(job)
    model, steps = train_loop(job, training.work)
    summary = {
        **job.summary(model, steps, steps * training.tokens_per_step, job.clock.seconds),
        "stopped": training.watch.trouble,
        **_final_estimates(job),
    }
    write_json(run.evaluation_file, summary)
    return summary


TASK = Task(resolve, fit)


class _Training:
    """The work of a job, with the critic, the validation and the watch that belong to it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        config = build(GAN.Config, without_name(job.config.model), "model")
        self.length = config.length or job.settings.seq_len
        self.train = self._cut("train")
        self.validation = SentenceValidation(self._cut("val"), job.tokenizer, config)
        self.groups = 1
        if config.objective != "likelihood":
            self.groups += max(config.critic_steps, config.final_critic_steps or 0)
        self.tokens_per_step = self.groups * job.settings.batch_size * self.length
        self.watch = Watch(job.run, self.validation.last)

    def work(self, machine: Machine) -> Work[GAN]:
        """What the loop trains."""
        job, settings, end_id = self.job, self.job.settings, self.job.tokenizer.end_id
        model = initial_model(job.config, job.tokenizer).to(machine.device)
        assert isinstance(model, GAN)
        critic = Critic(model.config, job.tokenizer.vocab_size).to(machine.device)
        if model.config.projection == "pca":
            critic.fix_projection(torch.from_numpy(self.train.tokens_NS))
        return Work(
            model=model,
            batches=Sentences(self.train, self.groups, settings.batch_size, settings.seed),
            tokens_per_step=self.tokens_per_step,
            batch_shape=f"{settings.batch_size} sentences of at most {self.length} tokens",
            objective=lambda model, settings, progress: Adversarial(model, critic, end_id, settings, progress),
            validate=self.validation,
            write_sample=lambda model, number: sample(model, job.tokenizer, settings.seed + number),
            callbacks=(Curves(job.run.path / "adversarial.csv", self.validation.last), self.watch),
        )

    def _cut(self, name: str) -> CutSentences:
        """The sentences of a split; says how many are too long."""
        cut = cut_sentences(self.job.encoded[name].ids, self.job.tokenizer.end_id, self.length)
        if len(cut.tokens_NS) < 2:
            raise InputError(
                f"{name} has {len(cut.tokens_NS)} sentences, and a GAN needs two or more in every split. "
                "Give a longer text, or other shares in --split."
            )
        if cut.long:
            log.info(
                f"{cut.long:,} of {len(cut.tokens_NS):,} sentences of {name} are cut: with their end they have more "
                f"than {self.length} tokens (--seq-len)."
            )
        return cut


class SentenceValidation:
    """The score of a generator on val: what its sentences cost under n-grams of real ones, plus the reverse.

    The first alone is lowest for one good sentence over and over, the second for all words at random. Where likelihood
    alone is learned, the score is the cost of val, given noise.
    """

    def __init__(self, val: CutSentences, tokenizer: Tokenizer, config: GAN.Config) -> None:
        self.val = replace(val, tokens_NS=val.tokens_NS[:VALIDATED])
        self.end_id = tokenizer.end_id
        self.by_likelihood = config.objective == "likelihood"
        words = [own_words(sentence, self.end_id) for sentence in self.val.tokens_NS.tolist()]
        self.real = RealSentences(words, tokenizer.vocab_size, self.end_id)
        self.written: Written | None = None

    def last(self) -> Written | None:
        """What the last validation saw; None before the first, and where there is no critic."""
        return self.written

    def __call__(self, model: GAN) -> float:
        if self.by_likelihood:
            return bound(model, torch.from_numpy(self.val.tokens_NS), self.end_id)
        sentences = written_sentences(model, len(self.real.judged), self.end_id, VALIDATION_SEED)
        sample_nats, real_nats = self.real.likelihoods(sentences)
        self.written = Written(sample_nats, real_nats, self_bleu(sentences, longest=4), distinct(sentences, order=2))
        return sample_nats + real_nats


def written_sentences(model: GAN, count: int, end_id: int, seed: int) -> list[list[int]]:
    """So many sentences as ids, written as in training."""
    generator = generator_of_sample(seed, 0)
    with evaluating(model):
        rolled_out = model.roll_out(model.noise(count, generator), end_id, generator)
    return [own_words(sentence, end_id) for sentence in rolled_out.words_BS.tolist()]


def sample(model: GAN, tokenizer: Tokenizer, seed: int) -> str:
    """Some sentences, one a line, as they stand in samples.txt."""
    sentences = written_sentences(model, SAMPLES, tokenizer.end_id, seed)
    return "".join(f"{tokenizer.decode(sentence)}\n" for sentence in sentences) + "\n"


def _final_estimates(job: Job) -> dict[str, Any]:
    """The estimates on every split: val and test whole, of train the first TRAIN_CHARS."""
    run = GANRun(job.run)
    train = job.parts["train"].head(TRAIN_CHARS)
    estimates = {}
    for name, part in {**job.parts, "train": train}.items():
        beside = train if name == "val" else job.parts["val"]
        estimates[name] = run.measure(part, beside, job.console).as_json()
    return estimates
