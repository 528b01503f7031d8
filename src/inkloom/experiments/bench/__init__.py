"""How fast training, writing, scoring, reading and counting are on this machine: what `inkloom bench` prints."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from inkloom.corpus.base import Corpus
from inkloom.experiments.bench.timing import Line
from inkloom.registry import Registry

Bench: TypeAlias = Callable[[Corpus, int], Sequence[Line]]
"""(text, rounds) -> what was measured."""

BENCHES: Registry[Bench] = Registry(
    "benchmark",
    {
        "train": "inkloom.experiments.bench.training:bench_train",
        "generate": "inkloom.experiments.bench.writing:bench_generate",
        "evaluate": "inkloom.experiments.bench.scoring:bench_evaluate",
        "data": "inkloom.experiments.bench.reading:bench_data",
        "ngram": "inkloom.experiments.bench.counting:bench_ngram",
    },
)

__all__ = ["BENCHES", "Bench", "Line"]
