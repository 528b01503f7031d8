"""Attention maps as figures."""

import numpy as np
import pytest

from inkloom.explain.attention_plots import HeadPlot, HeadsPlot, maps_svg
from inkloom.pages.figures import as_png


@pytest.mark.parametrize("masked", [True, False])
def test_a_map_is_drawn_in_the_colours_of_the_page_and_the_same_each_time(masked):
    weights_TT = np.eye(4, dtype=np.float32)
    for plot in (
        HeadPlot(weights_TT, list("a b\n"), "--series-1", masked),
        HeadsPlot([[weights_TT, weights_TT]], "--series-1", masked),
    ):
        svg = maps_svg(plot, "map")
        assert svg == maps_svg(plot, "map")
        assert "var(--series-1)" in svg
        assert "#fe00" not in svg
        assert "\n↵" not in svg
    assert "␣" in maps_svg(HeadPlot(weights_TT, list("a b\n"), "--series-1", masked), "map")


def test_labels_are_turned_where_tokens_are_long_and_thinned_where_they_are_many():
    long = maps_svg(HeadPlot(np.eye(3, dtype=np.float32), ["a", "tokens", "of more than that"], "--ink", True), "map")
    assert "rotate(-90)" in long
    assert "of␣more␣tha…" in long
    many = maps_svg(
        HeadPlot(np.eye(120, dtype=np.float32), [str(place % 10) for place in range(120)], "--ink", True), "m"
    )
    assert 40 < many.count("<text") < 140


def test_a_map_is_a_picture_too():
    assert as_png(HeadPlot(np.eye(2, dtype=np.float32), ["a", "b"], "--series-1", True)).startswith(b"\x89PNG")
