"""Figures as SVG: well-formed, without traces of the machine, in the page's colours."""

import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from inkloom.pages.figures import COLOURS, STAND_INS, Line, SecondUnit, line_figure, settled_top, tick_label

STEPS = np.arange(50.0)
FALLING = 1 + 3 * np.exp(-STEPS / 5)
SPARSE = np.where(STEPS % 10 == 9, FALLING + 0.1, np.nan)


def draw(name="loss"):
    return line_figure(
        name,
        [Line("train", STEPS, FALLING, "--series-1"), Line("val <&>", STEPS, SPARSE, "--series-2", scores=True)],
        x_label="steps",
        y_label="nats",
        second_unit=SecondUnit("bits", 2.0),
    )


def test_a_figure_is_one_well_formed_element_without_a_size():
    root = ElementTree.fromstring(draw())
    assert root.tag == "svg"
    assert set(root.attrib) == {"viewBox", "aria-hidden", "focusable"}
    assert root.find(".//style") is None
    assert root.find(".//metadata") is None


@pytest.mark.parametrize(("value", "label"), [(0.0, "0"), (12000.0, "12,000"), (0.25, "0.25"), (0.1 + 0.2, "0.3")])
def test_ticks_of_an_axis(value, label):
    assert tick_label(value) == label


def test_labels_are_text():
    texts = [element.text for element in ElementTree.fromstring(draw()).iter("text")]
    assert {"steps", "nats", "bits", "train", "val <&>"} <= set(texts)


def test_colours_are_the_pages():
    svg = draw()
    assert not re.findall(r"#[0-9a-f]{6}\b", svg)
    assert set(re.findall(r"var\((--[\w-]+)\)", svg)) <= set(COLOURS)
    assert len(set(STAND_INS.values())) == len(COLOURS)


def test_the_right_axis_is_the_left_one_in_its_unit():
    """A right tick stands as high as the left tick of half its value."""
    height = {}
    for element in ElementTree.fromstring(draw()).iter("text"):
        if re.fullmatch(r"[\d.]+", element.text or ""):
            side = "left" if "text-anchor: end" in element.get("style") else "right"
            height[side, float(element.text)] = float(element.get("y"))
    assert height["left", 2.0] == pytest.approx(height["right", 4.0], abs=0.01)


def test_ids_begin_with_the_figures_name():
    assert all(name.startswith("one-") for name in re.findall(r'\bid="([^"]+)"', draw("one")))


def test_the_users_matplotlib_settings_neither_matter_nor_change():
    plain = draw()
    with matplotlib.rc_context(
        {"font.size": 30, "axes.prop_cycle": matplotlib.cycler(color=["red"]), "grid.alpha": 0.1}
    ):
        before = dict(matplotlib.rcParams)
        assert draw() == plain
        assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("y", [[2.0], [2.0, 2.0], [np.nan, 2.0], [np.nan, np.nan], [0.0, 1e9]])
def test_short_and_odd_curves_are_drawn(y):
    x = np.arange(float(len(y)))
    lines = [Line("train", x, np.array(y), "--series-1"), Line("val", x, np.array(y), "--series-2", scores=True)]
    ElementTree.fromstring(line_figure("odd", lines, x_label="steps", y_top=settled_top(np.array(y))))


def test_the_top_leaves_out_the_first_fall_and_nothing_else():
    curve = np.concatenate([[9.0], np.full(99, 2.0)])
    curve[50] = 3.0
    top = settled_top(curve)
    assert 3.0 < top < 3.2
    assert settled_top(np.full(100, 2.0)) is None
