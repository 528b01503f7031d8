"""Fronts of quality against diversity, by known answers."""

import math

import pytest

from inkloom.evaluation.sentences import SentenceMeasures
from inkloom.experiments.gan import marked
from inkloom.experiments.verdict import Interval, Judged, Place, Point, Shown, area, best_quality, places


def test_the_area_under_one_point_is_its_rectangle():
    assert area([Place(diversity=0.5, quality=0.8)]) == pytest.approx(0.4)


def test_the_area_under_several_is_that_of_their_union():
    """0.2 x 0.9 and 0.6 x 0.5 overlap in 0.2 x 0.5; a point that another beats in both adds nothing."""
    front = [Place(0.2, 0.9), Place(0.6, 0.5)]
    assert area(front) == pytest.approx(0.18 + 0.3 - 0.1)
    assert area([*front, Place(0.1, 0.4)]) == area(front)
    assert area(front[::-1]) == area(front)
    assert area([]) == 0


def test_quality_is_read_off_the_front_at_a_diversity():
    front = [Place(0.2, 0.9), Place(0.6, 0.5)]
    assert best_quality(front, 0.6) == pytest.approx(0.5)
    assert best_quality(front, 0.4) == pytest.approx(0.7)
    assert best_quality(front, 0.1) == pytest.approx(0.9)
    assert best_quality(front, 0.7) is None


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


def measures(**nats):
    bleu, self_bleu = dict.fromkeys((2, 3, 4, 5), 0.2), dict.fromkeys((2, 3, 4, 5), 0.3)
    return SentenceMeasures(sentences=9, mean_tokens=5, bleu=bleu, self_bleu=self_bleu, distinct={}, **nats)


def test_what_is_copied_is_marked_and_text_is_escaped():
    assert marked(Shown("a <b> c", ((2, 5),))) == "a <mark>&lt;b&gt;</mark> c"
    assert marked(Shown("<i>", ())) == "&lt;i&gt;"
