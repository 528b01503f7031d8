"""How good captions are: the same as somebody wrote, alike in wording, and likely.

exact          share of the images whose greedy caption is, word for word as the tokenizer reads them, one of their own
bleu           mean of the images' BLEU against all their captions (`evaluation.bleu`), 0 to 1
nats_per_token mean of -ln p over every token of every caption, the end tokens included, in float32

Shapes: R captions, T tokens, V vocabulary.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from inkloom.data.captions import NO_TARGET, CaptionedImages
from inkloom.data.progress import Advance
from inkloom.evaluation.bleu import bleu
from inkloom.evaluation.likelihood import Scores
from inkloom.evaluation.words import words
from inkloom.generation.captioning import Caption, CaptionConfig, write_captions
from inkloom.models.captioner import Captioner
from inkloom.tokenizers import Tokenizer

IMAGES_AT_ONCE = 64
"""That are scored together."""


@dataclass(frozen=True)
class CaptionScores(Scores):
    """What the captions of a split cost, given their images, and what the model's own are worth."""

    images: int
    captions: int
    exact_images: int
    bleu: float

    @property
    def exact(self) -> float:
        """Share of the images, 0 to 1."""
        return self.exact_images / self.images

    def as_json(self) -> dict[str, Any]:
        """The keys of `inkloom evaluate --json`."""
        own = {"images": self.images, "captions": self.captions, "exact": self.exact, "bleu": self.bleu}
        return {**super().as_json(), **own}


@dataclass(frozen=True)
class Judged:
    """What was written about an image, and how it compares."""

    path: str
    written: Caption
    references: tuple[str, ...]
    exact: bool
    bleu: float


def score_captions(
    model: Captioner,
    tokenizer: Tokenizer,
    captioned: CaptionedImages,
    config: CaptionConfig | None = None,
    advance: Advance = lambda done: None,
) -> tuple[CaptionScores, list[Judged]]:
    """The scores of a split, and what they are made of, image by image. model: in evaluation mode.

    advance: hears of images that are done, each of them twice.
    """
    written = write_captions(model, tokenizer, captioned.pixels_NSS3, config or CaptionConfig(), advance)
    judged = [
        judge(tokenizer, path, of_image[0], references)
        for path, of_image, references in zip(captioned.paths, written, captioned.texts, strict=True)
    ]
    scores = CaptionScores(
        split=captioned.name,
        tokens=captioned.tokens,
        chars=captioned.chars,
        bytes=captioned.bytes,
        unknown_tokens=captioned.unknown_tokens,
        nats=caption_nats(model, captioned, advance),
        charge_nats=captioned.charge_nats,
        images=len(judged),
        captions=captioned.captions,
        exact_images=sum(one.exact for one in judged),
        bleu=math.fsum(one.bleu for one in judged) / len(judged),
    )
    return scores, judged


def judge(tokenizer: Tokenizer, path: str, written: Caption, references: Sequence[str]) -> Judged:
    """Compare a caption with those that an image has.

    Both are read as the tokenizer does: where it knows words in small letters alone, capitals make no difference. A
    word that it does not know is never written, so a reference that has one cannot be matched.
    """
    known = [encoding for encoding in map(tokenizer.encode, references) if encoding.unknown_tokens == 0]
    exact = any(tuple(encoding.ids.tolist()) == written.token_ids for encoding in known)
    lowered = [words(reference.lower()) for reference in references]
    return Judged(path, written, tuple(references), exact, bleu(words(written.text.lower()), lowered))


@torch.inference_mode()
def caption_nats(model: Captioner, captioned: CaptionedImages, advance: Advance = lambda done: None) -> float:
    """The sum of -ln p over every token of every caption."""
    nats = 0.0
    images = len(captioned.paths)
    for first in range(0, images, IMAGES_AT_ONCE):
        batch = captioned.batch(range(first, min(first + IMAGES_AT_ONCE, images)))
        state = model.initial_state(len(batch.images_BSS3), batch.images_BSS3)
        state = model.select_state(state, batch.image_R)
        logits_RTV, _ = model(batch.inputs_RT.to(model.device), state)
        of_batch = functional.cross_entropy(
            logits_RTV.float().flatten(0, 1),
            batch.targets_RT.flatten().to(model.device),
            ignore_index=NO_TARGET,
            reduction="none",
        )
        nats += float(of_batch.double().sum())
        advance(len(batch.images_BSS3))
    return nats
