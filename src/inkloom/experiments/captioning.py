"""The report of a captioner: pictures beside what it wrote about them, and where it looked word by word.

Shapes: H heads, T words, G cells along a side of the image's grid, S pixels of a side.
"""

import base64
import io
import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from inkloom.corpus.captions import image_folder
from inkloom.data.images import Pixels, read_image
from inkloom.evaluation.captioning import Judged
from inkloom.experiments import wording
from inkloom.experiments.history import read_course
from inkloom.experiments.report import finished_evaluation, learning_figures, scores_of, write_page
from inkloom.pages.page import count, decimal
from inkloom.runs.captioning import CaptionerRun
from inkloom.runs.run import Run

SHOWN_RIGHT, SHOWN_WRONG = 12, 12
"""Images on the page, of those with an exact caption and of the others."""

SHOWN_LOOKS = 4
"""Images of which the page shows where every word looked."""

LARGEST = 192
"""Pixels of a side of an image on the page; the models see 48 to 224."""

DIM = 0.2
"""How bright an image is left where a word did not look at all."""

MOST_WORDS = 24
"""Of a caption whose looks are shown."""


@dataclass(frozen=True)
class Picture:
    """An image as the model saw it, and what was said of it."""

    source: str
    """As a data URI."""

    judged: Judged


@dataclass(frozen=True)
class WordLook:
    """A word, and the image as bright as the word looked at it."""

    word: str
    source: str
    share: float
    """Of the look that lies on the brightest cell, 0 to 1."""


def write_report(run: Run) -> Path:
    """Write the run's report.html, whole or not at all, and return its path.

    Raises InputError for a run that has not been scored yet, and where its images are gone.
    """
    assert isinstance(run, CaptionerRun)
    evaluation = finished_evaluation(run)
    scores, headline = scores_of(evaluation)
    course = read_course(run.directory.metrics_file)
    judged = run.judged()
    folder = image_folder(run.config.corpus)
    return write_page(
        run,
        "captioning.html.jinja",
        evaluation,
        scores=scores,
        headline=headline,
        meaning=_meaning(headline),
        figures=learning_figures(course, headline),
        outcome=wording.outcome(course) if course is not None else None,
        right=_pictures(run, folder, [one for one in judged if one.exact], SHOWN_RIGHT),
        wrong=_pictures(run, folder, [one for one in judged if not one.exact], SHOWN_WRONG),
        looks=_looks(run, folder, judged) if run.model.config.attention else [],
        commands=_commands(run),
    )


def where_words_look(run: CaptionerRun, pixels_SS3: Pixels, token_ids: Sequence[int]) -> NDArray[np.float64]:
    """How the look for each of the tokens lies on the image, (T, G, G), the mean over the heads; each sums to 1."""
    model = run.model  # loaded outside of the block, whose tensors know no gradient
    read_1T = torch.tensor([[run.tokenizer.end_id, *token_ids[:-1]]])
    with torch.inference_mode():
        state = model.initial_state(1, torch.from_numpy(pixels_SS3)[None])
        weights_TF = model.where_it_looks(read_1T, state)[0].mean(dim=0).double().numpy()
    side = math.isqrt(weights_TF.shape[1])
    return np.asarray(weights_TF.reshape(-1, side, side))


def brightened(pixels_SS3: Pixels, weights_GG: NDArray[np.float64]) -> Pixels:
    """An image, dark where a word did not look, as bright as it is where it looked most."""
    from PIL import Image

    scaled = (255 * weights_GG / weights_GG.max()).astype(np.uint8)
    side = len(pixels_SS3)
    smooth_SS = np.asarray(Image.fromarray(scaled).resize((side, side), Image.Resampling.BILINEAR)) / 255
    light_SS1 = (DIM + (1 - DIM) * smooth_SS)[:, :, None]
    return np.asarray(np.rint(pixels_SS3 * light_SS1), np.uint8)


def data_uri(pixels_SS3: Pixels) -> str:
    """A picture inside the page, PNG."""
    from PIL import Image

    image = Image.fromarray(pixels_SS3)
    if image.width > LARGEST:
        image = image.resize((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    image.save(data, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


def _meaning(score: wording.ScoreKeys) -> str:
    return (
        f"Of {count(score['images'])} images that it was not trained on, so many got a caption that is, word for word, "
        f"one of their own. The mean BLEU is {decimal(score['bleu'], 3)}; each token of the true captions "
        f"costs {decimal(score['nats_per_token'], 3)} nats."
    )


def _evenly(judged: Sequence[Judged], most: int) -> list[Judged]:
    """At most so many, from all over."""
    places = np.linspace(0, len(judged) - 1, min(most, len(judged))).round().astype(int)
    return [judged[place] for place in places.tolist()]


def _pictures(run: CaptionerRun, folder: Path, judged: Sequence[Judged], most: int) -> list[Picture]:
    return [Picture(data_uri(_pixels(run, folder, one)), one) for one in _evenly(judged, most)]


def _pixels(run: CaptionerRun, folder: Path, judged: Judged) -> Pixels:
    return read_image(folder / judged.path, run.model.config.image_size)


def _looks(run: CaptionerRun, folder: Path, judged: Sequence[Judged]) -> list[tuple[Picture, list[WordLook]]]:
    """The longest of some captions, exact ones where there are any, and where each of their words looked."""
    candidates = _evenly([one for one in judged if one.exact] or judged, SHOWN_RIGHT)
    looks = []
    for one in sorted(candidates, key=lambda one: -len(one.written.token_ids))[:SHOWN_LOOKS]:
        pixels_SS3 = _pixels(run, folder, one)
        looks.append((Picture(data_uri(pixels_SS3), one), _look(run, pixels_SS3, one)))
    return looks


def _look(run: CaptionerRun, pixels_SS3: Pixels, judged: Judged) -> list[WordLook]:
    token_ids = judged.written.token_ids[:MOST_WORDS]
    if not token_ids:
        return []
    return [
        WordLook(run.tokenizer.text_of(token), data_uri(brightened(pixels_SS3, weights_GG)), float(weights_GG.max()))
        for token, weights_GG in zip(token_ids, where_words_look(run, pixels_SS3, token_ids), strict=True)
    ]


def _commands(run: CaptionerRun) -> list[tuple[str, str]]:
    """Command lines, and what each does."""
    name = shlex.quote(str(run.directory.path))
    return [
        (f"inkloom caption {name} IMAGE", "says what images show; folders are taken, too"),
        (f"inkloom evaluate {name}", "scores the held-out images again"),
        (f"inkloom train --resume {name}", "goes on with a training that was interrupted"),
    ]
