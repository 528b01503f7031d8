"""What every training has once it has begun, whatever its task."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from rich.console import Console
from torch import nn

from inkloom.config import build
from inkloom.runs import RunConfig, RunDirectory
from inkloom.training.callbacks.checkpoints import SafeCheckpointIO
from inkloom.training.config import TrainingConfig
from inkloom.training.schedule import Clock


@dataclass(frozen=True, kw_only=True)
class Begun:
    """Where a training lies and what it was asked for.

    clock: counts the budget, with the seconds before an interruption.
    checkpoint: the resume state, where the training goes on.
    """

    run: RunDirectory
    config: RunConfig
    settings: TrainingConfig
    clock: Clock
    console: Console
    checkpoint: Mapping[str, Any] | None

    @classmethod
    def now(cls, run: RunDirectory, config: RunConfig, console: Console) -> Self:
        """Begin, or go on from the run's checkpoint; the clock starts.

        config: filled in, as the run's config.json holds it.
        """
        checkpoint = SafeCheckpointIO().load_checkpoint(run.last_checkpoint) if run.last_checkpoint.exists() else None
        return cls(
            run=run,
            config=config,
            settings=build(TrainingConfig, config.training, "training"),
            clock=Clock(before=checkpoint["seconds"] if checkpoint else 0.0),
            console=console,
            checkpoint=checkpoint,
        )

    def summary(self, model: nn.Module, steps: int, tokens_seen: int, seconds: float) -> dict[str, Any]:
        """How evaluation.json begins: what was trained, and what it took. seconds: of training."""
        return {
            "run": str(self.run.path),
            "model": self.config.model["name"],
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "steps": steps,
            "tokens_seen": tokens_seen,
            "seconds": round(seconds, 3),
            "tokens_per_second": round(tokens_seen / max(seconds, 1e-9), 1),
        }
