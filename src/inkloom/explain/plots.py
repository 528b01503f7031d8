"""Figures of the inside views: coloured text, bars, the saturation of gates, predictions by depth.

Shapes: T tokens, P depths, K tokens, L layers, H units of a layer.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from inkloom.explain.tints import Tint
from inkloom.explain.tokens import Bools, Floats, shortened, visible
from inkloom.pages.figures import Palette

MONO = "DejaVu Sans Mono"
"""Ships with matplotlib."""

COLUMNS = 64
"""Characters in a line of coloured text."""

FONT_SIZE = 10.5
LINE_HEIGHT, TITLE_HEIGHT, LEGEND_HEIGHT = 17, 20, 24
"""Points."""

STRONGEST = 0.6
"""Opacity of the strongest colour, under which black text is still read (contrast above 4.5)."""

LENS_COLUMNS = 16
"""Most tokens side by side in a lens."""

LENS_ROOM = 52
"""Characters that fit side by side in it."""

LENS_LABEL = 5
"""Characters of a token in it."""

LENS_MARGIN = 0.19
"""Room for the names of the depths, of the width of the tokens."""

BINS = 20
"""Of shares of the text, in which units are counted together."""


@dataclass(frozen=True)
class ColouredText:
    """A text with a tint for each token."""

    title: str
    texts: Sequence[str]
    tints: Sequence[Tint]


class Cell(NamedTuple):
    """One character of a coloured text in its place."""

    text: str
    line: int
    column: int
    width: int
    token: int


@dataclass(frozen=True)
class TextPlot:
    """One text in several colourings, one below the other, in a font of fixed width."""

    parts: Sequence[ColouredText]
    legend: Sequence[tuple[str, Tint]] = ()

    @cached_property
    def _cells(self) -> list[list[Cell]]:
        return [cells_of(part.texts) for part in self.parts]

    @property
    def height(self) -> int:
        lines = sum(1 + cells[-1].line for cells in self._cells)
        titles = sum(bool(part.title) for part in self.parts)
        return LINE_HEIGHT * lines + TITLE_HEIGHT * titles + LEGEND_HEIGHT * bool(self.legend)

    def draw(self, axes: Axes, palette: Palette) -> None:
        axes.set_axis_off()
        axes.set_xlim(0, COLUMNS)
        axes.set_ylim(self.height, 0)
        top = 0.0
        if self.legend:
            self._draw_legend(axes, palette)
            top += LEGEND_HEIGHT
        for part, cells in zip(self.parts, self._cells, strict=True):
            if part.title:
                _write(axes, 0, top + TITLE_HEIGHT / 2, part.title, palette["--muted"], "left", family=None)
                top += TITLE_HEIGHT
            for cell in cells:
                _draw_cell(axes, cell, part.tints[cell.token], top, palette)
            top += LINE_HEIGHT * (1 + cells[-1].line)

    def _draw_legend(self, axes: Axes, palette: Palette) -> None:
        place = 0.0
        for label, tint in self.legend:
            _fill(axes, place, LEGEND_HEIGHT / 2 - 7, 1.6, 11, tint, palette)
            _write(axes, place + 2.1, LEGEND_HEIGHT / 2 - 1, label, palette["--muted"], "left", family=None)
            place += 4 + 0.85 * len(label)


def cells_of(texts: Sequence[str], columns: int = COLUMNS) -> list[Cell]:
    """The characters of a text in lines of `columns`; line ends are shown and end a line, wide characters take two."""
    cells = []
    line = column = 0
    for token, text in enumerate(texts):
        for char in text or " ":
            width = width_of(char)
            if column + width > columns:
                line, column = line + 1, 0
            cells.append(Cell(char if char == " " else visible(char), line, column, width, token))
            line, column = (line + 1, 0) if char == "\n" else (line, column + width)
    return cells


def width_of(char: str) -> int:
    """How many columns of a terminal a character takes."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


@dataclass(frozen=True)
class BarsPlot:
    """Probabilities as bars, one below the other."""

    texts: Sequence[str]
    """Of the tokens."""

    probs_K: Floats
    colour: str

    @property
    def height(self) -> int:
        return 40 + 18 * len(self.texts)

    def draw(self, axes: Axes, palette: Palette) -> None:
        places = np.arange(len(self.texts))
        axes.barh(places, self.probs_K, height=0.7, color=palette[self.colour])
        for place, prob in zip(places, self.probs_K.tolist(), strict=True):
            axes.annotate(
                f"{prob:.1%}", (prob, place), (4, 0), textcoords="offset points", va="center", color=palette["--muted"]
            )
        axes.set_yticks(places, labels=[shortened(visible(text), 24) for text in self.texts])
        axes.tick_params(axis="y", labelcolor=palette["--ink"])
        axes.set_ylim(len(self.texts) - 0.5, -0.5)
        axes.set_xlim(0, 1.15 * float(self.probs_K.max()))
        axes.set_xticks([])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)


