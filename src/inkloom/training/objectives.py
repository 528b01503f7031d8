"""What a model is trained to do, as LightningModules.

Shapes: B rows, T tokens, V vocabulary.
"""

from typing import Any, Generic, TypeVar

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from inkloom.data.batches import Batch
from inkloom.models.base import LanguageModel, State, detach_state, map_state
from inkloom.registry import Registry
from inkloom.training.config import TrainingConfig
from inkloom.training.optimizers import Trainable, build_optimizer
from inkloom.training.schedule import Progress, learning_rate_factor

ModelT = TypeVar("ModelT", bound=Trainable)


class Objective(pl.LightningModule, Generic[ModelT]):
    """What every objective has: an optimiser, a learning rate that follows the progress, a clipped gradient, and
    random numbers that a resumed training goes on with."""

    model: ModelT

    def __init__(self, model: ModelT, config: TrainingConfig, progress: Progress) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.progress = progress
        self.random_state: Tensor | None = None

    def configure_optimizers(self) -> Any:
        """The optimiser, and a learning rate that follows the progress of the training."""
        optimizer = build_optimizer(self.model, self.config)
        schedule = LambdaLR(optimizer, lambda step: learning_rate_factor(self.config, self.progress.share(step)))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        """Clip the norm over all parameters; done here since Lightning refuses it beside a fused optimiser."""
        if self.config.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["random_state"] = torch.get_rng_state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.random_state = checkpoint["random_state"]

    def on_train_start(self) -> None:
        """Last before the first step: building the model and the loop may have drawn random numbers."""
        if self.random_state is not None:
            torch.set_rng_state(self.random_state)


class LanguageModelling(Objective[LanguageModel]):
    """Maximum likelihood of the next token: mean cross-entropy in nats per token, and what the model adds to it.

    On carried streams the state goes from step to step, cut from the graph, and into the checkpoint.
    """

    def __init__(self, model: LanguageModel, config: TrainingConfig, progress: Progress) -> None:
        super().__init__(model, config, progress)
        self.carried: State | None = None
        self.relative_length = 1.0

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """`loss`, which is minimised, and `nats`, the part of it that is the mean cost of a token."""
        del batch_idx
        carried = self.carried if batch.carries else None
        state = self.model.initial_state(len(batch.inputs_BT)) if carried is None else carried
        loss, state = self.model.training_loss(batch.inputs_BT, batch.targets_BT, state)
        if self.config.batching != "windows":
            self.carried = detach_state(state)
        self.relative_length = batch.inputs_BT.shape[1] / self.config.seq_len
        return {"loss": loss.nats + loss.penalty, "nats": loss.nats.detach()}

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """The learning rate follows a random length: short windows would else count for more than long ones.

        The schedule sets the rate of every step anew.
        """
        for group in optimizer.param_groups:
            group["lr"] *= self.relative_length

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint["carried_state"] = self.carried

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        carried = checkpoint["carried_state"]
        self.carried = None if carried is None else map_state(carried, lambda part: part.to(self.model.device))


OBJECTIVES: Registry[type[LanguageModelling]] = Registry(
    "objective", {"language_modelling": "inkloom.training.objectives:LanguageModelling"}
)
