"""samples.txt: what the model writes on its way."""

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


def sample_title(step: int, nats_per_token: float) -> str:
    """The line above a sample: the step after which it was written, and the score of val."""
    return f"=== step {step}, val {nats_per_token:.4f} nats per token ===\n"


def sample_text(model: LanguageModel, tokenizer: Tokenizer, prompt: str, seed: int) -> str:
    """What the model writes after the prompt, as it stands in the file."""
    config = GenerationConfig(seed=seed, max_tokens=LENGTH, temperature=TEMPERATURE)
    (sample,) = generate(model, tokenizer, prompt, config)
    return f"{sample.text}\n\n"


class Samples(pl.Callback):
    """Write `times` samples at equal distances of progress, each at the validation that reaches its place."""

    def __init__(
        self,
        model: LanguageModel,
        file: Path,
        validation: Validation,
        progress: Progress,
        tokenizer: Tokenizer,
        prompt: str,
        times: int,
        seed: int,
    ) -> None:
        self.model = model
        self.file = GrowingFile(file)
        self.validation = validation
        self.progress = progress
        self.tokenizer = tokenizer
        self.prompt = prompt
        self.times = times
        self.seed = seed
        self.written = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.file.cut_back()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        due = int(self.progress.share(trainer.global_step) * self.times + 1e-9)
        if self.validation.step != trainer.global_step or due <= self.written:
            return
        self.written = due
        title = sample_title(trainer.global_step, self.validation.nats_per_token)
        self.file.append(title + sample_text(self.model, self.tokenizer, self.prompt, self.seed + due))

    def state_dict(self) -> dict[str, Any]:
        return {"written": self.written, "offset": self.file.offset}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.written, self.file.offset = state_dict["written"], state_dict["offset"]
