"""How the two endpoints word their answers, whole or in chunks."""

import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from inkloom.serving.reports import ChatReport, CompletionReport, Report


class Piece(NamedTuple):
    """Something of a sample, or all of it."""

    text: str
    logprobs: dict[str, Any] | None
    finish_reason: str | None
    """With the last piece."""


class Shape(ABC):
    """The wording of one answer."""

    prefix: ClassVar[str]
    kind: ClassVar[str]
    chunk_kind: ClassVar[str]
    report: ClassVar[type[Report]]
    extras: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, model: str) -> None:
        self._about = {"id": f"{self.prefix}-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}

    def whole(self, samples: Sequence[Piece], usage: Mapping[str, int]) -> dict[str, Any]:
        """The answer that is not streamed."""
        choices = [self.choice(index, sample) for index, sample in enumerate(samples)]
        return {**self._about, "object": self.kind, "choices": choices, "usage": usage, **self.extras}

    def chunk(self, choices: Sequence[dict[str, Any]], usage: Mapping[str, Any]) -> dict[str, Any]:
        """A part of a stream; `usage` is that field where it is wanted."""
        return {**self._about, "object": self.chunk_kind, "choices": list(choices), **usage}

    @abstractmethod
    def choice(self, index: int, piece: Piece) -> dict[str, Any]:
        """A whole sample."""

    @abstractmethod
    def delta(self, index: int, piece: Piece, first: bool) -> dict[str, Any]:
        """A piece of a sample in a chunk."""


class CompletionShape(Shape):
    """/v1/completions."""

    prefix = "cmpl"
    kind = chunk_kind = "text_completion"
    report = CompletionReport

    def choice(self, index: int, piece: Piece) -> dict[str, Any]:
        return {
            "text": piece.text,
            "index": index,
            "logprobs": piece.logprobs,
            "finish_reason": piece.finish_reason,
        }

    def delta(self, index: int, piece: Piece, first: bool) -> dict[str, Any]:
        return self.choice(index, piece)


class ChatShape(Shape):
    """/v1/chat/completions."""

    prefix = "chatcmpl"
    kind = "chat.completion"
    chunk_kind = "chat.completion.chunk"
    report = ChatReport
    extras: ClassVar[Mapping[str, Any]] = {"chat_template": "plain"}

    def choice(self, index: int, piece: Piece) -> dict[str, Any]:
        return {
            "index": index,
            "message": {"role": "assistant", "content": piece.text, "refusal": None},
            "logprobs": piece.logprobs,
            "finish_reason": piece.finish_reason,
        }

    def delta(self, index: int, piece: Piece, first: bool) -> dict[str, Any]:
        role = {"role": "assistant"} if first else {}
        return {
            "index": index,
            "delta": {**role, "content": piece.text},
            "logprobs": piece.logprobs,
            "finish_reason": piece.finish_reason,
        }
