"""Translations of sources: by beam search, or token by token through the one decode loop.

Shapes: N sources.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pydantic
import torch

from inkloom.data.progress import Advance
from inkloom.generation.beam import BeamConfig, search_about
from inkloom.generation.decode import decode_all
from inkloom.generation.lines import Line
from inkloom.generation.rows import Request
from inkloom.generation.settings import GenerationConfig
from inkloom.models.base import LanguageModel
from inkloom.tokenizers import Tokenizer

ROWS_AT_ONCE = 128
"""Candidates of all sources that are searched together."""


class TranslationConfig(BeamConfig):
    """How translations are looked for."""

    n_best: int = pydantic.Field(1, ge=1)
    """How many translations of each source to give, at most `beam`."""

    @pydantic.model_validator(mode="after")
    def _enough_candidates(self) -> "TranslationConfig":
        if self.n_best > self.beam:
            raise ValueError(f"n_best {self.n_best} is more than the {self.beam} candidates of the beam; raise beam")
        return self


@dataclass(frozen=True)
class Translation(Line):
    """A target for a source."""

    score: float
    """What it is ranked by among others of its source."""


def most_tokens(source_tokens: int, longest: int) -> int:
    """How long a translation may get: twice the source and some more, as far as the model can count."""
    return min(2 * source_tokens + 10, longest - 1)


def translate(
    model: LanguageModel,
    tokenizer: Tokenizer,
    sources: Sequence[Sequence[int]],
    longest: int,
    config: TranslationConfig,
    advance: Advance = lambda done: None,
) -> list[list[Translation]]:
    """`config.n_best` translations of each source, the best first, and fewer where the search found fewer.

    model: in evaluation mode; its condition is a source's ids with their end token. tokenizer: of the targets.
    longest: tokens that the model's decoder can read. advance: hears of sources that are done.
    A beam of one is the decode loop's own greedy choice.
    """
    by_length = sorted(range(len(sources)), key=lambda number: len(sources[number]))
    found: list[list[Translation]] = [[] for _ in sources]
    rows = max(1, ROWS_AT_ONCE // config.beam)
    for first in range(0, len(sources), rows):
        numbers = by_length[first : first + rows]
        chosen = [sources[number] for number in numbers]
        most = [most_tokens(len(source), longest) for source in chosen]
        write = _greedy if config.beam == 1 else _searched
        for number, translations in zip(numbers, write(model, tokenizer, chosen, most, config), strict=True):
            found[number] = translations
        advance(len(numbers))
    return found


def _searched(
    model: LanguageModel,
    tokenizer: Tokenizer,
    sources: Sequence[Sequence[int]],
    most: Sequence[int],
    config: TranslationConfig,
) -> Iterator[list[Translation]]:
    for of_source in search_about(model, tokenizer, sources, config, most):
        yield [
            Translation.of_ids(tokenizer, found.token_ids, found.logprob, score=found.score)
            for found in of_source[: config.n_best]
        ]


def _greedy(
    model: LanguageModel,
    tokenizer: Tokenizer,
    sources: Sequence[Sequence[int]],
    most: Sequence[int],
    config: TranslationConfig,
) -> Iterator[list[Translation]]:
    del config
    requests = [
        Request([], GenerationConfig(greedy=True, max_tokens=limit), torch.Generator(), condition=source)
        for source, limit in zip(sources, most, strict=True)
    ]
    for tokens in decode_all(model, tokenizer, requests):
        line = Line.of_tokens(tokenizer, tokens)
        yield [Translation(**vars(line), score=line.logprob)]
