"""Streaming text that is final: no broken characters, and no part of a stop text."""

from collections.abc import Sequence

from inkloom.tokenizers.base import TokenDecoder


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


class TextStream:
    """Token ids to text, through a tokenizer's decoder and a `StopGuard`."""

    def __init__(self, decoder: TokenDecoder, stop: Sequence[str]) -> None:
        self._decoder = decoder
        self._guard = StopGuard(stop)

    @property
    def stopped(self) -> bool:
        """Whether a stop text has ended the text."""
        return self._guard.stopped

    def push(self, token: int) -> str:
        """Text that no later token can change."""
        return self._guard.push(self._decoder.push(token))

    def flush(self) -> str:
        """The rest, at the end of the text; it may still complete a stop text."""
        text = self._guard.push(self._decoder.flush())
        return text + self._guard.flush()
