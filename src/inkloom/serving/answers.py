"""Samples of a job on their way to the client: whole, or in pieces as server-sent events."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from inkloom.generation.rows import Token
from inkloom.serving.errors import ApiError, as_api_error, json_response, to_json
from inkloom.serving.jobs import Job
from inkloom.serving.metrics import Metrics
from inkloom.serving.reports import Entry, Report
from inkloom.serving.scheduler import merged
from inkloom.serving.shapes import Piece, Shape

DONE = b"data: [DONE]\n\n"

CLIENT_GONE = 499
"""What the metrics have as the status of a request whose client did not wait for the answer."""

LAST_WORD_SECONDS = 1.0
"""How long a client that reads nothing is given to take in the error that ends its stream."""

SendEvent = Callable[[bytes], Awaitable[None]]


class Answer:
    """A job at work. When nobody waits for it any more, or it takes too long, its rows leave the batch."""

    def __init__(self, job: Job, shape: Shape, seconds: float, metrics: Metrics) -> None:
        """seconds: how long it may take. Raises QueueFullError where the samples are too many."""
        self._job = job
        self._shape = shape
        self._seconds = seconds
        self._metrics = metrics
        self._began = time.perf_counter()
        self._tokens_written = 0
        self._generations = job.engine.submit(job.requests)

    async def response(self, receive: Receive) -> Response:
        """The whole answer. ApiError where it takes too long."""
        written: list[list[Token]] = [[] for _ in self._generations]
        async with self._at_work(receive):
            async for place, tokens in merged(self._generations):
                self._count(tokens)
                written[place] += tokens
        if not all(tokens and tokens[-1].finish_reason for tokens in written):
            return Response(status_code=CLIENT_GONE)
        samples = [self._sample(place).add(written[place]) for place in self._kept(written)]
        return json_response(self._shape.whole(samples, self._usage()))

    async def stream(self, receive: Receive, send: SendEvent) -> None:
        """The samples as events while they are written; an error is the last of them."""
        samples = [self._sample(place) for place in range(len(self._generations))]
        usage = {"usage": None} if self._job.include_usage else {}
        try:
            async with self._at_work(receive):
                async for place, tokens in merged(self._generations):
                    self._count(tokens)
                    first = not samples[place].begun
                    piece = samples[place].add(tokens)
                    if first or any(piece):
                        await send(_event(self._shape.chunk([self._shape.delta(place, piece, first)], usage)))
        except Exception as error:
            async with asyncio.timeout(LAST_WORD_SECONDS):
                await send(_event(as_api_error(error).body))
            return
        if not all(sample.finished for sample in samples):
            return  # the client has gone
        if self._job.include_usage:
            await send(_event(self._shape.chunk([], {"usage": self._usage()})))
        await send(DONE)

    @contextlib.asynccontextmanager
    async def _at_work(self, receive: Receive) -> AsyncIterator[None]:
        watcher = asyncio.create_task(_when_gone(receive, self._cancel))
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except TimeoutError:
            message = f"This took longer than {self._seconds:g} s. Ask for fewer tokens or samples."
            raise ApiError(408, message, code="timeout") from None
        finally:
            watcher.cancel()
            self._cancel()
            self._metrics.tokens(self._job.engine.name, self._job.prompt_tokens, self._tokens_written)

    def _cancel(self) -> None:
        for generation in self._generations:
            generation.cancel()

    def _count(self, tokens: Sequence[Token]) -> None:
        if not self._tokens_written:
            self._metrics.first_token(self._job.engine.name, time.perf_counter() - self._began)
        self._tokens_written += len(tokens)

    def _sample(self, place: int) -> "_Sample":
        return _Sample(self._job, place, self._shape.report(self._job.engine))

    def _kept(self, written: Sequence[Sequence[Token]]) -> list[int]:
        """The places of the samples to tell, the best of each prompt where more were written."""
        job = self._job
        if job.kept == job.samples:
            return list(range(len(written)))
        kept = []
        for begin in range(0, len(written), job.samples):
            group = range(begin, begin + job.samples)
            kept += sorted(group, key=lambda place: _mean_logprob(written[place]), reverse=True)[: job.kept]
        return kept

    def _usage(self) -> dict[str, int]:
        written = self._tokens_written if self._job.writes else 0
        read = self._job.prompt_tokens
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


class EventStream(Response):
    """An answer as server-sent events."""

    media_type = "text/event-stream"

    def __init__(self, answer: Answer) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_event(event: bytes) -> None:
            await send({"type": "http.response.body", "body": event, "more_body": True})

        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await self._answer.stream(receive, send_event)
        await send({"type": "http.response.body", "body": b""})


class _Sample:
    """One sample on its way."""

    def __init__(self, job: Job, place: int, report: Report) -> None:
        self.begun = False
        self.finished = False
        self._job = job
        self._place = place
        self._report = report

    def add(self, tokens: Sequence[Token]) -> Piece:
        """What to tell with these tokens, the next of the sample."""
        job, echoed = self._job, self._job.echo and not self.begun
        self.begun = True
        self.finished = tokens[-1].finish_reason is not None
        shown = tokens if job.writes else ()
        text = "".join(token.text for token in shown)
        if echoed:
            text = job.engine.vocabulary.decode(job.prompt_of(self._place)) + text
        logprobs = None
        if job.logprobs is not None:
            prompt = job.prompt_entries(self._place, tokens[0]) if echoed else []
            logprobs = self._report.add(prompt, [Entry(token.id, token.logprob, token.likeliest) for token in shown])
        return Piece(text, logprobs, tokens[-1].finish_reason if job.writes else "length")


async def _when_gone(receive: Receive, cancel: Callable[[], None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    cancel()


def _event(body: Mapping[str, Any]) -> bytes:
    return f"data: {to_json(body)}\n\n".encode()


def _mean_logprob(tokens: Sequence[Token]) -> float:
    return sum(token.logprob for token in tokens) / len(tokens)
