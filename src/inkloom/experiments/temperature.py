"""What temperature does to what a model writes: quality against diversity, invention and copies.

Quality is the BLEU of samples against held-out text, and diversity falls as self-BLEU rises (the temperature sweep of
Caccia et al. 2020, "Language GANs Falling Short"). Held-out text has the same value of both: the point to aim at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inkloom.config import build
from inkloom.evaluation.copying import CopyIndex, CopyLevel, held_out_level, mean_level
from inkloom.evaluation.text_metrics import TextComparison, TrainText, text_metrics
from inkloom.experiments.writing import continuations, prompts_from
from inkloom.generation import GenerationConfig
from inkloom.runs.run import Run


@dataclass(frozen=True)
class TemperaturePoint:
    """What a model writes at one temperature, measured."""

    temperature: float
    """0 always takes the likeliest token."""

    text: TextComparison
    copies: CopyLevel

    def as_json(self) -> dict[str, Any]:
        return {"temperature": self.temperature, **self.text.as_json(), "copies": self.copies.as_json()}


@dataclass(frozen=True)
class TemperatureCurve:
    """The points in the order asked for, and the copies of held-out text as their yardstick."""

    points: tuple[TemperaturePoint, ...]
    held_out_copies: CopyLevel

    def as_json(self) -> dict[str, Any]:
        return {
            "temperatures": [point.as_json() for point in self.points],
            "held_out_copies": self.held_out_copies.as_json(),
        }


def temperature_curve(
    run: Run, temperatures: Sequence[float], *, samples: int = 50, max_tokens: int = 500, seed: int = 0
) -> TemperatureCurve:
    """Let a run go on from `samples` places of its held-out text at each temperature, and measure what it writes.

    Raises InputError for a temperature below 0, and where the run's text is gone.
    """
    settings = [
        build(GenerationConfig, {"temperature": temperature, "max_tokens": max_tokens, "seed": seed}, "generation")
        for temperature in temperatures
    ]
    parts = run.parts()
    held_out = parts.get("test", parts["val"])
    train, index = TrainText.of(parts["train"]), CopyIndex(parts["train"])
    prompts = prompts_from(held_out, [run], samples)
    points = []
    longest = 1
    for config in settings:
        texts = continuations(run, prompts, config)
        copies = mean_level([index.report(text).level for text in texts])
        points.append(TemperaturePoint(config.temperature, text_metrics(texts, held_out, train), copies))
        longest = max(longest, *map(len, texts))
    return TemperatureCurve(tuple(points), held_out_level(index, held_out, longest))
