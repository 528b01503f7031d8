"""Line figures as inline SVG that take their colours and their font from the page around them.

Matplotlib draws every colour as a stand-in, which is then replaced by one of the page's CSS variables: one figure
serves light and dark mode. The same data makes the same text, byte for byte.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

COLOURS = ("--ink", "--muted", "--paper", "--rule", "--series-1", "--series-2")
"""The variables that a page must define, see templates/page.css."""

STAND_INS = {name: f"#fe00{place:02x}" for place, name in enumerate(COLOURS)}

POINTS_PER_INCH = 72
WIDTH = 440
"""Points. On a phone of 390 pixels the figure shrinks by a fifth, which leaves its text above 9 pixels."""

FONT = "DejaVu Sans"
"""What the layout is measured with: it ships with matplotlib and is wide, so the page's own font finds room."""

ROUND = (1, 2, 2.5, 5, 10)
"""What distances between ticks begin with: no 1.5, 3 or 8, which are hard to count in."""

STYLE: Any = {  # Any: releases of matplotlib differ in how they type these names
    "axes.axisbelow": True,
    "axes.edgecolor": STAND_INS["--rule"],
    "axes.facecolor": "none",
    "axes.formatter.useoffset": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": STAND_INS["--muted"],
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": STAND_INS["--muted"],
    "axes.titlesize": 11.5,
    "figure.facecolor": "none",
    "font.family": FONT,
    "font.size": 11.5,
    "grid.color": STAND_INS["--rule"],
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.labelcolor": STAND_INS["--ink"],
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",
    "svg.hashsalt": "inkloom",
    "text.parse_math": False,
    "xtick.color": STAND_INS["--muted"],
    "xtick.major.size": 3,
    "ytick.color": STAND_INS["--muted"],
    "ytick.major.size": 0,
}


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


@dataclass(frozen=True)
class SecondUnit:
    """A second unit on the right axis: `factor` times the left one."""

    label: str
    factor: float


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
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # the user's own matplotlib settings are for their own figures
        matplotlib.rcParams.update(STYLE)
        figure = Figure(figsize=(WIDTH / POINTS_PER_INCH, height / POINTS_PER_INCH), layout="constrained")
        axes = figure.add_subplot()
        for line in lines:
            _draw(axes, line)
        _dress(axes, x_label, y_label, y_top)
        if second_unit is not None:
            _add_second_unit(axes, second_unit)
        if len(lines) > 1:
            axes.legend(
                loc="lower center",
                bbox_to_anchor=(0.5, 1.0),
                ncols=len(lines),
                handlelength=1.2,
                borderpad=0.0,
                borderaxespad=0.4,
            )
        return _as_inline_svg(figure, name)


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


def _draw(axes: Axes, line: Line) -> None:
    colour = STAND_INS[line.colour]
    x, y = line.x, line.y
    if not line.scores:
        axes.plot(x, y, color=colour, label=line.label, linewidth=1.6, marker="o" if len(x) < 2 else "", markersize=4)
        return
    known = np.isfinite(y)
    x, y = x[known], y[known]
    ring: dict[str, Any] = {
        "marker": "o",
        "markersize": 4.5,
        "markerfacecolor": STAND_INS["--paper"],
        "markeredgecolor": colour,
    }
    axes.plot(x, y, color=colour, label=line.label, linewidth=1.6, **ring)
    if len(y):
        axes.plot(x[y.argmin()], y.min(), "o", color=colour, markersize=6)


def _dress(axes: Axes, x_label: str, y_label: str, y_top: float | None) -> None:
    axes.set_xlabel(x_label)
    # The unit stands above its axis: a label along it would cost a phone a tenth of the width.
    axes.set_title(y_label, loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=ROUND))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
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
