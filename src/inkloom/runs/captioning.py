"""A trained captioner on disk, opened: it says what images show, and is scored."""

import functools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from inkloom.config import build
from inkloom.corpus import open_corpus
from inkloom.corpus.base import Corpus, Part
from inkloom.corpus.captions import image_folder
from inkloom.data.captions import encode_captions
from inkloom.data.images import BrokenImageError, Pixels, read_image
from inkloom.data.progress import Advance, progress
from inkloom.errors import InputError
from inkloom.evaluation.captioning import CaptionScores, Judged, score_captions
from inkloom.files import write_json
from inkloom.generation.captioning import Caption, CaptionConfig, write_captions
from inkloom.models.captioner import Captioner
from inkloom.runs.directory import RunDirectory
from inkloom.runs.run import Run

if TYPE_CHECKING:
    from rich.console import Console

IMAGES_AT_ONCE = 256
"""Whose pixels are in memory together."""

JUDGED = "captions.json"
"""In a run's folder: what it wrote about every held-out image, and how that compares."""


@dataclass(frozen=True)
class Captioned:
    """An image that captions were asked for. One that cannot be read has an `error` and no captions."""

    path: Path
    captions: tuple[Caption, ...] = ()
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        found = {"image": str(self.path)}
        if self.error is not None:
            return {**found, "error": self.error}
        return {**found, "captions": [caption.as_json() for caption in self.captions]}


class CaptionerRun(Run):
    """A run of a family that says what images show."""

    verb: ClassVar[str] = "caption"
    takes: ClassVar[str] = "runs of --model captioner"

    @functools.cached_property
    def model(self) -> Captioner:
        """The best weights, in float32, in evaluation mode."""
        model = super().model
        assert isinstance(model, Captioner)
        return model

    def caption(
        self, images: Sequence[str | Path], advance: Advance = lambda done: None, **settings: Any
    ) -> list[Captioned]:
        """Captions of image files, in their order. `settings` are the fields of `CaptionConfig`: beam, num_samples,
        temperature, max_tokens, seed. advance: hears of images that are done.

        An image that cannot be read has an error of its own and keeps none of the others from its captions.
        Raises InputError for a setting out of its range.
        """
        config = build(CaptionConfig, settings, "caption")
        found: list[Captioned] = []
        for first in range(0, len(images), IMAGES_AT_ONCE):
            found += self._caption([Path(image) for image in images[first : first + IMAGES_AT_ONCE]], config, advance)
        return found

    def _caption(self, images: Sequence[Path], config: CaptionConfig, advance: Advance) -> list[Captioned]:
        """The same of as many images as may be in memory together."""
        looks = [self._look(image) for image in images]
        pixels = [look for look in looks if not isinstance(look, BrokenImageError)]
        advance(len(looks) - len(pixels))
        written: list[list[Caption]] = []
        if pixels:
            written = write_captions(self.model, self.tokenizer, np.stack(pixels), config, advance)
        captions = iter(written)
        return [
            Captioned(image, error=str(look))
            if isinstance(look, BrokenImageError)
            else Captioned(image, tuple(next(captions)))
            for image, look in zip(images, looks, strict=True)
        ]

    def _look(self, image: Path) -> Pixels | BrokenImageError:
        try:
            return read_image(image, self.model.config.image_size)
        except BrokenImageError as error:
            return error

    def evaluate(
        self, split: str | None = None, corpus: str | Corpus | None = None, console: "Console | None" = None
    ) -> CaptionScores:
        """Score every caption of a split, and the captions that the model writes about its images.

        split: `val` or `test` of the run's own images; test where there is one.
        corpus: other images with captions, scored whole, or their `split` cut as the run's own were.
        console: where to show how far that is.
        """
        if isinstance(corpus, str):
            corpus = open_corpus(self.config.corpus.replace(sources=(corpus,)))
        part = self._own_part(split) if corpus is None else self._other_part(corpus, split)
        folder = image_folder(self.config.corpus if corpus is None else corpus.config)
        return self.judge(part, folder, console)[0]

    def judge(self, part: Part, folder: Path, console: "Console | None" = None) -> tuple[CaptionScores, list[Judged]]:
        """The scores of some images, and what they are made of. folder: below which the images lie."""
        captioned = encode_captions(self.tokenizer, part, folder, self.model.config.image_size, console)
        with progress(console, f"Scoring {part.name}", 2 * len(captioned.paths), "images") as advance:
            return score_captions(self.model, self.tokenizer, captioned, advance=advance)

    def judged(self) -> list[Judged]:
        """What the run wrote about every held-out image when its training ended. InputError where that is damaged."""
        data = self.directory.read_json(judged_file(self.directory))
        try:
            return [
                Judged(**{**one, "written": Caption(**one["written"]), "references": tuple(one["references"])})
                for one in data["images"]
            ]
        except (LookupError, TypeError) as error:
            raise InputError(
                f"{judged_file(self.directory)} is damaged ({error}). Restore the file or train again."
            ) from error


def judged_file(directory: RunDirectory) -> Path:
    """Where `write_judged` writes."""
    return directory.path / JUDGED


def write_judged(directory: RunDirectory, judged: Sequence[Judged]) -> None:
    """Keep what was written about images."""
    write_json(judged_file(directory), {"images": [asdict(one) for one in judged]})
