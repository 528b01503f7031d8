"""A watch on adversarial training: what goes wrong ends it, with the last weights that were good and with advice."""

import logging
import math
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from inkloom.runs import RunDirectory
from inkloom.runs.weights import save_weights
from inkloom.training.adversarial.curves import Written
from inkloom.training.adversarial.objective import Adversarial
from inkloom.training.callbacks.validation import Validation

log = logging.getLogger("inkloom")

VANISHED, EXPLODED = 1e-6, 1e4
"""Norms of the critic's gradient below and above which a step counts as bad. At the published settings the norm goes
from about 1 to 100."""

BAD_STEPS = 20
"""In a row that end the training."""

BAD_VALIDATIONS = 3
"""In a row that show a collapse."""

LOST_DIVERSITY = 0.5
"""Collapse: distinct 2-grams below this share of their best so far …"""

GAINED_SAMENESS = 0.5
"""… and self-BLEU farther than this share of the way from its best so far to 1."""

KEPT_EVERY = 25
"""Steps between two copies of weights that are good."""


class Watch(pl.Callback):
    """Ends the training where it no longer leads anywhere. `trouble` says why, in words for the user; None while all
    is well."""

    def __init__(self, run: RunDirectory, written: Callable[[], Written | None]) -> None:
        """written: what the last validation saw; None before the first."""
        self.run = run
        self.written = written
        self.trouble: str | None = None
        self.good: dict[str, Tensor] = {}
        self.bad_steps = 0
        self.bad_validations = 0
        self.judged: Written | None = None
        self.best_distinct = 0.0
        self.best_self_bleu = 1.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Adversarial)
        self.good = copied(pl_module.model)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any) -> None:
        assert isinstance(pl_module, Adversarial)
        step = trainer.global_step
        self.trouble = self._trouble(pl_module, float(outputs["loss"]))
        if self.trouble is None:
            if step % KEPT_EVERY == 0 and self.bad_steps == 0:
                self.good = copied(pl_module.model)
            return
        pl_module.model.load_state_dict(self.good)
        if not self.run.weights_file.exists():
            save_weights(pl_module.model, self.run.weights_file)
        log.warning(f"The training ends at step {step:,}: {self.trouble}")
        validation = next(callback for callback in trainer.callbacks if isinstance(callback, Validation))  # type: ignore[attr-defined]
        validation.finished = trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        names = ("bad_steps", "bad_validations", "best_distinct", "best_self_bleu")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for name, value in state_dict.items():
            setattr(self, name, value)

    def _trouble(self, objective: Adversarial, loss: float) -> str | None:
        measures, config = objective.measures, objective.model.config
        losses = [loss] + ([measures.critic_loss, measures.penalty] if measures.critic_steps else [])
        if not all(map(math.isfinite, losses)):
            return "a loss is not finite. Its last good weights are kept. Try a lower -o training.learning_rate."
        if not config.watch:
            return None
        return self._bad_gradient(measures.critic_steps, measures.critic_gradient) or self._collapse()

    def _bad_gradient(self, critic_steps: int, norm: float) -> str | None:
        bad = critic_steps > 0 and not VANISHED < norm < EXPLODED
        self.bad_steps = self.bad_steps + 1 if bad else 0
        if self.bad_steps < BAD_STEPS:
            return None
        if norm <= VANISHED:
            return (
                f"the critic's gradient has vanished (norm {norm:.1g}), so the generator learns nothing more. Its last "
                "good weights are kept. Try fewer -o model.critic_steps, or -o model.objective=diffusion."
            )
        return (
            f"the critic's gradient has exploded (norm {norm:.1g}). The generator's last good weights are kept. Try a "
            "lower -o model.critic_learning_rate, or a higher -o model.penalty."
        )

    def _collapse(self) -> str | None:
        written = self.written()
        if written is None or written is self.judged:
            return None
        self.judged = written
        self.best_distinct = max(self.best_distinct, written.distinct)
        self.best_self_bleu = min(self.best_self_bleu, written.self_bleu)
        gained = (written.self_bleu - self.best_self_bleu) / max(1 - self.best_self_bleu, 1e-9)
        bad = written.distinct < LOST_DIVERSITY * self.best_distinct and gained > GAINED_SAMENESS
        self.bad_validations = self.bad_validations + 1 if bad else 0
        if self.bad_validations < BAD_VALIDATIONS:
            return None
        return (
            f"its sentences have become alike (self-BLEU {written.self_bleu:.2f} after {self.best_self_bleu:.2f}, "
            f"distinct 2-grams {written.distinct:.0%} after {self.best_distinct:.0%}): a collapse. The best weights "
            "are kept. Try a higher -o model.likelihood_weight, more -o model.pretraining, or -o model.watch=false."
        )


def copied(model: nn.Module) -> dict[str, Tensor]:
    """The weights of a model, in memory of their own."""
    with torch.no_grad():
        return {name: tensor.clone() for name, tensor in model.state_dict().items()}
