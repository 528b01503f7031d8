"""Images with captions as pixels and ids, and batches of images with all that is said of them.

Shapes: N images of a split, B images of a batch, R captions of them, T tokens of the longest, S pixels of a side.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inkloom.corpus.base import Part
from inkloom.corpus.captions import some_of
from inkloom.data.batches import Batches, side_by_side
from inkloom.data.images import ACCEPTED, Pixels, decode_images
from inkloom.errors import InputError
from inkloom.tokenizers import Encoding, Tokenizer

if TYPE_CHECKING:
    from rich.console import Console

log = logging.getLogger("inkloom")

NO_TARGET = -100
"""Of what is filled up behind a caption: PyTorch's losses leave such targets out."""


class CaptionBatch(NamedTuple):
    """Images, and their captions filled up to the longest; targets are the inputs one token later."""

    images_BSS3: Tensor
    image_R: Tensor
    """Which of the images each caption is of."""
    inputs_RT: Tensor
    targets_RT: Tensor


@dataclass(frozen=True)
class CaptionedImages:
    """A split as pixels and ids.

    paths: of the images, below the corpus's folder. texts: the captions of each, as they stand in the corpus.
    encodings: of each caption of each image, without end tokens.
    """

    name: str
    paths: Sequence[str]
    texts: Sequence[Sequence[str]]
    pixels_NSS3: Pixels
    encodings: Sequence[Sequence[Encoding]]
    end_id: int

    @cached_property
    def lengths_R(self) -> NDArray[np.int64]:
        """Tokens of each caption, without its end token."""
        return np.array([len(caption.ids) for captions in self.encodings for caption in captions])

    @property
    def captions(self) -> int:
        """Of all images."""
        return len(self.lengths_R)

    @property
    def tokens(self) -> int:
        """Of all captions, with the end token of each."""
        return int(self.lengths_R.sum()) + self.captions

    @property
    def unknown_tokens(self) -> int:
        """Tokens outside the vocabulary."""
        return sum(caption.unknown_tokens for captions in self.encodings for caption in captions)

    @property
    def charge_nats(self) -> float:
        """The price of all that the ids do not tell."""
        return math.fsum(caption.charge_nats for captions in self.encodings for caption in captions)

    @property
    def chars(self) -> int:
        """Of all captions, each a line with its end."""
        return sum(len(caption) + 1 for captions in self.texts for caption in captions)

    @property
    def bytes(self) -> int:
        """UTF-8 bytes of the same."""
        return sum(len(caption.encode()) + 1 for captions in self.texts for caption in captions)

    def head(self, images: int) -> "CaptionedImages":
        """The first images."""
        return CaptionedImages(
            self.name,
            self.paths[:images],
            self.texts[:images],
            self.pixels_NSS3[:images],
            self.encodings[:images],
            self.end_id,
        )

    def batch(self, numbers: Sequence[int], most: int | None = None) -> CaptionBatch:
        """The images of these numbers with all their captions, cut to `most` tokens."""
        captions = [
            (place, caption.ids[:most]) for place, number in enumerate(numbers) for caption in self.encodings[number]
        ]
        end = np.array([self.end_id])
        return CaptionBatch(
            torch.from_numpy(self.pixels_NSS3[list(numbers)]),
            torch.tensor([place for place, _ in captions]),
            side_by_side([np.concatenate([end, caption]) for _, caption in captions], self.end_id),
            side_by_side([np.concatenate([caption, end]) for _, caption in captions], NO_TARGET),
        )


def encode_captions(
    tokenizer: Tokenizer, part: Part, folder: Path, side: int, console: "Console | None" = None
) -> CaptionedImages:
    """A split as pixels and ids; images that cannot be read are left out, counted and announced.

    folder: below which the paths of the images lie. side: pixels. Raises InputError where no image is left.
    """
    assert part.conditions is not None, "a corpus of captions"
    images = decode_images([folder / path for path in part.conditions], side, console)
    good = [number for number in range(len(part.texts)) if number not in images.broken]
    if images.broken:
        names = [part.conditions[number] for number in images.broken]
        reason = next(iter(images.broken.values()))
        problem = f"{part.name}: {some_of(names, len(part.texts))} broken, the first since {reason}"
        if not good:
            raise InputError(f"{problem}; no image is left. {ACCEPTED}")
        log.warning("%s; left out with what is said of them.", problem)
    texts = [part.texts[number].split("\n") for number in good]
    return CaptionedImages(
        name=part.name,
        paths=[part.conditions[number] for number in good],
        texts=texts,
        pixels_NSS3=images.pixels_NSS3[good] if images.broken else images.pixels_NSS3,
        encodings=[[tokenizer.encode(caption) for caption in captions] for captions in texts],
        end_id=tokenizer.end_id,
    )


class CaptionBatches(Batches[CaptionBatch]):
    """Every image once an epoch, in an order drawn from (seed, epoch), with all its captions.

    most: tokens of a caption that are read; of longer ones the beginning.
    """

    def __init__(self, captioned: CaptionedImages, batch_size: int, most: int, seed: int) -> None:
        self.captioned = captioned
        self.batch_size = batch_size
        self.most = most
        self.seed = seed

    @property
    def steps_per_epoch(self) -> int:
        """Batches that read every image once; the last may have fewer images."""
        return -(-len(self.captioned.paths) // self.batch_size)

    @property
    def tokens_per_step(self) -> int:
        """About how many, the ends of captions included."""
        return max(1, round(self.captioned.tokens / self.steps_per_epoch))

    def batch(self, step: int) -> CaptionBatch:
        epoch, place = divmod(step, self.steps_per_epoch)
        numbers = self._order(epoch)[place * self.batch_size : (place + 1) * self.batch_size]
        return self.captioned.batch(numbers.tolist(), self.most)

    @lru_cache(maxsize=1)  # noqa: B019  a pure function of the epoch; one source lives as long as its training
    def _order(self, epoch: int) -> NDArray[np.int64]:
        return self.generator(epoch).permutation(len(self.captioned.paths))
