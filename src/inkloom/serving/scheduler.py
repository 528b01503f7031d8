"""One thread a model that writes all samples asked for at once: requests join and leave its batch between tokens.

The thread alone touches the model and its `Batch`. An asyncio loop submits requests and gets their tokens, those of all
rows in one call to the loop.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

from inkloom.errors import InkloomError
from inkloom.generation.decode import Batch
from inkloom.generation.rows import Request, Token
from inkloom.models.base import LanguageModel
from inkloom.tokenizers import Tokenizer

log = logging.getLogger("inkloom")

Result = TypeVar("Result")

DELIVERY_SECONDS = 0.03
"""Tokens are handed on together for so long, but at once where a text begins or ends. Thirty times a second is smooth
to look at, and every time costs each client an event: some 0.1 ms of the cores that the model wants."""


class QueueFullError(InkloomError):
    """More samples wait than the server allows."""


class StoppedError(InkloomError):
    """The scheduler has been closed."""


class Generation:
    """One sample that is being written: an asynchronous iterator of the tokens written since it was last asked.

    Whoever does not want the rest calls `cancel`, and its row leaves before the next token. An error of the model is
    raised where the next tokens were expected.
    """

    def __init__(self, request: Request, scheduler: "Scheduler", news: asyncio.Event) -> None:
        """news: set whenever something has happened, here or to the others that were submitted with it."""
        self.request = request
        self.news = news
        self.loop = asyncio.get_running_loop()
        self.begun = False
        self.ended = False
        self._scheduler = scheduler
        self._tokens: list[Token] = []
        self._error: Exception | None = None

    def __aiter__(self) -> "Generation":
        return self

    async def __anext__(self) -> list[Token]:
        """The tokens since the last call, at least one."""
        while not (tokens := self.take()):
            if self.ended:
                raise StopAsyncIteration
            self.news.clear()
            await self.news.wait()
        return tokens

    def take(self) -> list[Token]:
        """The tokens since the last call, perhaps none; raises the error that has ended them."""
        tokens, self._tokens = self._tokens, []
        if self._error is not None and not tokens:
            raise self._error
        return tokens

    @property
    def has_news(self) -> bool:
        """Whether `take` would give something, or nothing more will come."""
        return bool(self._tokens) or self.ended

    def cancel(self) -> None:
        """Stop writing. Tokens that are there already can still be read; a sample that is finished is left as it is."""
        if not self.ended:
            self._end()
            self._scheduler.leave(self)

    def receive(self, token: Token) -> None:
        """Take in a token, in the loop's thread."""
        if not self.ended:
            self._tokens.append(token)
            self.ended = token.finish_reason is not None
            self.news.set()

    def fail(self, error: Exception) -> None:
        """End with an error, in the loop's thread."""
        if not self.ended:
            self._error = error
            self._end()

    def _end(self) -> None:
        self.ended = True
        self.news.set()


async def merged(generations: Sequence[Generation]) -> AsyncIterator[tuple[int, list[Token]]]:
    """What generations that were submitted together write, as it comes: (place among them, tokens)."""
    going_on = dict(enumerate(generations))
    while going_on:
        for place, generation in list(going_on.items()):
            if tokens := generation.take():
                yield place, tokens
            elif generation.ended:
                del going_on[place]
        generations[0].news.clear()
        if going_on and not any(generation.has_news for generation in going_on.values()):
            await generations[0].news.wait()


