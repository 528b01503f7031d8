"""The loop of everything that is trained by gradients, through Lightning: it knows no family and no task.

What a task brings is `Work`. What it gets: a budget that is kept, exact resume, the best weights on disk, metrics.csv,
samples.txt and a display.
"""

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pytorch_lightning as pl
import torch
from torch import nn

from inkloom.data.batches import Batches
from inkloom.errors import InputError, InterruptedByUserError
from inkloom.files import write_json
from inkloom.runs import RunDirectory
from inkloom.runs.weights import load_weights, save_weights
from inkloom.training.begun import Begun
from inkloom.training.callbacks.averaging import Averaging
from inkloom.training.callbacks.checkpoints import Checkpoints, SafeCheckpointIO
from inkloom.training.callbacks.display import Display
from inkloom.training.callbacks.interrupt import Interrupt
from inkloom.training.callbacks.metrics import Metrics
from inkloom.training.callbacks.samples import Samples
from inkloom.training.callbacks.validation import Validation
from inkloom.training.config import TrainingConfig
from inkloom.training.machine import Machine, choose, keep_memory
from inkloom.training.schedule import Progress, progress_for

ModelT = TypeVar("ModelT", bound=nn.Module)


@dataclass(frozen=True, kw_only=True)
class Work(Generic[ModelT]):
    """What is trained, on what, and how it is judged."""

    model: ModelT
    """The weights that are judged, averaged and kept; on the machine's device."""

    batches: Batches[Any]
    tokens_per_step: int
    """About how many a step reads, for the rates that are shown."""

    batch_shape: str
    """The size of a batch in words, such as `32 x 64`."""

    objective: Callable[[ModelT, TrainingConfig, Progress], pl.LightningModule]
    """Its training step returns `loss`, which is minimised, and `nats`, which is shown."""

    validate: Callable[[ModelT], float]
    """What a model scores on val; the lowest is the best."""

    write_sample: Callable[[ModelT, int], str]
    """What a model writes at the place in the training that the number (from 1 on) stands for."""

    loss_unit: str = "token"
    """What the nats of the score are per."""

    callbacks: Sequence[pl.Callback] = ()
    """Of the objective's own."""


def train_loop(begun: Begun, make: Callable[[Machine], Work[ModelT]]) -> tuple[ModelT, int]:
    """Train to the end of the budget, steps or epochs. Returns the model with its best weights, and the steps.

    make: builds the work, once the machine is chosen and the random numbers are seeded.
    Raises InterruptedByUserError after Ctrl-C, when all is saved.
    """
    run, settings = begun.run, begun.settings
    machine = _machine(run, settings)
    torch.manual_seed(settings.seed)
    work = make(machine)
    progress = progress_for(settings, work.batches.steps_per_epoch, begun.clock)
    objective = work.objective(work.model, settings, progress)
    _describe(begun, machine, work)
    averaging = Averaging(work.model, settings.averaging)
    scored = averaging.averaged
    validation = Validation(lambda: work.validate(scored), progress, settings.validations, settings.patience)
    interrupt = Interrupt()
    callbacks = [
        interrupt,
        averaging,
        validation,
        Metrics(run.metrics_file, validation, progress, work.tokens_per_step),
        Samples(
            lambda number: work.write_sample(scored, number),
            run.samples_file,
            validation,
            progress,
            settings.samples,
            work.loss_unit,
        ),
        Display(begun.console, validation, progress, work.tokens_per_step),
        *work.callbacks,
        Checkpoints(scored, run, validation, begun.clock, settings.checkpoint_seconds),
    ]
    steps = begun.checkpoint["global_step"] if begun.checkpoint else 0
    if begun.checkpoint is None or not begun.checkpoint["finished"]:
        trainer = _trainer(run, settings, machine, callbacks)
        with warnings.catch_warnings():
            # The batches depend on the step alone, so a mid-epoch resume is exact, whatever Lightning may fear.
            warnings.filterwarnings("ignore", module="pytorch_lightning")
            resumed = run.last_checkpoint if begun.checkpoint else None
            trainer.fit(objective, work.batches.batches_from(steps), ckpt_path=resumed)
        steps = trainer.global_step
        if interrupt.stopped:
            if not run.weights_file.exists():
                save_weights(scored, run.weights_file)
            raise InterruptedByUserError(
                f"Stopped at step {steps:,}; all is saved. Go on with: inkloom train --resume {run.path}"
            )
    load_weights(work.model, run.weights_file)
    return work.model, steps


def _machine(run: RunDirectory, settings: TrainingConfig) -> Machine:
    """The measured choices: those the run began with, or new ones, written down at once."""
    if run.measured_file.exists():
        return Machine(**run.read_json(run.measured_file))
    machine = choose(settings)
    write_json(run.measured_file, machine.as_json())
    return machine


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


def _describe(begun: Begun, machine: Machine, work: Work[Any]) -> None:
    """What is trained and how, in two lines."""
    parameters = sum(parameter.numel() for parameter in work.model.parameters())
    rates = f" (measured: {machine.float32_rate:,.0f} GFLOP/s in float32, {machine.bfloat16_rate:,.0f} in bfloat16)"
    begun.console.print(
        f"Model: {begun.config.model['name']}, {parameters:,} parameters; batches of {work.batch_shape}"
    )
    begun.console.print(f"Machine: {machine.device}, {machine.precision}{rates if machine.bfloat16_rate else ''}")
