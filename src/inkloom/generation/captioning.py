"""Captions of images: token by token through the one decode loop, or by beam search.

Shapes: N images, S pixels of a side.
"""

from typing import Any, Self

import numpy as np
import pydantic
import torch
from torch import Tensor

from inkloom.data.images import Pixels
from inkloom.data.progress import Advance
from inkloom.generation.beam import BeamConfig, search_about
from inkloom.generation.decode import decode_all
from inkloom.generation.lines import Line
from inkloom.generation.rows import Request
from inkloom.generation.sampling import generator_of_sample
from inkloom.generation.settings import GenerationConfig
from inkloom.models.base import LanguageModel
from inkloom.tokenizers import Tokenizer

IMAGES_AT_ONCE = 64
"""Whose features are in memory together."""


class CaptionConfig(BeamConfig):
    """How captions are chosen. The defaults always take the likeliest token."""

    beam: int = pydantic.Field(1, ge=1, le=1000)
    """Candidates that are kept side by side; 1 takes the likeliest token at each step."""

    num_samples: int = pydantic.Field(1, ge=1)
    """How many captions to draw for each image; above 1 tokens are drawn, not chosen."""

    temperature: float | None = pydantic.Field(None, gt=0, allow_inf_nan=False)
    """Where given, tokens are drawn with logits divided by it; where several are to be drawn it is 1."""

    max_tokens: int = pydantic.Field(64, ge=1)
    """The most tokens of a caption."""

    seed: int = pydantic.Field(0, ge=0)
    """Of what is drawn."""

    @pydantic.model_validator(mode="after")
    def _searches_or_draws(self) -> Self:
        if self.beam > 1 and self.draws:
            raise ValueError(
                "a beam searches for the likeliest caption, and num_samples and temperature draw; leave one out"
            )
        return self

    @property
    def draws(self) -> bool:
        """Whether tokens are drawn, not chosen."""
        return self.num_samples > 1 or self.temperature is not None


class Caption(Line):
    """What was written about an image."""

    def as_json(self) -> dict[str, Any]:
        return {"text": self.text, "tokens": len(self.token_ids), "logprob": self.logprob}


def write_captions(
    model: LanguageModel,
    tokenizer: Tokenizer,
    pixels_NSS3: Pixels,
    config: CaptionConfig,
    advance: Advance = lambda done: None,
) -> list[list[Caption]]:
    """`config.num_samples` captions of each image; one where none are drawn.

    model: in evaluation mode; its condition is an image. advance: hears of images that are done.
    A caption does not depend on the images beside its own.
    """
    found = []
    at_once = max(1, IMAGES_AT_ONCE // config.beam)
    for first in range(0, len(pixels_NSS3), at_once):
        images = torch.from_numpy(np.array(pixels_NSS3[first : first + at_once]))  # a copy: the cache is read-only
        found += (_searched if config.beam > 1 else _decoded)(model, tokenizer, images, config)
        advance(len(images))
    return found


def _decoded(
    model: LanguageModel, tokenizer: Tokenizer, images_NSS3: Tensor, config: CaptionConfig
) -> list[list[Caption]]:
    settings = GenerationConfig(
        max_tokens=config.max_tokens, greedy=not config.draws, temperature=config.temperature or 1.0
    )
    requests = [
        Request((), settings, generator_of_sample(config.seed, sample), condition=image)
        for image in images_NSS3
        for sample in range(config.num_samples)
    ]
    captions = [Caption.of_tokens(tokenizer, tokens) for tokens in decode_all(model, tokenizer, requests)]
    return [captions[first : first + config.num_samples] for first in range(0, len(captions), config.num_samples)]


def _searched(
    model: LanguageModel, tokenizer: Tokenizer, images_NSS3: Tensor, config: CaptionConfig
) -> list[list[Caption]]:
    found = search_about(model, tokenizer, images_NSS3, config, [config.max_tokens] * len(images_NSS3))
    best = [hypotheses[0] for hypotheses in found]
    return [[Caption.of_ids(tokenizer, one.token_ids, one.logprob)] for one in best]