class Scheduler:
    """The thread of a model. Its methods may be called from any thread, those that return awaitables from a loop's."""

    def __init__(self, model: LanguageModel, tokenizer: Tokenizer, max_rows: int, max_queue: int, name: str) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._max_rows = max_rows
        self._max_queue = max_queue
        self._changed = threading.Condition()
        self._waiting: deque[Generation] = deque()
        self._leaving: list[Generation] = []
        self._calls: deque[Callable[[], None]] = deque()
        self._taken = 0
        """Samples that have left the queue and were not yet known to be finished when the thread last looked at it."""

        self._closed = False
        # The thread's own:
        self._rows: dict[int, Generation] = {}
        self._written: list[tuple[Generation, Token]] = []
        self._delivered = 0.0
        self._thread = threading.Thread(target=self._work, name=f"inkloom-{name}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> int:
        """Samples that are being written."""
        return len(self._rows)

    @property
    def waiting(self) -> int:
        """Samples that wait for their turn."""
        return len(self._waiting)

    def submit(self, requests: Sequence[Request]) -> list[Generation]:
        """Have samples written, all or none. QueueFullError where so many cannot wait. Call it from the loop."""
        news = asyncio.Event()
        generations = [Generation(request, self, news) for request in requests]
        with self._changed:
            self._check_open()
            if self._taken + len(self._waiting) + len(generations) > self._max_rows + self._max_queue:
                raise QueueFullError(
                    f"{len(self._waiting)} samples wait already, and at most {self._max_queue} may. Try again later."
                )
            self._waiting.extend(generations)
            self._changed.notify()
        return generations

    def leave(self, generation: Generation) -> None:
        """Give up a sample."""
        with self._changed:
            self._leaving.append(generation)
            self._changed.notify()

    async def call(self, work: Callable[[], Result]) -> Result:
        """What `work` returns, run by the model's thread between two tokens. Nothing is written meanwhile."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()

        def run() -> None:
            try:
                self._check_open()
                settle: tuple[Callable[[Any], None], Any] = (future.set_result, work())
            except Exception as error:
                settle = (future.set_exception, error)
            _in_loop(loop, lambda: None if future.done() else settle[0](settle[1]))

        with self._changed:
            self._check_open()
            self._calls.append(run)
            self._changed.notify()
        return await future

    def close(self) -> None:
        """Stop the thread before its next token. What is unfinished ends with StoppedError."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _check_open(self) -> None:
        if self._closed:
            raise StoppedError("The server is stopping.")

    def _work(self) -> None:
        batch = Batch(self._model, self._tokenizer)
        batch.prepare()
        while True:
            with self._changed:
                while not (self._closed or self._calls or self._waiting or self._leaving or batch):
                    self._changed.wait()
                if self._closed:
                    break
                calls, self._calls = self._calls, deque()
                leaving, self._leaving = self._leaving, []
                for generation in leaving:
                    if generation in self._waiting:
                        self._waiting.remove(generation)
                left = [number for number, generation in self._rows.items() if generation in leaving]
                room = min(len(self._waiting), self._max_rows - len(self._rows) + len(left))
                joining = [self._waiting.popleft() for _ in range(room)]
                self._taken = len(self._rows) - len(left) + len(joining)
            for call in calls:
                call()
            try:
                self._write(batch, left, joining)
            except Exception as error:
                if not isinstance(error, InkloomError):
                    log.exception("Writing failed.")
                self._fail([*self._rows.values(), *joining], error)
                batch = Batch(self._model, self._tokenizer)
        for call in self._calls:
            call()
        self._fail([*self._rows.values(), *self._waiting], StoppedError("The server is stopping."))

    def _write(self, batch: Batch, left: Sequence[int], joining: Sequence[Generation]) -> None:
        """Let rows leave and join, then write one token in each."""
        if left:
            batch.leave(left)
            for number in left:
                del self._rows[number]
        if joining:
            numbers = batch.join([generation.request for generation in joining])
            self._rows.update(zip(numbers, joining, strict=True))
        if not batch:
            return
        urgent = False
        for token in batch.step():
            generation = self._rows[token.request]
            self._written.append((generation, token))
            urgent |= not generation.begun or token.finish_reason is not None
            generation.begun = True
            if token.finish_reason is not None:
                del self._rows[token.request]
        if urgent or time.monotonic() - self._delivered > DELIVERY_SECONDS:
            self._deliver()

    def _deliver(self) -> None:
        """Hand what has been written to the loops that wait for it."""
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Generation, Token]]] = {}
        for generation, token in self._written:
            by_loop.setdefault(generation.loop, []).append((generation, token))
        self._written.clear()
        self._delivered = time.monotonic()
        for loop, pairs in by_loop.items():
            if not _in_loop(loop, _receive, pairs):
                with self._changed:
                    self._leaving += (generation for generation, _ in pairs)

    def _fail(self, generations: Sequence[Generation], error: Exception) -> None:
        self._deliver()
        self._rows.clear()
        for generation in generations:
            _in_loop(generation.loop, generation.fail, error)


def _receive(pairs: Sequence[tuple[Generation, Token]]) -> None:
    for generation, token in pairs:
        generation.receive(token)


def _in_loop(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: Any) -> bool:
    """Call a function in a loop's thread. False where the loop has ended, so that nobody waits there any more."""
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        if not loop.is_closed():
            raise
        return False
    return True
