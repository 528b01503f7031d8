"""Rates measured in turn, with their spread, and what they were measured on."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import torch

from inkloom.runs.directory import versions
from inkloom.training import machine

ROUNDS = 5

Work: TypeAlias = Callable[[], float]
"""Does something and says how much it was: tokens, characters, bytes."""


class Line(NamedTuple):
    """One thing that was measured."""

    what: str
    unit: str
    """A second, such as tokens/s."""

    median: float
    least: float
    most: float
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The line's fields, the rates rounded to what a measurement can tell."""
        rounded = {name: float(f"{getattr(self, name):.4g}") for name in ("median", "least", "most")}
        return {"what": self.what, "unit": self.unit, **rounded, "note": self.note}


def rates_in_turn(works: Mapping[str, Work], unit: str, rounds: int = ROUNDS) -> dict[str, Line]:
    """The rate of each work, after a first round that warms up. Each is done once a round: what slows the machine down
    for a while slows all of them."""
    rates: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(rounds):
        for name, work in works.items():
            began = time.perf_counter()
            done = work()
            rates[name].append(done / max(time.perf_counter() - began, 1e-9))
    return {
        name: Line(name, unit, statistics.median(of_work), min(of_work), max(of_work))
        for name, of_work in rates.items()
    }


def measured_on() -> dict[str, Any]:
    """The machine, its measured product rates in 1e9 operations a second, and the versions of what computes."""
    rates = {name: round(machine.product_rate("cpu", dtype), 1) for name, dtype in machine.DTYPES.items()}
    return {
        "processor": machine.describe_processor(),
        "vector_instructions": torch.backends.cpu.get_cpu_capability(),
        "gflops": rates,
        "versions": versions(),
    }
