"""Translations of sources: by beam search, or token by token through the one decode loop.

Shapes: N sources.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pydantic
import torch

from inkloom.data.progress import Advance
from inkloom.generation.beam import BeamConfig, beam_search
from inkloom.generation.decode import decode
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
class Translation:
    """A target for a source."""

    text: str
    """On one line."""

    token_ids: tuple[int, ...]
    """Without the end token."""

    logprob: float
    """Nats, under the model's own softmax."""

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
    with torch.inference_mode():
        state = model.initial_state(len(sources), sources)
    hypotheses = beam_search(
        model,
        state,
        [tokenizer.end_id] * len(sources),
        end_id=tokenizer.end_id,
        config=config,
        max_tokens=most,
        never=tokenizer.unknown_id,
    )
    for of_source in hypotheses:
        yield [
            Translation(_line(tokenizer, found.token_ids), found.token_ids, found.logprob, found.score)
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
    ids: list[list[int]] = [[] for _ in sources]
    logprobs = [0.0 for _ in sources]
    for step in decode(model, tokenizer, requests):
        for token in step:
            logprobs[token.request] += token.logprob
            if token.id != tokenizer.end_id:
                ids[token.request].append(token.id)
    for token_ids, logprob in zip(ids, logprobs, strict=True):
        yield [Translation(_line(tokenizer, token_ids), tuple(token_ids), logprob, logprob)]


def _line(tokenizer: Tokenizer, token_ids: Sequence[int]) -> str:
    """The text of a translation; whatever breaks lines is a space."""
    return " ".join(tokenizer.decode(token_ids).split())
