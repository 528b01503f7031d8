"""The samples that one page has asked for, while they are being written."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from inkloom.generation import GenerationConfig
from inkloom.generation.rows import Token
from inkloom.generation.samples import sample_requests
from inkloom.serving.engine import Engine
from inkloom.serving.scheduler import Generation

SHOW_SECONDS = 0.05
"""Between two changes of a text on a page: what is written meanwhile is shown together."""

Taker: TypeAlias = Callable[[Sequence[Token]], None]
"""Takes the tokens of one sample as they come."""


class Writing:
    """Has samples written, and can stop them all."""

    def __init__(self) -> None:
        self._generations: list[Generation] = []

    @property
    def busy(self) -> bool:
        return bool(self._generations)

    async def write(
        self, engine: Engine, prompt: Sequence[int], config: GenerationConfig, takers: Sequence[Taker]
    ) -> None:
        """Write `config.num_samples` samples after a prompt's ids, one for each taker; returns when all have ended.

        Raises QueueFullError where the server is asked for too much, and InkloomError where the model fails.
        """
        generations = engine.submit(sample_requests([prompt], config))
        self._generations += generations
        try:
            await asyncio.gather(*map(_hand_over, generations, takers))
        finally:
            for generation in generations:
                generation.cancel()
            self._generations = [other for other in self._generations if other not in generations]

    def stop(self) -> None:
        """End what is being written; what has been written stays."""
        for generation in self._generations:
            generation.cancel()


async def _hand_over(generation: Generation, take: Taker) -> None:
    async for tokens in generation:
        take(tokens)
        await asyncio.sleep(SHOW_SECONDS)


class Pace:
    """How fast tokens come."""

    def __init__(self) -> None:
        self.tokens = 0
        self._began: float | None = None
        self._last = 0.0

    def count(self, tokens: int) -> None:
        """So many tokens have come."""
        now = time.perf_counter()
        self._began = now if self._began is None else self._began
        self._last = now
        self.tokens += tokens

    @property
    def per_second(self) -> float | None:
        """None before there is anything to measure."""
        if self._began is None or self._last - self._began < SHOW_SECONDS:
            return None
        return self.tokens / (self._last - self._began)
