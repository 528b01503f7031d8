"""The runs that a server has open: what the API and the Studio ask for text, scores and distributions.

    engine = engines["my-lstm"]
    prompt = engine.encode_prompt("Once upon")
    (generation,) = engine.submit(sample_requests([prompt], GenerationConfig(seed=1)))
    async for tokens in generation:                    # those written since the last turn: at least one
        print("".join(token.text for token in tokens))

Shapes: V vocabulary.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from inkloom.errors import InputError
from inkloom.generation.prompts import read_tokens
from inkloom.generation.rows import Request
from inkloom.runs.run import Run
from inkloom.serving.scheduler import Generation, Scheduler
from inkloom.serving.settings import ServerSettings
from inkloom.serving.vocabulary import Vocabulary

Result = TypeVar("Result")


class Engine:
    """A run that is open: its model is loaded, and a thread of its own writes with it."""

    def __init__(self, run: Run, settings: ServerSettings) -> None:
        """Raises InputError where the run has no weights yet or is damaged."""
        self.run = run
        self.name = run.name
        self.model = run.model
        self.tokenizer = run.tokenizer
        self.vocabulary = Vocabulary(run)
        self.scheduler = Scheduler(
            run.model, run.tokenizer, max_rows=settings.max_concurrency, max_queue=settings.max_queue, name=run.name
        )

    def encode_prompt(self, text: str) -> list[int]:
        """The ids of a prompt; an empty one begins as `inkloom generate` does. InputError names unknown characters."""
        return self.vocabulary.encode_prompt(text)

    def submit(self, requests: Sequence[Request]) -> list[Generation]:
        """Have samples written, all or none: see `sample_requests`. QueueFullError where so many cannot wait."""
        return self.scheduler.submit(requests)

    async def next_logits(self, prompt: Sequence[int]) -> Tensor:
        """The model's own logits of the token after a prompt, (V,) float32: before temperature and filters."""
        return await self.call(lambda: self._next_logits(prompt))

    async def call(self, work: Callable[[], Result]) -> Result:
        """What `work` returns. The model's thread runs it between two tokens, so `work` may use the model as it likes
        (in evaluation mode, with hooks that it removes), but nothing is written meanwhile."""
        return await self.scheduler.call(work)

    def close(self) -> None:
        """Stop writing at once."""
        self.scheduler.close()

    @torch.inference_mode()
    def _next_logits(self, prompt: Sequence[int]) -> Tensor:
        *read, last = self.tokenizer.end_id, *prompt
        logits_BTV: Tensor
        logits_BTV, _ = self.model(torch.tensor([[last]], device=self.model.device), read_tokens(self.model, read))
        return logits_BTV[0, -1].to("cpu", torch.float32)


class Engines(Mapping[str, Engine]):
    """The open runs by name. More can be opened, and closed, while the server runs."""

    def __init__(self, runs: Iterable[Run], settings: ServerSettings) -> None:
        self.settings = settings
        self._engines: dict[str, Engine] = {}
        for run in runs:
            self.open(run)

    def __getitem__(self, name: str) -> Engine:
        return self._engines[name]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._engines))

    def __len__(self) -> int:
        return len(self._engines)

    def open(self, run: Run) -> Engine:
        """Load a run. InputError where it has no weights yet, or another of that name is open."""
        if run.name in self._engines:
            raise InputError(f"Two runs are called {run.name}. Rename the folder of one, or leave it out.")
        engine = Engine(run, self.settings)
        self._engines[run.name] = engine
        return engine

    def close(self, name: str | None = None) -> None:
        """Close one run, or all."""
        for closed in [name] if name is not None else list(self._engines):
            self._engines.pop(closed).close()
