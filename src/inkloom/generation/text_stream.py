"""Streaming text that is final: no broken characters, no part of a stop text, and not a word too many."""

import re
from collections.abc import Sequence
from typing import Literal, TypeAlias

from inkloom.tokenizers.base import TokenDecoder

FinishReason: TypeAlias = Literal["stop", "length"]
"""`stop`: the model ended the text, or a stop text appeared; `length`: so much was written as had been asked for."""

_RUNS = re.compile(r"\S+|\s+")


class StopGuard:
    """Passes text on up to the first stop text, and holds back an end that may still become one.

    The first is the one complete first (of two that end together, the longer), so the outcome does not depend on the
    pieces in which the text arrives.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = stop
        self._held = ""
        self.stopped = False

    def push(self, piece: str) -> str:
        """Text that is safe to show now. Not to be called once `stopped`."""
        if not self._stop:
            return piece
        text = self._held + piece
        found = [(start + len(stop), start) for stop in self._stop if (start := text.find(stop)) >= 0]
        if found:
            self.stopped = True
            self._held = ""
            return text[: min(found)[1]]
        safe = self._safe_length(text)
        self._held = text[safe:]
        return text[:safe]

    def flush(self) -> str:
        """What was held back, at the end of the text."""
        held, self._held = self._held, ""
        return held

    def _safe_length(self, text: str) -> int:
        for start in range(len(text)):
            if any(stop.startswith(text[start:]) for stop in self._stop):
                return start
        return len(text)


class WordGuard:
    """Passes text on to the end of its last word, if there is a last one; white space behind a word tells its end."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._begun = 0
        self._in_word = False
        self.ended = False

    def push(self, piece: str) -> str:
        """What belongs to the text. Not to be called once it has `ended`."""
        if self._most is None:
            return piece
        for run in _RUNS.finditer(piece):
            if run[0].isspace():
                self.ended = self._begun == self._most
                if self.ended:
                    return piece[: run.start()]
            elif not self._in_word:
                self._begun += 1
            self._in_word = not run[0].isspace()
        return piece


class TextStream:
    """Token ids to text, through a tokenizer's decoder, a `StopGuard` and a `WordGuard`."""

    def __init__(self, decoder: TokenDecoder, stop: Sequence[str], max_words: int | None = None) -> None:
        self._decoder = decoder
        self._stop = StopGuard(stop)
        self._words = WordGuard(max_words)

    @property
    def finish_reason(self) -> FinishReason | None:
        """What has ended the text: its last word, a stop text, or nothing yet."""
        if self._words.ended:
            return "length"
        return "stop" if self._stop.stopped else None

    def push(self, token: int) -> str:
        """Text that no later token can change."""
        return self._words.push(self._stop.push(self._decoder.push(token)))

    def flush(self) -> str:
        """The rest, at the end of the text; it may still complete a stop text."""
        rest = self._stop.push(self._decoder.flush())
        return self._words.push(rest + self._stop.flush())
