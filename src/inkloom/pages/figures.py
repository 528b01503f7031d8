"""Figures as inline SVG that take their colours and their font from the page around them, and as PNG for papers.

For a page, matplotlib draws every colour as a stand-in, which is then replaced by one of the page's CSS variables: one
figure serves light and dark mode. The same data makes the same text, byte for byte.
"""

import contextlib
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import ScaledTranslation, Transform
from numpy.typing import NDArray

PRINT = {
    "--ink": "#22252b",
    "--muted": "#5f646e",
    "--paper": "#ffffff",
    "--rule": "#dfdbd1",
    "--series-1": "#2b5fb8",
    "--series-2": "#b8500f",
    "--series-3": "#23794a",
    "--series-4": "#7a46ab",
    "--series-5": "#9b2450",
    "--series-6": "#6b6200",
}
"""The colours of a picture on white: those of the page in light mode."""

COLOURS = tuple(PRINT)
"""The variables that a page must define, see templates/page.css."""

SERIES = tuple(name for name in COLOURS if name.startswith("--series"))

STAND_INS = {name: f"#fe00{place:02x}" for place, name in enumerate(COLOURS)}

Palette = Mapping[str, str]
"""A colour for each of COLOURS: STAND_INS or PRINT."""

POINTS_PER_INCH = 72
WIDTH = 440
"""Points. On a phone of 390 pixels the figure shrinks by a fifth, which leaves its text above 9 pixels."""

FONT = "DejaVu Sans"
"""What the layout is measured with: it ships with matplotlib and is wide, so the page's own font finds room."""

MOST_IN_A_ROW = 3
"""Entries of a legend side by side: as many as fit over a figure with names of a dozen letters."""

ROUND = (1, 2, 2.5, 5, 10)
"""What distances between ticks begin with: no 1.5, 3 or 8, which are hard to count in."""

DOTS_PER_INCH = 200
"""Of a picture: enough for print in the width of a column."""


@dataclass(frozen=True)
class Drawing:
    """A figure with its title, and what it shows in a sentence for those who do not see it."""

    title: str
    svg: Markup
    description: str


@dataclass(frozen=True)
class Line:
    """One curve. `x` and `y` are of one length; the curve has a gap where `y` is nan."""

    label: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    colour: str
    """One of COLOURS."""

    scores: bool = False
    """Whether its points are few and exact: they are marked and joined over gaps, the lowest is filled."""

    dashed: bool = False

    band: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    """The lowest and the highest of what the curve is the mean of, shaded."""


@dataclass(frozen=True)
class SecondUnit:
    """A second unit on the right axis: `factor` times the left one."""

    label: str
    factor: float


class Plot(Protocol):
    """What a figure shows, before it is known on what."""

    @property
    def height(self) -> int:
        """In points, at a width of WIDTH."""
        ...

    def draw(self, axes: Axes, palette: Palette) -> None:
        """Draw all of it."""


@dataclass(frozen=True)
class LinePlot:
    """Curves over one x axis.

    y_top: where the left axis ends, for curves that start far above their interesting part.
    x_ticks: the only ticks, on a logarithmic axis.
    """

    lines: Sequence[Line]
    x_label: str
    y_label: str = ""
    second_unit: SecondUnit | None = None
    y_top: float | None = None
    x_ticks: Sequence[int] = ()
    height: int = 280

    def draw(self, axes: Axes, palette: Palette) -> None:
        for line in self.lines:
            _draw(axes, line, palette)
        _dress(axes, self.x_label, self.y_label, self.y_top)
        if self.x_ticks:
            axes.set_xscale("log", base=2)
            axes.set_xticks(self.x_ticks, labels=[f"{tick:,}" for tick in self.x_ticks])
            axes.minorticks_off()
        if self.second_unit is not None:
            _add_second_unit(axes, self.second_unit)
        if len(self.lines) > 1:
            axes.legend(
                loc="lower center",
                bbox_to_anchor=(0.5, 1.0),
                bbox_transform=axes.transAxes if self._legend_is_short else _above_the_units(axes),
                ncols=_columns(len(self.lines)),
                handlelength=1.2,
                borderpad=0.0,
                borderaxespad=0.4,
            )

    @property
    def _legend_is_short(self) -> bool:
        """Whether it fits between the units above the axes, as "train" and "val" do."""
        return sum(len(line.label) for line in self.lines) <= 10


