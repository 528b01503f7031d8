"""Figures of the views: what stands where, and that all of it is drawn."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.explain import VIEWS
from inkloom.explain.pictures import PICTURES
from inkloom.explain.plots import BarsPlot, ColouredText, LensPlot, SaturationPlot, TextPlot, cells_of, width_of
from inkloom.explain.tints import Tint
from inkloom.explain.views import views_of
from inkloom.pages.figures import COLOURS, as_png, as_svg
from tests.explain.models import MODELS, TEXT, TOKENIZER

NONE = Tint("--ink", 0.0)


def texts_of(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter("text")]


def places(texts, columns=4):
    return [(cell.text, cell.line, cell.column) for cell in cells_of(texts, columns)]


def test_characters_stand_in_lines():
    assert places(["ab", "c\n", "d"]) == [("a", 0, 0), ("b", 0, 1), ("c", 0, 2), ("↵", 0, 3), ("d", 1, 0)]
    assert places(["abcde"]) == [("a", 0, 0), ("b", 0, 1), ("c", 0, 2), ("d", 0, 3), ("e", 1, 0)]


def test_wide_characters_take_two_columns_and_combining_ones_none():
    assert places(["日本", "語"]) == [("日", 0, 0), ("本", 0, 2), ("語", 1, 0)]
    assert [width_of(char) for char in "a日e\u0301"] == [1, 2, 1, 0]


def test_a_token_without_text_has_a_place():
    assert places(["a", "", "b"]) == [("a", 0, 0), (" ", 0, 1), ("b", 0, 2)]


@given(st.lists(st.text(max_size=5), min_size=1))
def test_no_character_is_lost_and_none_stands_beyond_the_last_column(texts):
    cells = cells_of(texts, 8)
    assert [cell.token for cell in cells] == [token for token, text in enumerate(texts) for _ in text or " "]
    assert all(cell.column + cell.width <= 8 for cell in cells)


def test_coloured_texts_are_written_in_full_with_titles_and_legend():
    part = ColouredText("a title", ["ca", "t\n", "x"], [Tint("--series-3", 0.5), NONE, NONE])
    svg = as_svg(TextPlot([part, part], [("a legend", Tint("--series-3", 1.0))]), "text")
    found = texts_of(svg)
    assert found.count("a title") == 2
    assert found.count("a legend") == 1
    assert "".join(text for text in found if len(text) == 1) == "cat↵x" * 2
    assert svg.count("var(--series-3)") == 1 + 2 * 2  # the legend's, and those of two characters in two texts


def test_bars_are_as_long_as_what_they_show():
    svg = as_svg(BarsPlot(["a", " "], np.array([0.75, 0.25], np.float32), "--series-1"), "bars")
    assert {"a", "␣", "75.0%", "25.0%"} <= set(texts_of(svg))


def test_saturation_tells_the_gates_apart():
    shares = {"forget": (np.zeros(4), np.ones(4)), "input": (np.ones(4), np.zeros(4))}
    svg = as_svg(SaturationPlot(shares, {"forget": "--series-1", "input": "--series-2"}), "saturation")
    assert {"forget", "input"} <= set(texts_of(svg))
    assert "var(--series-1)" in svg
    assert "var(--series-2)" in svg


def test_a_lens_has_every_token_at_every_depth():
    T = 20
    top_texts = [[f"{depth}{place}" for place in range(T)] for depth in range(2)]
    right_PT = np.zeros((2, T), bool)
    plot = LensPlot(["x"] * T, ("embed", "layer 1"), top_texts, np.full((2, T), 0.5, np.float32), right_PT)
    found = texts_of(as_svg(plot, "lens"))
    assert {text for row in top_texts for text in row} <= set(found)
    assert found.count("embed") == 2  # at the beginning of each of two bands
    assert found.count("x") == T


@pytest.mark.parametrize("family", MODELS)
def test_every_view_has_pictures_in_the_colours_of_the_page(family):
    model = MODELS[family]()
    for view in views_of(model):
        for name, plot in PICTURES[view](VIEWS[view].function(model, TOKENIZER, TEXT[:12])).items():
            assert re.fullmatch(r"[a-z0-9-]+", name)
            svg = as_svg(plot, name)
            assert "#fe00" not in svg
            assert set(re.findall(r"var\((--[\w-]+)\)", svg)) <= set(COLOURS)


def test_a_text_is_a_picture_too():
    part = ColouredText("", ["a"], [Tint("--series-1", 1.0)])
    assert as_png(TextPlot([part])).startswith(b"\x89PNG")


def test_every_view_has_pictures():
    assert set(PICTURES) == set(VIEWS)
