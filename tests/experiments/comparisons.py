"""A small comparison, made once for all tests that look at one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import inkloom
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
