"""The one decode loop: prompts in, tokens and text out, one token a row and step.

A row is a sample at work. Rows join a `Batch` at any step and leave it when they are done, so no work is spent on rows
that are finished; `decode` does so for a list of requests. What a row writes does not depend on the rows beside it, but
for the last bits of its logits (see `sampling`).

Every text begins after the tokenizer's end token, and the last token of a prompt is read by the first step. So an empty
prompt is no special case, and rows that have just joined are stepped like all others.

Shapes: B rows, T tokens, V vocabulary.
"""

import contextlib
import itertools
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import torch

from inkloom.errors import InkloomError
from inkloom.generation.sampling import Sampler
from inkloom.generation.settings import GenerationConfig
from inkloom.generation.text_stream import TextStream
from inkloom.models.base import LanguageModel, State
from inkloom.tokenizers.base import Tokenizer

PROMPT_CHUNK = 512
"""Tokens of a prompt that are read at once; bounds the memory for logits, of which only the state is kept."""

ROWS_AT_ONCE = 64
"""Rows that `decode` keeps running: past that, a batch gains little speed and a key-value cache grows large."""

NOT_FINITE = (
    "The model's logits are not finite: its weights are damaged, or its training diverged. "
    "Train again with a lower learning rate, or restore an older copy of the run."
)

FinishReason: TypeAlias = Literal["stop", "length"]
"""`stop`: the model ended the text, or a stop text appeared; `length`: max_tokens were written."""


@dataclass(frozen=True)
class Request:
    """One sample to write. `generator` is its randomness alone (see `generator_of_sample`), used up by decoding."""

    prompt: Sequence[int]
    settings: GenerationConfig
    generator: torch.Generator


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


def decode(
    model: LanguageModel, tokenizer: Tokenizer, requests: Iterable[Request], rows_at_once: int = ROWS_AT_ONCE
) -> Iterator[list[Token]]:
    """Write all requests. Yields, step by step, one token of every running row.

    At most `rows_at_once` rows run together; the others wait and join as rows finish. The model is in evaluation mode
    until the iterator is exhausted or closed.
    """
    waiting = deque(requests)
    batch = Batch(model, tokenizer)
    with _evaluating(model):
        while waiting or batch:
            room = min(len(waiting), rows_at_once - len(batch))
            if room:
                batch.join([waiting.popleft() for _ in range(room)])
            yield batch.step()


class Batch:
    """Rows that are decoded together. The model must be in evaluation mode."""

    def __init__(self, model: LanguageModel, tokenizer: Tokenizer) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._device = model.device
        self._joined = 0
        self._rows: list[_Row] = []
        self._state: State = None
        self._unread_B1 = torch.empty(0, 1, dtype=torch.int64, device=self._device)  # each row's newest token
        self._sampler: Sampler | None = None

    def __len__(self) -> int:
        return len(self._rows)

    @torch.inference_mode()
    def join(self, requests: Sequence[Request]) -> range:
        """Read the prompts and add a row for each request. Neighbours with the same prompt read it once.

        Returns the requests' numbers, which their tokens carry.
        """
        first = self._joined
        states = [self._state] if self._rows else []
        unread = []
        for prompt, group in itertools.groupby(requests, key=lambda request: list(request.prompt)):
            rows = [_Row(number, request, self._tokenizer) for number, request in enumerate(group, start=self._joined)]
            *read, last = self._tokenizer.end_id, *prompt
            state = read_tokens(self._model, read)
            states.append(
                self._model.select_state(state, torch.zeros(len(rows), dtype=torch.int64, device=self._device))
            )
            unread += [[last]] * len(rows)
            self._rows += rows
            self._joined += len(rows)
        self._state = self._model.join_states(states)
        self._unread_B1 = torch.cat([self._unread_B1, torch.tensor(unread, device=self._device)])
        self._sampler = self._new_sampler()
        return range(first, self._joined)

    @torch.inference_mode()
    def leave(self, numbers: Collection[int]) -> None:
        """Drop the rows of these requests, before they are finished."""
        self._keep([place for place, row in enumerate(self._rows) if row.number not in numbers])

    @torch.inference_mode()
    def step(self) -> list[Token]:
        """Write one token in every row; rows that are done with it leave."""
        assert self._sampler is not None, "join comes first"
        logits_BTV, self._state = self._model(self._unread_B1, self._state)
        logits_BV = logits_BTV[:, -1].to("cpu", torch.float32)
        tokens_B1 = self._sampler(logits_BV)[:, None]
        logprobs_B1 = logits_BV.log_softmax(dim=-1).gather(1, tokens_B1)
        self._unread_B1 = tokens_B1.to(self._device)
        written = [
            row.write(token, logprob)
            for row, (token,), (logprob,) in zip(self._rows, tokens_B1.tolist(), logprobs_B1.tolist(), strict=True)
        ]
        going_on = [row for row, token in enumerate(written) if token.finish_reason is None]
        if len(going_on) < len(written):
            self._keep(going_on)
        return written

    def _keep(self, rows: list[int]) -> None:
        index_B = torch.tensor(rows, dtype=torch.int64, device=self._device)
        self._rows = [self._rows[row] for row in rows]
        self._unread_B1 = self._unread_B1[index_B]
        self._state = self._model.select_state(self._state, index_B) if rows else None
        self._sampler = self._new_sampler()

    def _new_sampler(self) -> Sampler:
        requests = [row.request for row in self._rows]
        return Sampler(
            [request.settings for request in requests],
            [request.generator for request in requests],
            [[*row.request.prompt, *row.written] for row in self._rows],
            self._model.vocab_size,
            never=self._tokenizer.unknown_id,
        )


class _Row:
    """A request at work."""

    def __init__(self, number: int, request: Request, tokenizer: Tokenizer) -> None:
        self.number = number
        self.request = request
        self.written: list[int] = []
        self._end_id = tokenizer.end_id
        self._text = TextStream(tokenizer.decoder(), request.settings.stop)

    def write(self, token: int, logprob: float) -> Token:
        if logprob != logprob:  # any logit that is NaN or +inf makes every log-probability NaN
            raise InkloomError(NOT_FINITE)
        self.written.append(token)
        if token == self._end_id:
            return Token(self.number, token, logprob, self._text.flush(), "stop")
        text = self._text.push(token)
        if not self._text.stopped and len(self.written) >= self.request.settings.max_tokens:
            text += self._text.flush()
            return Token(self.number, token, logprob, text, "stop" if self._text.stopped else "length")
        return Token(self.number, token, logprob, text, "stop" if self._text.stopped else None)


def read_tokens(model: LanguageModel, tokens: Sequence[int]) -> State:
    """The state of one row that has read `tokens`, in chunks. Call it under `torch.inference_mode`."""
    state = model.initial_state(1)
    for start in range(0, len(tokens), PROMPT_CHUNK):
        chunk_BT = torch.tensor([tokens[start : start + PROMPT_CHUNK]], device=model.device)
        _, state = model(chunk_BT, state)
    return state


@contextlib.contextmanager
def _evaluating(model: LanguageModel) -> Iterator[None]:
    """Evaluation mode inside the block; afterwards each module is in the mode it was in."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
