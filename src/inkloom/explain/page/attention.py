"""The sections on attention: every head as a small map, one of them large, with the text along its sides.

A map is an image of opacities alone, which the page uses as a mask over one of its colours: so it stands in the page
once, and follows light and dark.

Shapes: T positions, L layers, H heads.
"""

import base64
import io
from dataclasses import dataclass

import numpy as np
from matplotlib.image import imsave

from inkloom.explain import words
from inkloom.explain.attention import AttentionMaps
from inkloom.explain.page.pieces import Section
from inkloom.explain.pictures import MASKED_COLOUR, UNMASKED_COLOUR
from inkloom.explain.tokens import Floats, shortened, visible

LONGEST_LABEL = 10
"""Characters of a token along the side of a map."""

SHADES = 15
"""Steps from nothing to full opacity. A map of 100 tokens takes 4 kB then, and 9 kB with 255 steps."""


@dataclass(frozen=True)
class Head:
    """One head on the page."""

    layer: int
    head: int
    title: str
    habit: str
    image: str
    """A data address."""

    first: bool
    """Whether it is the large one at first."""


def section(name: str, shown: AttentionMaps, layer: int | None = None, head: int | None = None) -> Section:
    """The section of a view; `layer` and `head` may choose the large map."""
    L, H = shown.weights_LHTT.shape[:2]
    first = shown.telling_head(layer, head)
    heads = [
        Head(
            layer=row + 1,
            head=column + 1,
            title=words.head_title(row, column),
            habit=words.head_habit(shown, row, column),
            image=image_of(np.sqrt(shown.weights_LHTT[row, column])),
            first=(row, column) == first,
        )
        for row in range(L)
        for column in range(H)
    ]
    masked = bool(shown.masked_TT.any())
    content = {
        "heads": heads,
        "heads_of_a_layer": H,
        "labels": [shortened(visible(text), LONGEST_LABEL) for text in shown.tokens.texts],
        "mask": image_of(shown.masked_TT.astype(np.float32)) if masked else None,
        "colour": MASKED_COLOUR if masked else UNMASKED_COLOUR,
    }
    title = "Where it looks" if name == "attention" else "Where it looked in training, without a mask"
    return Section(name, title, [_remark(masked)], content)


def _remark(masked: bool) -> str:
    what = "Each row belongs to the position that reads; the stronger a cell, the more of its attention goes there."
    if masked:
        return (
            f"{what} Hatched cells are masked: they come later and must not be seen. That is a rule, not a weight of 0."
        )
    return (
        f"{what} Nothing is masked here: every position sees the tokens after it, too. When the model writes, they are "
        "not there."
    )


def image_of(opacity_TT: Floats) -> str:
    """An image of opacities, from 0 to 1 in SHADES steps, as a data address."""
    pixels_TT4 = np.zeros((*opacity_TT.shape, 4), np.uint8)
    pixels_TT4[..., 3] = np.round(opacity_TT * SHADES) * (255 // SHADES)
    file = io.BytesIO()
    imsave(file, pixels_TT4, format="png")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