@dataclass(frozen=True)
class Span:
    """A value with its interval."""

    label: str
    value: float
    low: float
    high: float
    colour: str
    """One of COLOURS."""


@dataclass(frozen=True)
class SpanPlot:
    """Values one below the other, each a dot on its interval."""

    spans: Sequence[Span]
    x_label: str

    @property
    def height(self) -> int:
        return 60 + 24 * len(self.spans)

    def draw(self, axes: Axes, palette: Palette) -> None:
        for place, span in enumerate(self.spans):
            colour = palette[span.colour]
            axes.plot([span.low, span.high], [place, place], color=colour, linewidth=2.5, alpha=0.45)
            axes.plot([span.value], [place], "o", color=colour, markersize=6.5)
        axes.set_yticks(range(len(self.spans)), labels=[span.label for span in self.spans])
        axes.tick_params(axis="y", labelcolor=palette["--ink"])
        axes.set_ylim(len(self.spans) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x")
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=ROUND))
        axes.set_xlabel(self.x_label)


def line_figure(
    name: str,
    lines: Sequence[Line],
    *,
    x_label: str,
    y_label: str = "",
    second_unit: SecondUnit | None = None,
    y_top: float | None = None,
    height: int = 280,
) -> Markup:
    """Curves over one x axis as an `<svg>` element without a size: it fills the width of what holds it.

    name: unique on the page; it goes before the ids inside the figure.
    y_top: where the left axis ends, for curves that start far above their interesting part.
    height: in points, at a width of WIDTH.
    """
    plot = LinePlot(lines, x_label, y_label, second_unit, y_top, height=height)
    return as_svg(plot, name)


def as_svg(plot: Plot, name: str) -> Markup:
    """A plot as an `<svg>` element without a size: it fills the width of what holds it, in the page's colours.

    name: unique on the page; it goes before the ids inside the figure.
    """
    with _figure(plot, STAND_INS) as figure:
        return _as_inline_svg(figure, name)


def as_png(plot: Plot) -> bytes:
    """A plot as a picture on white, DOTS_PER_INCH fine."""
    with _figure(plot, PRINT) as figure:
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=DOTS_PER_INCH, facecolor=PRINT["--paper"], metadata={"Software": None})
        return file.getvalue()


@contextlib.contextmanager
def _figure(plot: Plot, palette: Palette) -> Iterator[Figure]:
    """The plot drawn, in the style that saving it needs too."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # the user's own matplotlib settings are for their own figures
        matplotlib.rcParams.update(_style(palette))
        figure = Figure(figsize=(WIDTH / POINTS_PER_INCH, plot.height / POINTS_PER_INCH), layout="constrained")
        plot.draw(figure.add_subplot(), palette)
        yield figure


def _style(palette: Palette) -> Any:  # Any: releases of matplotlib differ in how they type these names
    return {
        "axes.axisbelow": True,
        "axes.edgecolor": palette["--rule"],
        "axes.facecolor": "none",
        "axes.formatter.useoffset": False,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.labelcolor": palette["--muted"],
        "axes.spines.left": False,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": palette["--muted"],
        "axes.titlesize": 11.5,
        "figure.facecolor": "none",
        "font.family": FONT,
        "font.size": 11.5,
        "grid.color": palette["--rule"],
        "grid.linewidth": 0.7,
        "legend.frameon": False,
        "legend.labelcolor": palette["--ink"],
        "lines.solid_capstyle": "round",
        "svg.fonttype": "none",
        "svg.hashsalt": "inkloom",
        "text.parse_math": False,
        "xtick.color": palette["--muted"],
        "xtick.major.size": 3,
        "ytick.color": palette["--muted"],
        "ytick.major.size": 0,
    }


def settled_top(y: NDArray[np.float64], share: float = 0.02) -> float | None:
    """The highest value after the first `share` of a curve, with a margin; None where that cuts nothing off.

    A loss falls from log(vocabulary) to a half of it in a few steps: drawn in full, they would press all the
    rest into the lowest third.
    """
    first = int(np.ceil(share * len(y)))
    settled = y[first:][np.isfinite(y[first:])]
    if len(settled) < 2 or np.nanmax(y) <= settled.max():
        return None
    return float(settled.max() + 0.05 * (settled.max() - settled.min()))


def _columns(entries: int) -> int:
    """Of a legend: as many as give no more rows than need be, and rows of one length."""
    rows = math.ceil(entries / MOST_IN_A_ROW)
    return math.ceil(entries / rows)


def _above_the_units(axes: Axes) -> Transform:
    """The axes' own coordinates, a line of text higher."""
    figure = axes.get_figure()
    assert figure is not None  # the axes were made by one
    return axes.transAxes + ScaledTranslation(0, 18 / POINTS_PER_INCH, figure.dpi_scale_trans)


