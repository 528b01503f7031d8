"""The one decode loop: prompts in, tokens and text out, one token a row and step.

A row is a sample at work. Rows join a `Batch` at any step and leave it when they are done, so no work is spent on rows
that are finished; `decode` does so for a list of requests. What a row writes does not depend on the rows beside it, but
for the last bits of its logits (see `sampling`).

Every text begins after the tokenizer's end token, and the last token of a prompt is read by the first step. So an empty
prompt is no special case, and rows that have just joined are stepped like all others. A long prompt is read in pieces,
one before each step, so rows at work hardly wait for those that join.

Shapes: B rows, T tokens, V vocabulary.
"""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import torch

from inkloom.generation.prompts import PROMPT_CHUNK, Prompt, Reading, groups
from inkloom.generation.rows import Request, Row, Token, scores
from inkloom.generation.sampling import Sampler
from inkloom.models.base import LanguageModel, State
from inkloom.models.evaluating import evaluating
from inkloom.models.stepping import Stepper, WeightType
from inkloom.tokenizers.base import Tokenizer

ROWS_AT_ONCE = 64
"""Rows that `decode` keeps running: past that, a batch gains little speed and a key-value cache grows large."""


def decode(
    model: LanguageModel,
    tokenizer: Tokenizer,
    requests: Iterable[Request],
    rows_at_once: int = ROWS_AT_ONCE,
    weights: WeightType | None = "float32",
) -> Iterator[list[Token]]:
    """Write all requests. Yields, step by step, one token of every running row.

    At most `rows_at_once` rows run together; the others wait and join as rows finish. The model is in evaluation mode
    until the iterator is exhausted or closed.
    """
    waiting = deque(requests)
    batch = Batch(model, tokenizer, weights)
    with evaluating(model):
        while waiting or batch:
            room = min(len(waiting), rows_at_once - len(batch))
            if room:
                batch.join([waiting.popleft() for _ in range(room)])
            if written := batch.step():
                yield written


def decode_all(
    model: LanguageModel,
    tokenizer: Tokenizer,
    requests: Sequence[Request],
    rows_at_once: int = ROWS_AT_ONCE,
    weights: WeightType | None = "float32",
) -> list[list[Token]]:
    """All tokens of each request, once all are written; settings as of `decode`."""
    written: list[list[Token]] = [[] for _ in requests]
    for step in decode(model, tokenizer, requests, rows_at_once, weights):
        for token in step:
            written[token.request].append(token)
    return written


