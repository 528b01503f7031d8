"""Training by gradients, through Lightning: from a job to the best weights, or on from a checkpoint."""

import logging
import warnings
from typing import Any

import pytorch_lightning as pl
import torch
from rich.console import Console

from inkloom.data.batches import BATCHINGS, BatchSource
from inkloom.errors import InputError, InterruptedByUserError
from inkloom.files import write_json
from inkloom.models import FAMILIES
from inkloom.models.base import LanguageModel
from inkloom.runs import RunConfig, RunDirectory
from inkloom.runs.run import Run, build_model, load_run
from inkloom.runs.weights import load_weights, save_weights
from inkloom.training.callbacks.averaging import Averaging
from inkloom.training.callbacks.checkpoints import Checkpoints, SafeCheckpointIO
from inkloom.training.callbacks.display import Display
from inkloom.training.callbacks.interrupt import Interrupt
from inkloom.training.callbacks.metrics import Metrics
from inkloom.training.callbacks.samples import Samples
from inkloom.training.callbacks.validation import Validation
from inkloom.training.config import TrainingConfig
from inkloom.training.job import Job
from inkloom.training.machine import Machine, choose, keep_memory
from inkloom.training.objectives import OBJECTIVES
from inkloom.training.schedule import progress_for
from inkloom.training.trained import Trained


def train_by_gradients(job: Job) -> Trained:
    """Train the family's objective to the end of its budget, steps or epochs.

    Raises InterruptedByUserError after Ctrl-C, when all is saved.
    """
    run, settings = job.run, job.settings
    machine = _machine(run, settings)
    torch.manual_seed(settings.seed)
    model = build_model(job.config, job.tokenizer).to(machine.device)
    _initialise(model, job.config)

    source = BATCHINGS.load(settings.batching)(
        job.encoded["train"].ids, settings.batch_size, settings.seq_len, settings.seed
    )
    progress = progress_for(settings, source.steps_per_epoch, job.clock)
    objective = OBJECTIVES.load(FAMILIES[job.config.model["name"]].objective)(model, settings, progress)
    _describe_training(job.console, job.config, machine, model, source)
    averaging = Averaging(model, settings.averaging)
    scored = averaging.averaged
    validation = Validation(scored, job.encoded["val"], progress, settings.validations, settings.patience)
    interrupt = Interrupt()
    tokens_per_step = settings.batch_size * settings.seq_len
    prompt = Run(run).default_prompt
    callbacks = [
        interrupt,
        averaging,
        validation,
        Metrics(run.metrics_file, validation, progress, tokens_per_step),
        Samples(scored, run.samples_file, validation, progress, job.tokenizer, prompt, settings.samples, settings.seed),
        Display(job.console, validation, progress, tokens_per_step),
        Checkpoints(scored, run, validation, job.clock, settings.checkpoint_seconds),
    ]
    steps = job.checkpoint["global_step"] if job.checkpoint else 0
    if job.checkpoint is None or not job.checkpoint["finished"]:
        trainer = _trainer(run, settings, machine, callbacks)
        with warnings.catch_warnings():
            # The batches depend on the step alone, so a mid-epoch resume is exact, whatever Lightning may fear.
            warnings.filterwarnings("ignore", module="pytorch_lightning")
            resumed = run.last_checkpoint if job.checkpoint else None
            trainer.fit(objective, source.batches_from(steps), ckpt_path=resumed)
        steps = trainer.global_step
        if interrupt.stopped:
            if not run.weights_file.exists():
                save_weights(scored, run.weights_file)
            raise InterruptedByUserError(
                f"Stopped at step {steps:,}; all is saved. Go on with: inkloom train --resume {run.path}"
            )
    seconds = job.clock.seconds
    load_weights(model, run.weights_file)
    return Trained(model, steps, steps * tokens_per_step, seconds)


def _machine(run: RunDirectory, settings: TrainingConfig) -> Machine:
    """The measured choices: those the run began with, or new ones, written down at once."""
    if run.measured_file.exists():
        return Machine(**run.read_json(run.measured_file))
    machine = choose(settings)
    write_json(run.measured_file, machine.as_json())
    return machine


def _initialise(model: LanguageModel, config: RunConfig) -> None:
    if config.init is not None:
        load_weights(model, load_run(config.init).directory.weights_file)


def _trainer(run: RunDirectory, settings: TrainingConfig, machine: Machine, callbacks: list[pl.Callback]) -> pl.Trainer:
    torch.set_num_threads(machine.threads)
    keep_memory()
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    return pl.Trainer(
        accelerator=machine.device if machine.device != "cuda" else "gpu",
        devices=1,
        precision="bf16-mixed" if machine.precision == "bfloat16" else "32-true",
        max_epochs=1,  # the batches go on without end; the validation callback stops the training
        callbacks=[*callbacks[:-1], *_tensorboard_callbacks(settings), callbacks[-1]],
        logger=_tensorboard(run, settings),
        plugins=[SafeCheckpointIO()],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=50,
        default_root_dir=run.path,
    )


def _tensorboard(run: RunDirectory, settings: TrainingConfig) -> Any:
    if not settings.tensorboard:
        return False
    try:
        from pytorch_lightning.loggers import TensorBoardLogger

        return TensorBoardLogger(save_dir=run.path, name="tensorboard", version="")
    except ModuleNotFoundError as error:
        raise InputError(
            "training.tensorboard needs the package tensorboard, which is not installed. "
            "Install inkloom[tensorboard], or leave the option out: metrics.csv is written in any case."
        ) from error


def _tensorboard_callbacks(settings: TrainingConfig) -> list[pl.Callback]:
    if not settings.tensorboard:
        return []
    from pytorch_lightning.callbacks import LearningRateMonitor

    return [LearningRateMonitor(logging_interval="step")]


def _describe_training(
    console: Console, config: RunConfig, machine: Machine, model: LanguageModel, source: BatchSource
) -> None:
    """What is trained and how, in two lines."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    rates = f" (measured: {machine.float32_rate:,.0f} GFLOP/s in float32, {machine.bfloat16_rate:,.0f} in bfloat16)"
    console.print(
        f"Model: {config.model['name']}, {parameters:,} parameters; batches of {source.batch_size} x {source.seq_len}"
    )
    console.print(f"Machine: {machine.device}, {machine.precision}{rates if machine.bfloat16_rate else ''}")
