"""Prompts, read side by side.

A forward over some tokens of many prompts takes as long as over so many of one, but prompts have different lengths. A
model that can forget what it has read last (a Transformer) reads all to the end of the longest and then forgets the
padding: 10 prompts of 20 to 40 characters in one forward. Other models read all as far as the shortest goes, which then
leaves, and so on.

Shapes: B prompts, T tokens, V vocabulary, N tokens of one prompt.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from inkloom.generation.rows import Row, Score, scores
from inkloom.models.base import LanguageModel, Rewinds, State

PROMPT_CHUNK = 256
"""Tokens of prompts that are read at once, over all of them: enough to keep two cores busy (a Transformer of 11 million
parameters reads 7,600 tokens/s so, 4,800 with 40), and few enough that samples at work hardly wait (35 ms). Bounds the
memory for logits, too."""


@dataclass
class Prompt:
    """A prompt, read once for all rows that begin with it."""

    tokens: list[int]
    """The end token and the prompt. All but the last are read here, the last by the first step."""

    rows: list[Row]
    likeliest: int | None = None
    """How many likeliest tokens to report with its scores; None where it is not to be scored."""

    scores: list[Score] = field(default_factory=list)
    """What each token after the end token was given, as far as it has been read."""

    @property
    def condition(self) -> object | None:
        """What its rows are about; they share it."""
        return self.rows[0].request.condition

    @property
    def length(self) -> int:
        """How many tokens are to be read here."""
        return len(self.tokens) - 1

    def piece(self, begin: int, end: int) -> list[int]:
        """The tokens to be read from `begin` to `end`; behind the last of them come end tokens."""
        tokens = self.tokens[begin : min(end, self.length)]
        return tokens + self.tokens[:1] * (end - begin - len(tokens))


def groups(prompts: Sequence[Prompt]) -> Iterator[list[Prompt]]:
    """Prompts of nearly equal length, as many together as are read at once; the shortest first."""
    group: list[Prompt] = []
    for prompt in sorted(prompts, key=lambda prompt: prompt.length):
        if group and (len(group) + 1) * prompt.length > PROMPT_CHUNK:
            yield group
            group = []
        group.append(prompt)
    if group:
        yield group


class Reading:
    """A group of prompts at work."""

    def __init__(self, model: LanguageModel, group: Sequence[Prompt]) -> None:
        """group: sorted by length, the shortest first."""
        self.prompts = list(group)
        self._model = model
        conditions = [prompt.condition for prompt in group]
        self._state = model.initial_state(len(group), None if all(c is None for c in conditions) else conditions)
        self._read = 0
        fits = model.context_window is None or group[-1].length <= model.context_window
        self._padder = model if isinstance(model, Rewinds) and fits else None

    def read(self, most: int) -> int:
        """Read on, up to `most` tokens over all prompts. Returns how many it were, padding included."""
        farthest = self.prompts[-1 if self._padder else 0].length
        length = min(farthest - self._read, max(1, most // len(self.prompts)))
        if length <= 0:  # below 0 where a longer prompt has been dropped
            return 0
        end = self._read + length
        tokens_BT = _tensor([prompt.piece(self._read, end) for prompt in self.prompts], self._model)
        logits_BTV, self._state = self._model(tokens_BT, self._state)
        self._score(logits_BTV)
        self._read = end
        return tokens_BT.numel()

    def pop_read(self) -> tuple[list[Prompt], State]:
        """Take out the prompts that have been read: they, and a state with a row for each of their rows."""
        done = [prompt for prompt in self.prompts if prompt.length <= self._read]
        if not done or (self._padder is not None and len(done) < len(self.prompts)):
            return [], None
        if self._padder is not None:
            padding_B = torch.tensor([self._read - prompt.length for prompt in self.prompts])
            self._state = self._padder.rewind(self._state, padding_B)
        places = [place for place, prompt in enumerate(done) for _ in prompt.rows]
        state = self._state if places == list(range(len(self.prompts))) else self._select(places)
        self._keep(range(len(done), len(self.prompts)))
        return done, state

    def drop(self, numbers: Sequence[int]) -> None:
        """Drop rows of these numbers, and the prompts that are left without any."""
        for prompt in self.prompts:
            prompt.rows = [row for row in prompt.rows if row.number not in numbers]
        self._keep([place for place, prompt in enumerate(self.prompts) if prompt.rows])

    def _keep(self, places: Sequence[int]) -> None:
        if len(places) < len(self.prompts):
            self.prompts = [self.prompts[place] for place in places]
            self._state = self._select(places) if places else None

    def _select(self, places: Sequence[int]) -> State:
        return self._model.select_state(self._state, torch.tensor(places, dtype=torch.int64, device=self._model.device))

    def _score(self, logits_BTV: Tensor) -> None:
        """Score the tokens that these logits predict, in the prompts that ask for it."""
        begin = self._read + 1
        for prompt, logits_TV in zip(self.prompts, logits_BTV, strict=True):
            targets = prompt.tokens[begin : begin + len(logits_TV)]
            if prompt.likeliest is not None and targets:
                logits_NV = logits_TV[: len(targets)].to("cpu", torch.float32)
                prompt.scores += scores(logits_NV, torch.tensor(targets), prompt.likeliest)


@torch.inference_mode()
def read_tokens(model: LanguageModel, tokens: Sequence[int]) -> State:
    """The state of one row that has read `tokens`, in chunks."""
    state = model.initial_state(1)
    for start in range(0, len(tokens), PROMPT_CHUNK):
        _, state = model(_tensor([tokens[start : start + PROMPT_CHUNK]], model), state)
    return state


def _tensor(tokens_BT: Sequence[Sequence[int]], model: LanguageModel) -> Tensor:
    return torch.tensor(tokens_BT, device=model.device)
