"""A small comparison, made once for all tests that look at one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import inkloom
from inkloom.experiments.comparison.judged import WriterComparison
from inkloom.experiments.comparison.results import Comparison

TINY = (
    "model.hidden_size=8",
    "model.embedding_size=8",
    "training.batch_size=4",
    "training.samples=0",
    "training.validations=2",
    "training.precision=float32",
)
"""Settings under which a training takes half a second."""


def compare(text: Path, out: Path, models: str, *more: str, **options: Any) -> Comparison:
    """A comparison of tiny models; of 640 tokens where no other length is given."""
    if not options.keys() & {"budget", "epochs", "tokens"}:
        options["tokens"] = 640
    if "seq_lens" not in options:
        more = ("training.seq_len=16", *more)
    if "ngram" in models:
        more = ("ngram.order=3", *more)
    return inkloom.compare(text, models, out=out, overrides=(*TINY, *more), **options)


def stamps(folder: Path, names: Sequence[str] = ("model.safetensors", "evaluation.json")) -> dict[Path, int]:
    """When each run's weights and scores were written."""
    return {file: file.stat().st_mtime_ns for name in names for file in sorted(folder.glob(f"runs/*/{name}"))}


TINY_WRITERS = (
    "gan.width=8",
    "gan.heads=2",
    "gan.mapping_layers=1",
    "gan.noise_blocks=1",
    "gan.blocks=1",
    "gan.critic_width=8",
    "gan.critic_heads=2",
    "gan.critic_layers=1",
    "gan.critic_blocks=1",
    "gan.critic_output_layers=1",
    "gan.critic_steps=1",
    "gan.pretraining=0.5",
    "gan.seq_len=6",
    "lstm.hidden_size=8",
    "lstm.embedding_size=8",
    "lstm.seq_len=6",
    "training.batch_size=8",
    "training.validations=1",
    "training.samples=0",
    "training.device=cpu",
    "training.precision=float32",
)


def compare_writers(
    text: Path, out: Path, models: str = "lstm,gan,gan-from-scratch", **options: Any
) -> WriterComparison:
    """A comparison of tiny writers of sentences, a fifth of a second each."""
    lines = {"documents": "lines"}
    settings: dict[str, Any] = {"budget": "0.2s", "seeds": 2, "overrides": TINY_WRITERS, "corpus_options": lines}
    with pytest.MonkeyPatch.context() as patch:
        # One temperature and few sentences show all that the report of each run does with a verdict.
        patch.setattr("inkloom.experiments.gan.TEMPERATURES", (1.0,))
        patch.setattr("inkloom.experiments.gan.COUNT", 4)
        return inkloom.compare(text, models, out=out, **{**settings, **options})