def _draw(axes: Axes, line: Line, palette: Palette) -> None:
    colour = palette[line.colour]
    x, y = line.x, line.y
    style: dict[str, Any] = {"color": colour, "linewidth": 1.6, "linestyle": (0, (3, 2)) if line.dashed else "solid"}
    if line.band is not None:
        axes.fill_between(x, *line.band, color=colour, alpha=0.18, linewidth=0)
    if not line.scores:
        axes.plot(x, y, label=line.label, marker="o" if len(x) < 2 else "", markersize=4, **style)
        return
    known = np.isfinite(y)
    x, y = x[known], y[known]
    ring: dict[str, Any] = {
        "marker": "o",
        "markersize": 4.5,
        "markerfacecolor": palette["--paper"],
        "markeredgecolor": colour,
    }
    axes.plot(x, y, label=line.label, **style, **ring)
    if len(y):
        axes.plot(x[y.argmin()], y.min(), "o", color=colour, markersize=6)


def tick_label(value: float) -> str:
    """A whole number with its thousands apart, any other with the digits that it has: 12,000, and 0.25 where an axis is
    short."""
    return f"{value:,.0f}" if abs(value - round(value)) < 1e-9 else f"{value:.6g}"


def _dress(axes: Axes, x_label: str, y_label: str, y_top: float | None) -> None:
    axes.set_xlabel(x_label)
    # The unit stands above its axis: a label along it would cost a phone a tenth of the width.
    axes.set_title(y_label, loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=ROUND))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_label(value)))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=ROUND))
    axes.margins(x=0.02)
    if y_top is not None:
        axes.set_ylim(top=y_top)


def _add_second_unit(axes: Axes, unit: SecondUnit) -> None:
    def to_right(y: Any) -> Any:
        return y * unit.factor

    def to_left(y: Any) -> Any:
        return y / unit.factor

    right = axes.secondary_yaxis("right", functions=(to_right, to_left))
    right.grid(visible=False)
    right.spines["right"].set_visible(False)
    right.yaxis.set_major_locator(MaxNLocator(5, steps=ROUND))
    axes.set_title(unit.label, loc="right")


def _as_inline_svg(figure: Figure, name: str) -> Markup:
    """The figure as one element for an HTML page: no prologue, no size, its own ids, the page's colours."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    # Its <style> would hold for the whole page, its <metadata> names addresses outside.
    svg = re.sub(r"<(metadata|style)\b.*?</\1>\s*", "", svg, flags=re.DOTALL)
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box is not None  # matplotlib writes one into every figure
    svg = re.sub(r"<svg[^>]*>", f'<svg {box[0]} aria-hidden="true" focusable="false">', svg, count=1)
    svg = svg.replace("xlink:href=", "href=").replace(f"'{FONT}'", "inherit")
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = svg.replace("url(#", f"url(#{name}-").replace('href="#', f'href="#{name}-')
    for variable, stand_in in STAND_INS.items():
        svg = svg.replace(stand_in, f"var({variable})")
    return Markup(svg)
