"""Attention weights as figures: one head with the text along its sides, or every head of a model side by side.

Shapes: L layers, H heads, T positions of the text.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from inkloom.explain.tokens import shortened, visible
from inkloom.pages.figures import WIDTH, Palette, as_svg

Weights = NDArray[np.float32]

SHADES = 12
"""Steps from no weight to all of it. The shade is the root of the weight, so that a weight of 1/24 is still seen;
weights below 1/576 are not drawn."""

MOST_PATHS = 48
"""Positions up to which the cells of a map are outlines, in which a page's colours can change. Larger maps are images,
for pictures alone: 24 maps of 83 positions take 4 s as outlines."""

GAP = 0.1
"""Between the cells of a single map, in widths of a cell."""

HEAD_GAP = 0.12
"""Between maps side by side, in widths of a map."""

LABEL_ROOM = 7.5
"""Points between two labels. Where positions stand closer, not every one has a label."""

LONGEST_LABEL = 12
"""Characters of a label; the rest of a longer token is left out."""


@dataclass(frozen=True)
class HeadPlot:
    """One head: a row for every position that reads, a column for every position that it may look at."""

    weights_TT: Weights
    texts: Sequence[str]
    """What stands at each position, a character or more."""

    colour: str
    """One of the page's colours."""

    masked: bool
    """Whether the future is shown as shut off."""

    @property
    def height(self) -> int:
        return WIDTH

    def draw(self, axes: Axes, palette: Palette) -> None:
        length = len(self.texts)
        _draw_map(axes, self.weights_TT, (0, 0), 1, palette, self.colour, self.masked, gap=GAP)
        labels = [shortened(visible(text), LONGEST_LABEL) for text in self.texts]
        step = math.ceil(LABEL_ROOM * length / WIDTH)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(np.arange(0, length, step) + 0.5, labels=labels[::step])
        if max(map(len, labels)) > 1:
            axes.tick_params(axis="x", labelrotation=90)
        axes.xaxis.tick_top()
        axes.tick_params(length=0, pad=4, labelcolor=palette["--ink"], labelsize=min(11.5, 240 * step / length))
        axes.set_xlabel("… looks at")
        axes.xaxis.set_label_position("top")
        axes.set_ylabel("the position of …")
        _bare(axes, length, length)


@dataclass(frozen=True)
class HeadsPlot:
    """Every head, one layer in a row."""

    weights_LHTT: Sequence[Sequence[Weights]]
    colour: str
    masked: bool

    @property
    def height(self) -> int:
        layers, heads = len(self.weights_LHTT), len(self.weights_LHTT[0])
        return round(WIDTH * layers / heads) + 30

    def draw(self, axes: Axes, palette: Palette) -> None:
        layers, heads = len(self.weights_LHTT), len(self.weights_LHTT[0])
        step = 1 + HEAD_GAP
        for layer, of_layer in enumerate(self.weights_LHTT):
            for head, weights_TT in enumerate(of_layer):
                corner = (head * step, layer * step)
                _draw_map(axes, weights_TT, corner, 1 / len(weights_TT), palette, self.colour, self.masked)
        axes.set_xticks(np.arange(heads) * step + 0.5, labels=[f"head {head + 1}" for head in range(heads)])
        axes.set_yticks(np.arange(layers) * step + 0.5, labels=[f"layer {layer + 1}" for layer in range(layers)])
        axes.tick_params(axis="y", rotation=90)
        for label in axes.get_yticklabels():
            label.set_verticalalignment("center")
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        _bare(axes, heads * step - HEAD_GAP, layers * step - HEAD_GAP)


def maps_svg(plot: HeadPlot | HeadsPlot, name: str) -> Markup:
    """A plot of maps for a page, as `as_svg` gives it, to a hundredth of a point: half as long."""
    return Markup(re.sub(r"(\.\d\d)\d+", r"\1", as_svg(plot, name)))


def _bare(axes: Axes, width: float, height: float) -> None:
    """Only the maps: rows from top to bottom, square cells, neither grid nor frame."""
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_aspect("equal")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _draw_map(
    axes: Axes,
    weights_TT: Weights,
    corner: tuple[float, float],
    cell: float,
    palette: Palette,
    colour: str,
    masked: bool,
    gap: float = 0.0,
) -> None:
    """One map with its upper left corner there. Cells of one shade are one path, which keeps the page small."""
    size = len(weights_TT) * cell
    x, y = corner
    _fill(axes, [[(x, y), (x + size, y), (x + size, y + size), (x, y + size)]], palette["--rule"], 0.3)
    if masked:
        _fill(axes, [_staircase(x, y, len(weights_TT), cell)], palette["--rule"], 1)
    if len(weights_TT) > MOST_PATHS:
        shades_TT4 = np.full((*weights_TT.shape, 4), to_rgba(palette[colour]), np.float32)
        shades_TT4[..., 3] = np.sqrt(weights_TT)
        axes.imshow(shades_TT4, extent=(x, x + size, y + size, y), interpolation="nearest", zorder=2)
        return
    shades_TT = np.round(np.sqrt(weights_TT) * SHADES).astype(int)
    for shade in range(1, SHADES + 1):
        cells = np.argwhere(shades_TT == shade)
        if len(cells):
            squares = [_square(x + column * cell, y + row * cell, cell, gap) for row, column in cells]
            _fill(axes, squares, palette[colour], shade / SHADES)


def _staircase(x: float, y: float, length: int, cell: float) -> list[tuple[float, float]]:
    """The outline of the future, all that is above the diagonal."""
    steps = [(x + (place + 1) * cell, y + (place + below) * cell) for place in range(length - 1) for below in (0, 1)]
    return [*steps, (x + length * cell, y + (length - 1) * cell), (x + length * cell, y)]


def _square(x: float, y: float, cell: float, gap: float) -> list[tuple[float, float]]:
    low, high = gap / 2 * cell, (1 - gap / 2) * cell
    return [(x + low, y + low), (x + high, y + low), (x + high, y + high), (x + low, y + high)]


def _fill(axes: Axes, polygons: Sequence[Sequence[tuple[float, float]]], colour: str, opacity: float) -> None:
    path = Path.make_compound_path(*(Path(np.array([*corners, corners[0]]), closed=True) for corners in polygons))
    axes.add_patch(PathPatch(path, facecolor=colour, alpha=opacity, linewidth=0))