@dataclass(frozen=True)
class SaturationPlot:
    """How much of the text each unit's gates are shut and open: figure 5 of Karpathy et al. (2015).

    Units of about the same shares are one dot, the larger the more they are.
    """

    shares: Mapping[str, tuple[Floats, Floats]]
    """For each gate the shares of the text in which each unit's is shut and open, (H,) each."""

    colours: Mapping[str, str]
    height: int = 320

    def draw(self, axes: Axes, palette: Palette) -> None:
        for place, (gate, (shut_H, open_H)) in enumerate(self.shares.items()):
            binned, counts = np.unique(np.round(np.stack([shut_H, open_H]) * BINS), axis=1, return_counts=True)
            x, y = binned / BINS
            beside = (place - (len(self.shares) - 1) / 2) * 0.3 / BINS  # so that gates do not hide each other
            sizes = 6 + 400 * counts / len(shut_H)
            axes.scatter(x + beside, y, s=sizes, color=palette[self.colours[gate]], linewidth=0, label=gate)
        axes.plot([0, 1], [1, 0], color=palette["--rule"], linewidth=1)  # no unit can be beyond
        axes.set_xlabel("share of the text in which the gate is shut")
        axes.set_title("share in which it is open", loc="left")
        axes.set_xlim(-0.04, 1.04)
        axes.set_ylim(-0.04, 1.04)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1))
        legend = axes.legend(loc="upper right", borderaxespad=0.2)
        for handle in legend.legend_handles:
            if handle is not None:
                handle.set(sizes=[40])


@dataclass(frozen=True)
class LensPlot:
    """What each depth thinks likeliest in the place of every token, the text above; long texts in several bands."""

    texts: Sequence[str]
    """Of the T tokens that came."""

    depths: Sequence[str]
    """The names of the P depths."""

    top_texts: Sequence[Sequence[str]]
    """P times T."""

    probs_PT: Floats
    """Of those."""

    right_PT: Bools
    """Whether it came."""

    @property
    def columns(self) -> int:
        """Tokens side by side, as many as fit with their labels."""
        longest = min(LENS_LABEL, max(len(text) for text in self.texts))
        return min(LENS_COLUMNS, int(LENS_ROOM / (longest + 0.8)))

    @property
    def height(self) -> int:
        bands = -(-len(self.texts) // self.columns)
        return bands * (LINE_HEIGHT * (1 + len(self.depths)) + TITLE_HEIGHT)

    def draw(self, axes: Axes, palette: Palette) -> None:
        axes.set_axis_off()
        margin = LENS_MARGIN * self.columns
        axes.set_xlim(-margin, self.columns)
        axes.set_ylim(self.height, 0)
        band_height = LINE_HEIGHT * (1 + len(self.depths)) + TITLE_HEIGHT
        for token, text in enumerate(self.texts):
            band, column = divmod(token, self.columns)
            top = band * band_height
            if column == 0:
                for depth, name in enumerate(self.depths):
                    _write(axes, -margin, top + LINE_HEIGHT * (1.5 + depth), name, palette["--muted"], "left", None)
            label = shortened(visible(text), LENS_LABEL)
            _write(axes, column + 0.5, top + LINE_HEIGHT / 2, label, palette["--muted"], "center")
            for depth in range(len(self.depths)):
                below = top + LINE_HEIGHT * (1 + depth)
                right = bool(self.right_PT[depth, token])
                tint = Tint("--series-3" if right else "--series-2", float(self.probs_PT[depth, token]))
                _fill(axes, column + 0.04, below + 1, 0.92, LINE_HEIGHT - 2, tint, palette)
                label = shortened(visible(self.top_texts[depth][token]), LENS_LABEL)
                _write(axes, column + 0.5, below + LINE_HEIGHT / 2, label, palette["--ink"], "center")


def _draw_cell(axes: Axes, cell: Cell, tint: Tint, top: float, palette: Palette) -> None:
    y = top + LINE_HEIGHT * cell.line
    _fill(axes, cell.column, y + 1, cell.width, LINE_HEIGHT - 2, tint, palette)
    if not cell.text.isspace():
        colour = palette["--muted" if cell.text == "↵" else "--ink"]
        _write(axes, cell.column + cell.width / 2, y + LINE_HEIGHT / 2, cell.text, colour, "center")


def _fill(axes: Axes, x: float, y: float, width: float, height: float, tint: Tint, palette: Palette) -> None:
    if tint.strength > 0:
        colour, alpha = palette[tint.colour], STRONGEST * tint.strength
        axes.add_patch(Rectangle((x, y), width, height, facecolor=colour, alpha=alpha, linewidth=0))


def _write(axes: Axes, x: float, y: float, text: str, colour: str, align: str, family: str | None = MONO) -> None:
    style: dict[str, Any] = {"family": family} if family else {}
    axes.text(x, y, text, color=colour, ha=align, va="center", fontsize=FONT_SIZE, in_layout=False, **style)
