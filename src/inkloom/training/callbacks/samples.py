"""samples.txt: what the model writes on its way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from inkloom.files import GrowingFile
from inkloom.generation import GenerationConfig, generate
from inkloom.models.base import LanguageModel
from inkloom.tokenizers import Tokenizer
from inkloom.training.callbacks.validation import Validation
from inkloom.training.schedule import Progress

LENGTH, TEMPERATURE = 200, 0.8


def sample_title(step: int, loss: float, unit: str = "token") -> str:
    """The line above a sample: the step after which it was written, and the score of val."""
    return f"=== step {step}, val {loss:.4f} nats per {unit} ===\n"


def sample_text(model: LanguageModel, tokenizer: Tokenizer, prompt: str, seed: int) -> str:
    """What the model writes after the prompt, as it stands in the file."""
    config = GenerationConfig(seed=seed, max_tokens=LENGTH, temperature=TEMPERATURE)
    (sample,) = generate(model, tokenizer, prompt, config)
    return f"{sample.text}\n\n"


class Samples(pl.Callback):
    """Write `times` samples at equal distances of progress, each at the validation that reaches its place."""

    def __init__(
        self,
        write: Callable[[int], str],
        file: Path,
        validation: Validation,
        progress: Progress,
        times: int,
        unit: str = "token",
    ) -> None:
        """unit: what the nats of the score are per."""
        self.write = write
        self.file = GrowingFile(file)
        self.validation = validation
        self.progress = progress
        self.times = times
        self.unit = unit
        self.written = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.file.cut_back()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        due = int(self.progress.share(trainer.global_step) * self.times + 1e-9)
        if self.validation.step != trainer.global_step or due <= self.written:
            return
        self.written = due
        self.file.append(sample_title(trainer.global_step, self.validation.loss, self.unit) + self.write(due))

    def state_dict(self) -> dict[str, Any]:
        return {"written": self.written, "offset": self.file.offset}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.written, self.file.offset = state_dict["written"], state_dict["offset"]
