"""Training a language model by gradients: its batches, its objective and its score, for the loop."""

from inkloom.data.batches import BATCHINGS
from inkloom.evaluation.likelihood import mean_nats
from inkloom.models import FAMILIES
from inkloom.models.base import LanguageModel
from inkloom.runs.run import Run, initial_model
from inkloom.training.callbacks.samples import sample_text
from inkloom.training.callbacks.validation import scored_while_training
from inkloom.training.job import Job
from inkloom.training.loop import Work, train_loop
from inkloom.training.machine import Machine
from inkloom.training.objectives import OBJECTIVES
from inkloom.training.trained import Trained


def train_by_gradients(job: Job) -> Trained:
    """Train the family's objective to the end of its budget, steps or epochs.

    Raises InterruptedByUserError after Ctrl-C, when all is saved.
    """
    model, steps = train_loop(job, lambda machine: _work(job, machine))
    return Trained(model, steps, steps * job.settings.batch_size * job.settings.seq_len, job.clock.seconds)


def _work(job: Job, machine: Machine) -> Work[LanguageModel]:
    settings = job.settings
    model = initial_model(job.config, job.tokenizer).to(machine.device)
    source = BATCHINGS.load(settings.batching)(
        job.encoded["train"].ids, settings.batch_size, settings.seq_len, settings.seed
    )
    val = scored_while_training(job.encoded["val"], settings.budget)
    prompt = Run(job.run).default_prompt
    return Work(
        model=model,
        batches=source,
        tokens_per_step=settings.batch_size * settings.seq_len,
        batch_shape=f"{source.batch_size} x {source.seq_len}",
        objective=OBJECTIVES.load(FAMILIES[job.config.model["name"]].objective),
        validate=lambda model: mean_nats(model, val),
        write_sample=lambda model, number: sample_text(model, job.tokenizer, prompt, settings.seed + number),
    )
