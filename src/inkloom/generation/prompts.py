"""Prompts, read side by side.

Side by side need not mean of one length: all are read as far as the shortest goes, which then leaves, and so on. So no
padding is read, and no family needs to know about it. A forward over the tokens of many prompts costs little more than
over those of one: 16 prompts of 32 characters take a Transformer of 11 million parameters as long as one of 512.

Shapes: B prompts, T tokens, V vocabulary, N = B * T.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from inkloom.generation.rows import Row, Score, scores
from inkloom.models.base import LanguageModel, State

PROMPT_CHUNK = 512
"""Tokens of prompts that are read at once, over all of them: enough to keep two cores busy, and few enough that samples
at work hardly wait. Bounds the memory for logits, too."""


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
    def length(self) -> int:
        """How many tokens are to be read here."""
        return len(self.tokens) - 1


def groups(prompts: Sequence[Prompt]) -> Iterator[list[Prompt]]:
    """Prompts in their order, as many together as are read at once."""
    group: list[Prompt] = []
    longest = 0
    for prompt in prompts:
        longest = max(longest, prompt.length)
        if group and (len(group) + 1) * longest > PROMPT_CHUNK:
            yield group
            group, longest = [], prompt.length
        group.append(prompt)
    if group:
        yield group


class Reading:
    """A group of prompts at work."""

    def __init__(self, model: LanguageModel, group: Sequence[Prompt]) -> None:
        self.prompts = sorted(group, key=lambda prompt: prompt.length)
        self._model = model
        self._state = model.initial_state(len(group))
        self._read = 0

    def read(self, most: int) -> int:
        """Read on, up to `most` tokens over all prompts, no further than the shortest. Returns how many it were."""
        length = min(self.prompts[0].length - self._read, max(1, most // len(self.prompts)))
        if length == 0:
            return 0
        end = self._read + length
        tokens_BT = _tensor([prompt.tokens[self._read : end] for prompt in self.prompts], self._model)
        logits_BTV, self._state = self._model(tokens_BT, self._state)
        self._score(logits_BTV)
        self._read = end
        return tokens_BT.numel()

    def pop_read(self) -> tuple[list[Prompt], State]:
        """Take out the prompts that have been read: they, and a state with a row for each of their rows."""
        done = [prompt for prompt in self.prompts if prompt.length == self._read]
        if not done:
            return [], None
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
        asked = [place for place, prompt in enumerate(self.prompts) if prompt.likeliest is not None]
        if not asked:
            return
        length = logits_BTV.shape[1]
        begin = self._read + 1
        targets_N = torch.tensor(
            [token for place in asked for token in self.prompts[place].tokens[begin : begin + length]]
        )
        likeliest = max(self.prompts[place].likeliest or 0 for place in asked)
        found = iter(scores(logits_BTV[asked].flatten(0, 1).to("cpu", torch.float32), targets_N, likeliest))
        for place in asked:
            prompt = self.prompts[place]
            for _ in range(length):
                score = next(found)
                prompt.scores.append(score._replace(likeliest=score.likeliest[: prompt.likeliest]))


@torch.inference_mode()
def read_tokens(model: LanguageModel, tokens: Sequence[int]) -> State:
    """The state of one row that has read `tokens`, in chunks."""
    state = model.initial_state(1)
    for start in range(0, len(tokens), PROMPT_CHUNK):
        _, state = model(_tensor([tokens[start : start + PROMPT_CHUNK]], model), state)
    return state


def _tensor(tokens_BT: Sequence[Sequence[int]], model: LanguageModel) -> Tensor:
    return torch.tensor(tokens_BT, device=model.device)
