"""The figures of a comparison, and pictures on white."""

from xml.etree import ElementTree

import numpy as np
import pytest

from inkloom.experiments.comparison.figures import figures_of, mean_course
from inkloom.pages.figures import PRINT, SERIES, Line, LinePlot, Span, SpanPlot, as_png, as_svg
from inkloom.runs.run import load_run


def test_the_mean_of_courses_is_taken_where_all_of_them_have_been():
    one = (np.array([1.0, 2.0, 3.0]), np.array([4.0, 3.0, 2.0]))
    other = (np.array([1.5, 2.5]), np.array([3.0, 2.0]))
    found = mean_course([one, other])
    assert found.x.tolist() == [1.5, 2.0, 2.5]
    assert found.mean.tolist() == [3.25, 2.75, 2.25]
    assert found.low.tolist() == [3.0, 2.5, 2.0]
    assert found.high.tolist() == [3.5, 3.0, 2.5]


def test_courses_that_share_no_stretch_meet_in_one_point():
    found = mean_course([(np.array([1.0]), np.array([2.0])), (np.array([3.0]), np.array([4.0]))])
    assert found.mean.tolist() == [3.0]


def test_a_single_course_is_itself():
    x, y = np.array([1.0, 2.0]), np.array([4.0, 3.0])
    found = mean_course([(x, y)])
    assert (found.x.tolist(), found.mean.tolist()) == (x.tolist(), y.tolist())
    assert np.array_equal(found.low, found.high)


def test_the_best_point_of_a_curve_is_the_score_of_all_of_val(sweep):
    table = sweep.comparison.tables[0]
    best = table.best_of(sweep.comparison.request.models)
    for against in ("by_time", "by_tokens"):
        lines = figures_of(sweep.comparison, table)[against].plot.lines
        for line, row in zip(lines, best, strict=True):
            summary = load_run(row.entry.cells[0].directory.path).summary()
            assert line.y.min() == pytest.approx(summary["val"]["nats_per_token"])


def texts(svg) -> list[str]:
    return [element.text for element in ElementTree.fromstring(svg).iter("text")]


def test_windows_are_the_only_ticks_of_a_sweep(sweep):
    plot = figures_of(sweep.comparison, sweep.comparison.tables[0])["sweep"].plot
    shown = texts(as_svg(plot, "sweep"))
    assert {"4", "16", "rnn, val", "rnn, train", "ngram, val"} <= set(shown)
    assert not {"8", "10"} & set(shown)


def test_intervals_are_named_in_the_order_of_the_rows(league):
    plot = figures_of(league.comparison, league.comparison.tables[0])["intervals"].plot
    names = [text for text in texts(as_svg(plot, "intervals")) if text in {"rnn", "gru", "ngram"}]
    assert names == [row.model for row in league.comparison.rows]


@pytest.mark.parametrize("entries", [1, 2, 3, 4, 5, 7])
def test_legends_name_every_curve(entries):
    x = np.arange(3.0)
    lines = [Line(f"a long name {n}", x, x + n, SERIES[n % len(SERIES)], dashed=n % 2 == 1) for n in range(entries)]
    shown = texts(as_svg(LinePlot(lines, "steps", "nats"), "many"))
    assert entries == 1 or {line.label for line in lines} <= set(shown)


def test_a_picture_is_drawn_in_the_colours_of_print():
    pixels = as_png(SpanPlot([Span("one", 1.0, 0.5, 1.5, "--series-1")], "bits"))
    assert pixels.startswith(b"\x89PNG")
    assert as_png(SpanPlot([Span("one", 1.0, 0.5, 1.5, "--series-1")], "bits")) == pixels
    assert PRINT["--paper"] == "#ffffff"


def test_bands_and_single_points_are_drawn():
    x = np.array([1.0])
    line = Line("point", x, x, "--series-1", scores=True, band=(x - 0.1, x + 0.1))
    ElementTree.fromstring(as_svg(LinePlot([line], "steps"), "point"))