class Batch:
    """Rows that are decoded together. The model must be in evaluation mode, and its weights may not change.

    Prompts are read by the model itself, what follows by its stepper, whose `weights` may be coarser; where they are
    None the model itself reads all, which is slower and the reference.
    """

    def __init__(self, model: LanguageModel, tokenizer: Tokenizer, weights: WeightType | None = "float32") -> None:
        self._model = model
        self._stepper = Stepper(model) if weights is None else model.stepper(weights)
        self._tokenizer = tokenizer
        self._joined = 0
        self._readings: deque[Reading] = deque()
        self._rows: list[Row] = []
        self._state: State = None
        self._device = model.device
        self._unread_B1 = torch.empty(0, 1, dtype=torch.int64, device=self._device)  # each row's newest token
        self._sampler: Sampler | None = None  # of the rows as they are; None when they have changed

    def __len__(self) -> int:
        return len(self._rows) + sum(len(prompt.rows) for reading in self._readings for prompt in reading.prompts)

    @torch.inference_mode()
    def prepare(self) -> None:
        """Many tokens are to come: make ready what pays then, such as machine code, which can take seconds."""
        self._stepper.prepare()

    @torch.inference_mode()
    def join(self, requests: Sequence[Request]) -> range:
        """Add a row for each request; the next steps read its prompt. Neighbours with the same prompt and the same
        condition read it once.

        Returns the requests' numbers, which their tokens carry.
        """
        rows = [Row(number, request, self._tokenizer) for number, request in enumerate(requests, start=self._joined)]
        self._joined += len(rows)
        prompts = [
            Prompt([self._tokenizer.end_id, *ids], list(alike), likeliest)
            for (ids, likeliest, _), alike in itertools.groupby(rows, key=_what_to_read)
        ]
        self._readings.extend(Reading(self._model, group) for group in groups(prompts))
        return range(self._joined - len(rows), self._joined)

    @torch.inference_mode()
    def leave(self, numbers: Sequence[int]) -> None:
        """Drop the rows of these requests before they are finished."""
        for reading in self._readings:
            reading.drop(numbers)
        self._readings = deque(reading for reading in self._readings if reading.prompts)
        self._keep([place for place, row in enumerate(self._rows) if row.number not in numbers])

    @torch.inference_mode()
    def step(self) -> list[Token]:
        """Read on in prompts, then write one token in every row that has been read; rows that are done with it leave.

        Nothing is written, and the list is empty, while a long prompt is read and no other row is at work.
        """
        self._read_prompts()
        if not self._rows:
            return []
        self._sampler = self._sampler or self._new_sampler()
        logits_BV, self._state = self._stepper.read(self._unread_B1, self._state)
        logits_BV = logits_BV.to("cpu", torch.float32)
        tokens_B = self._sampler(logits_BV)
        self._unread_B1 = tokens_B[:, None].to(self._device)
        tokens = tokens_B.tolist()
        if not self._readings and all(row.goes_on(token) for row, token in zip(self._rows, tokens, strict=True)):
            self._stepper.expect(self._unread_B1, self._state)
        likeliest = max(row.request.likeliest for row in self._rows)
        drawn = zip(self._rows, tokens, scores(logits_BV, tokens_B, likeliest), strict=True)
        written = [row.write(token, score) for row, token, score in drawn]
        self._keep([place for place, token in enumerate(written) if token.finish_reason is None])
        return written

    def _read_prompts(self) -> None:
        budget = PROMPT_CHUNK
        while self._readings and budget > 0:
            reading = self._readings[0]
            budget -= reading.read(budget)
            self._add(*reading.pop_read())
            if not reading.prompts:
                self._readings.popleft()

    def _add(self, prompts: Sequence[Prompt], state: State) -> None:
        """Let the rows of prompts in that have been read."""
        if not prompts:
            return
        for prompt in prompts:
            for row in prompt.rows:
                row.prompt_scores = tuple(prompt.scores) if row.request.score_prompt else None
        last = [[prompt.tokens[-1]] for prompt in prompts for _ in prompt.rows]
        self._unread_B1 = torch.cat([self._unread_B1, torch.tensor(last, device=self._device)])
        adopted = self._stepper.adopt(state)
        self._state = self._stepper.join_states([self._state, adopted]) if self._rows else adopted
        self._rows += [row for prompt in prompts for row in prompt.rows]
        self._sampler = None

    def _keep(self, places: Sequence[int]) -> None:
        if len(places) == len(self._rows):
            return
        index_B = torch.tensor(places, dtype=torch.int64, device=self._device)
        self._rows = [self._rows[place] for place in places]
        self._unread_B1 = self._unread_B1[index_B]
        self._state = self._stepper.select_state(self._state, index_B) if places else None
        self._sampler = None

    def _new_sampler(self) -> Sampler:
        return Sampler(
            [row.request.settings for row in self._rows],
            [row.request.generator for row in self._rows],
            [[*row.request.prompt, *row.written] for row in self._rows],
            self._model.vocab_size,
            never=self._tokenizer.unknown_id,
            written=[row.written for row in self._rows],
        )


def _what_to_read(row: Row) -> tuple[list[int], int | None, int]:
    """What rows have in common that are read as one; the condition by its identity, since tensors do not compare."""
    request = row.request
    return list(request.prompt), request.likeliest if request.score_prompt else None, id(request.condition)
