"""Fronts of quality against diversity, by known answers."""

import math

import pytest

from inkloom.evaluation.sentences import SentenceMeasures
from inkloom.experiments.gan import areas_sheet, front_figure, marked
from inkloom.experiments.verdict import (
    PLANES,
    Interval,
    Judged,
    Place,
    Point,
    Shown,
    Verdict,
    area,
    best_quality,
    front,
    places,
)


def test_the_area_under_one_point_is_its_rectangle():
    assert area([Place(diversity=0.5, quality=0.8)]) == pytest.approx(0.4)


def test_the_area_under_several_is_that_of_their_union():
    """0.2 x 0.9 and 0.6 x 0.5 overlap in 0.2 x 0.5; a point that another beats in both adds nothing."""
    spots = [Place(0.2, 0.9), Place(0.6, 0.5)]
    assert area(spots) == pytest.approx(0.18 + 0.3 - 0.1)
    assert area([*spots, Place(0.1, 0.4)]) == area(spots)
    assert area(spots[::-1]) == area(spots)
    assert area([]) == 0


def test_quality_is_read_off_the_front_at_a_diversity():
    spots = [Place(0.2, 0.9), Place(0.6, 0.5)]
    assert best_quality(spots, 0.6) == pytest.approx(0.5)
    assert best_quality(spots, 0.4) == pytest.approx(0.7)
    assert best_quality(spots, 0.1) == pytest.approx(0.9)
    assert best_quality(spots, 0.7) is None
    assert best_quality([], 0.7) is None


def test_what_another_place_beats_is_no_part_of_the_front():
    """A high temperature may be worse in both; a straight line to it would cut off a corner of what is possible."""
    spots = [Place(0.2, 0.9), Place(0.3, 0.1), Place(0.6, 0.5), Place(0.6, 0.4)]
    assert front(spots) == [Place(0.6, 0.5), Place(0.2, 0.9)]
    assert best_quality(spots, 0.3) == pytest.approx(0.8)


def test_intervals_are_students():
    """Three values with standard deviation 1: 4.30 / sqrt(3) to either side."""
    interval = Interval.of([1.0, 2.0, 3.0])
    assert interval.mean == 2
    assert interval.high - 2 == pytest.approx(4.30 / 3**0.5)
    assert Interval.of([0.5]) == Interval(0.5, 0.5, 0.5)


def test_quality_of_several_runs_is_their_mean_where_all_have_one():
    runs = [
        tuple(Point(1.0, None, {"bleu": Place(*place)}) for place in places)
        for places in ([(0.5, 0.4), (0.2, 0.6)], [(0.5, 0.8)])
    ]
    writer = Judged("gan", tuple(runs), {}, ())
    assert writer.quality_at("bleu", 0.5) == pytest.approx(0.6)
    assert writer.quality_at("bleu", 0.6) is None


def test_what_is_likelier_than_real_text_counts_as_real_text():
    real = measures(sample_nats=3.0, real_nats=4.0)
    place = places(measures(sample_nats=1.0, real_nats=5.0), real)["likelihood"]
    assert place.quality == 1
    assert place.diversity == pytest.approx(math.exp(-1))
    assert places(real, real)["likelihood"] == Place(diversity=1, quality=1)
    assert places(real, real)["bleu"] == Place(diversity=pytest.approx(0.7), quality=0.2)


def test_more_writers_than_colours_are_all_shown_yardsticks_in_colours_of_their_own():
    real = measures(sample_nats=3.0, real_nats=4.0)
    point = Point(1.0, real, places(real, real))
    names = [*(f"writer {number}" for number in range(8)), "unigrams", "bigrams"]
    areas = {plane: Interval(0.5, 0.5, 0.5) for plane in PLANES}
    verdict = Verdict(tuple(Judged(name, ((point,),), areas, ()) for name in names), point, 9)
    rows = areas_sheet(verdict).rows
    assert [row.name for row in rows] == [*names, "real text"]
    assert rows[6].colour == rows[0].colour
    assert len({row.colour for row in rows}) == 6 + 3
    assert all(f">{name}</text>" in front_figure(verdict, "bleu").svg for name in names)
    assert list(rows[-1].cells) == ["1.000", "0.140", "1.000", "0.200"]


def measures(**nats):
    bleu, self_bleu = dict.fromkeys((2, 3, 4, 5), 0.2), dict.fromkeys((2, 3, 4, 5), 0.3)
    return SentenceMeasures(sentences=9, mean_tokens=5, bleu=bleu, self_bleu=self_bleu, distinct={}, **nats)


def test_what_is_copied_is_marked_and_text_is_escaped():
    assert marked(Shown("a <b> c", ((2, 5),))) == "a <mark>&lt;b&gt;</mark> c"
    assert marked(Shown("<i>", ())) == "&lt;i&gt;"
