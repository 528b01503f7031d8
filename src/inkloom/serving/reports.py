"""Log-probabilities in the shapes of the two endpoints."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

from inkloom.generation.rows import Likeliest
from inkloom.serving.engine import Engine
from inkloom.serving.vocabulary import END

LEAST_LOGPROB = -9999.0
"""What stands for minus infinity, which JSON has not, in the OpenAI API."""


class Entry(NamedTuple):
    """A token to report."""

    id: int
    logprob: float | None
    """None where there is nothing before it that could predict it."""

    likeliest: Likeliest = ()


class Report(ABC):
    """The `logprobs` of a sample, piece by piece: a piece goes on where the one before it stopped."""

    def __init__(self, engine: Engine) -> None:
        self._vocabulary = engine.vocabulary
        self._decoder = engine.tokenizer.decoder()

    @abstractmethod
    def add(self, prompt: Sequence[Entry], written: Sequence[Entry]) -> dict[str, Any]:
        """What to tell of these tokens; a prompt is told, if at all, with the first."""


class CompletionReport(Report):
    """In the shape of /v1/completions."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._offset = 0

    def add(self, prompt: Sequence[Entry], written: Sequence[Entry]) -> dict[str, Any]:
        entries = [*prompt, *written]
        return {
            # An end token is text where a prompt is shown, and none where it ends a sample.
            "text_offset": [self._pass(entry, len(END)) for entry in prompt] + [self._pass(one, 0) for one in written],
            "token_logprobs": [None if entry.logprob is None else _finite(entry.logprob) for entry in entries],
            "tokens": [self._vocabulary.text_of(entry.id) for entry in entries],
            "top_logprobs": [self._alternatives(entry) for entry in entries],
        }

    def _pass(self, entry: Entry, end_length: int) -> int:
        """Where a token begins."""
        begin = self._offset
        self._offset += end_length if entry.id == self._vocabulary.end_id else len(self._decoder.push(entry.id))
        return begin

    def _alternatives(self, entry: Entry) -> dict[str, float] | None:
        """The likeliest tokens and the one that came; of several that read alike, the likeliest."""
        if entry.logprob is None:
            return None
        found: dict[str, float] = {}
        for token, logprob in (*entry.likeliest, (entry.id, entry.logprob)):
            found.setdefault(self._vocabulary.text_of(token), _finite(logprob))
        return found


class ChatReport(Report):
    """In the shape of /v1/chat/completions."""

    def add(self, prompt: Sequence[Entry], written: Sequence[Entry]) -> dict[str, Any]:
        content = [
            {
                **self._described(entry.id, entry.logprob or 0.0),
                "top_logprobs": [self._described(token, logprob) for token, logprob in entry.likeliest],
            }
            for entry in (*prompt, *written)
        ]
        return {"content": content, "refusal": None}

    def _described(self, token: int, logprob: float) -> dict[str, Any]:
        text = self._vocabulary.text_of(token)
        return {"token": text, "logprob": _finite(logprob), "bytes": list(text.encode())}


def _finite(logprob: float) -> float:
    return max(logprob, LEAST_LOGPROB)
