"""From logits to tokens: penalties, filters, one choice a row.

A token is drawn by the Gumbel-max trick: the largest of logit + Gumbel noise is a draw from the softmax. Each row takes
its noise, one uniform number for each entry of the vocabulary, from its own generator, so a draw does not depend on its
neighbours. Only the logits may: a matrix product with another number of rows can change their last bits, by about 1e-6.
That changes 1 draw in 4 million at V = 65 (perplexity 10), 1 in a million at V = 8,000 (perplexity 430). To invert the
cumulative distribution takes one uniform number instead of V, but changes 1 in 220,000 and 1 in 4,000: each of its
boundaries moves by the summed noise of all entries before it.

A uniform float32 has 24 bits, so a token with a probability below about 1e-8 is never drawn.

All this happens on the CPU, wherever the model is: the logits make one transfer a token instead of a dozen kernel
launches, and the same logits give the same token on every device.

Shapes: B rows, V vocabulary, S the rows that draw (all but the greedy ones).
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from inkloom.errors import InputError
from inkloom.generation.filters import Seen
from inkloom.generation.settings import GenerationConfig
from inkloom.generation.tables import FILTERS, PENALTIES, Filter, Penalty
from inkloom.models.choice import LEAST_UNIFORM
from inkloom.registry import Registry

Strength = TypeVar("Strength", Filter, Penalty)


def generator_of_sample(seed: int, sample: int) -> torch.Generator:
    """The randomness of the sample with this number, the same whichever samples are drawn beside it."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence((seed, sample)).generate_state(1)[0]))


class Sampler:
    """The choice of the next token in a fixed set of rows. Rows that join or leave need a new one."""

    def __init__(
        self,
        settings: Sequence[GenerationConfig],
        generators: Sequence[torch.Generator],
        histories: Sequence[Sequence[int]],
        vocab_size: int,
        never: int | None = None,
        written: Sequence[Sequence[int]] | None = None,
    ) -> None:
        """One of each for every row; a history is the ids of the text so far, prompt and all.

        never: a token that stands for no text and is not to be chosen, such as the tokenizer's `<unk>`.
        written: the part of each history that has been written after the prompt; nothing where none is given.
        """
        drawing = [row for row, setting in enumerate(settings) if not setting.is_greedy]
        neutral = GenerationConfig()
        self._generators = [generators[row] for row in drawing]
        self._drawing_S = torch.tensor(drawing, dtype=torch.int64)
        self._uniform_SV = torch.empty(len(drawing), vocab_size)
        self._uniform_rows = self._uniform_SV.unbind()
        self._penalties = _active(PENALTIES, settings)
        self._filters = _active(FILTERS, [neutral if setting.is_greedy else setting for setting in settings])
        self._bias_BV = _bias(settings, vocab_size, never)
        self._seen = _seen(histories, written or [[]] * len(histories), vocab_size) if self._penalties else None

    def __call__(self, logits_BV: Tensor) -> Tensor:
        """The next token of every row, tokens_B (int64), from float32 logits on the CPU."""
        scores_BV = self.filter(logits_BV)
        if len(self._generators) == len(scores_BV):
            scores_BV = scores_BV + self._gumbel_noise()
        elif self._generators:
            scores_BV = scores_BV.index_add(0, self._drawing_S, self._gumbel_noise())
        tokens_B = scores_BV.argmax(dim=-1)
        if self._seen is not None:
            self._seen.text_BV.scatter_(1, tokens_B[:, None], True)
            self._seen.written_BV.scatter_add_(1, tokens_B[:, None], torch.ones(len(tokens_B), 1))
        return tokens_B

    def filter(self, logits_BV: Tensor) -> Tensor:
        """The logits that the choice is made from."""
        if self._bias_BV is not None:
            logits_BV = logits_BV + self._bias_BV
        for penalty, strength_B in self._penalties:
            assert self._seen is not None
            logits_BV = penalty(logits_BV, strength_B, self._seen)
        for apply, strength_B in self._filters:
            logits_BV = apply(logits_BV, strength_B)
        return logits_BV

    def _gumbel_noise(self) -> Tensor:
        for uniform_V, generator in zip(self._uniform_rows, self._generators, strict=True):
            uniform_V.uniform_(generator=generator)
        return gumbel_(self._uniform_SV)


def gumbel_(uniform: Tensor) -> Tensor:
    """Gumbel noise, -log(-log(u)), from float32 numbers u in [0, 1), in place; finite for all of them: minus infinity
    could drop the only token that is left.

    By NumPy: torch calls its threads for more than 2,048 logarithms, which takes longer than these do, and keeps the
    threads that read tokens from their cores.
    """
    numbers = uniform.numpy()
    np.maximum(numbers, LEAST_UNIFORM, out=numbers)
    for _ in range(2):
        np.negative(np.log(numbers, out=numbers), out=numbers)
    return uniform


def _active(table: Registry[Strength], settings: Sequence[GenerationConfig]) -> list[tuple[Strength, Tensor]]:
    """The functions of a table that change something in at least one row, in order, with their strengths (B,)."""
    neutral = GenerationConfig()
    strengths = {name: [getattr(setting, name) for setting in settings] for name in table}
    return [
        (table.load(name), torch.tensor(values))
        for name, values in strengths.items()
        if any(value != getattr(neutral, name) for value in values)
    ]


def _seen(histories: Sequence[Sequence[int]], written: Sequence[Sequence[int]], vocab_size: int) -> Seen:
    seen = Seen(torch.zeros(len(histories), vocab_size, dtype=torch.bool), torch.zeros(len(histories), vocab_size))
    for row, (history, tokens) in enumerate(zip(histories, written, strict=True)):
        seen.text_BV[row, torch.tensor(history, dtype=torch.int64)] = True
        seen.written_BV[row] = torch.tensor(tokens, dtype=torch.int64).bincount(minlength=vocab_size)
    return seen


def _bias(settings: Sequence[GenerationConfig], vocab_size: int, never: int | None) -> Tensor | None:
    """What the rows add to the logits, (B, V), minus infinity for what is never chosen; None where nothing is added."""
    if never is None and not any(setting.logit_bias for setting in settings):
        return None
    bias_BV = torch.zeros(len(settings), vocab_size)
    for bias_V, setting in zip(bias_BV, settings, strict=True):
        for token, bias in setting.logit_bias.items():
            if token >= vocab_size:
                raise InputError(f"logit_bias names token {token}; the vocabulary has {vocab_size}, from 0 on.")
            bias_V[token] = bias
    if never is not None:
        bias_BV[:, never] = -torch.inf
    return bias_BV
