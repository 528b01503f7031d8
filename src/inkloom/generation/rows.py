"""What is asked of the decode loop, and the samples at work on it.

Shapes: B rows, V vocabulary, K likeliest tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from inkloom.errors import InkloomError
from inkloom.generation.settings import GenerationConfig
from inkloom.generation.text_stream import FinishReason, TextStream
from inkloom.tokenizers.base import Tokenizer

NOT_FINITE = (
    "The model's logits are not finite: its weights are damaged, or its training diverged. "
    "Train again with a lower learning rate, or restore an older copy of the run."
)

Likeliest: TypeAlias = tuple[tuple[int, float], ...]
"""Tokens that a model thought likeliest in some place, as (id, nats), the likeliest first."""


@dataclass(frozen=True)
class Request:
    """One sample to write. `generator` is its randomness alone (see `generator_of_sample`), used up by decoding."""

    prompt: Sequence[int]
    settings: GenerationConfig
    generator: torch.Generator

    likeliest: int = 0
    """How many of the likeliest tokens to report in the place of each."""

    score_prompt: bool = False
    """Whether to report what the model gave the tokens of the prompt."""

    condition: object | None = None
    """What the text is about, where the model's `initial_state` takes something: what it takes for one row."""


class Score(NamedTuple):
    """What the model gave a token, under its own softmax in float32: before penalties, temperature and filters."""

    logprob: float
    """Nats."""

    likeliest: Likeliest


class Token(NamedTuple):
    """One token that a row has written."""

    request: int
    """The number of its request, in the order in which requests joined."""

    id: int

    logprob: float
    """Nats, under the model's own softmax in float32: before penalties, temperature and filters."""

    text: str
    """Text that became final with this token; often none or several tokens' worth."""

    finish_reason: FinishReason | None
    """None while the row goes on."""

    likeliest: Likeliest = ()
    """As many as the request asks for."""

    prompt: tuple[Score, ...] | None = None
    """What the tokens of the prompt were given, with the first token of a row whose request asks for it."""


class Row:
    """A request at work."""

    def __init__(self, number: int, request: Request, tokenizer: Tokenizer) -> None:
        self.number = number
        self.request = request
        self.written: list[int] = []
        self.prompt_scores: tuple[Score, ...] | None = None
        self._end_id = tokenizer.end_id
        settings = request.settings
        self._ends_with_text = bool(settings.stop) or settings.max_words is not None
        self._text = TextStream(tokenizer.decoder(request.prompt), settings.stop, settings.max_words)

    def goes_on(self, token: int) -> bool:
        """Whether it is certain, before its text is known, that the row will not end with this token."""
        if token == self._end_id or self._ends_with_text:
            return False
        return len(self.written) + 1 < self.request.settings.max_tokens

    def write(self, token: int, score: Score) -> Token:
        """Add a token. InkloomError where the model's logits were not finite."""
        if score.logprob != score.logprob:  # any logit that is NaN or +inf makes every log-probability NaN
            raise InkloomError(NOT_FINITE)
        self.written.append(token)
        text, finish_reason = self._show(token)
        prompt, self.prompt_scores = self.prompt_scores, None
        likeliest = score.likeliest[: self.request.likeliest]
        return Token(self.number, token, score.logprob, text, finish_reason, likeliest, prompt)

    def _show(self, token: int) -> tuple[str, FinishReason | None]:
        """The text that becomes final with a token, and whether the row ends."""
        if token == self._end_id:
            return self._text.flush(), self._text.finish_reason or "stop"
        text = self._text.push(token)
        if self._text.finish_reason is None and len(self.written) >= self.request.settings.max_tokens:
            text += self._text.flush()
            return text, self._text.finish_reason or "length"
        return text, self._text.finish_reason


def scores(logits_BV: Tensor, tokens_B: Tensor, likeliest: int) -> list[Score]:
    """What a model gave each of these tokens, with its K = `likeliest` favourites in their place."""
    shifted_BV, totals_B1 = _log_softmax(logits_BV)
    logprobs_B = (shifted_BV.gather(1, tokens_B[:, None]) - totals_B1)[:, 0].tolist()
    if likeliest == 0:
        return [Score(logprob, ()) for logprob in logprobs_B]
    top_BK = (shifted_BV - totals_B1).topk(min(likeliest, logits_BV.shape[1]), dim=-1)
    favourites = zip(top_BK.indices.tolist(), top_BK.values.tolist(), strict=True)
    return [
        Score(logprob, tuple(zip(ids, nats, strict=True)))
        for logprob, (ids, nats) in zip(logprobs_B, favourites, strict=True)
    ]


def _log_softmax(logits_BV: Tensor) -> tuple[Tensor, Tensor]:
    """The log-softmax as x - max x, (B, V), and what is still to be taken off, log sum exp (x - max x), (B, 1); one or
    the other is NaN in a row with a logit that is NaN or infinity.

    By NumPy, since torch calls its threads for 32 rows of 65 numbers already: that takes longer than the sums do, and
    keeps the threads that read tokens from their cores.
    """
    logits = logits_BV.numpy()
    with np.errstate(invalid="ignore"):
        shifted = logits - logits.max(axis=-1, keepdims=True)
        totals = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return torch.from_numpy(shifted), torch.from_numpy(totals)
