"""Each measure against figures counted by hand, and the yardstick against text that is known to be alike."""

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.corpus.base import Part
from inkloom.errors import InputError
from inkloom.evaluation.text_metrics import TrainText, character_distance, held_out_pieces, measure, text_metrics

TRAIN = TrainText.of(Part("train", ("The cat sat on the mat.\nA dog ran to the old tree.\n",)))


def test_distinct_and_repetition_by_hand():
    metrics = measure(["the cat the cat the cat", "a dog"], TRAIN)
    # 8 words, 4 of them different; 6 pairs: the-cat three times, cat-the twice, a-dog.
    assert metrics.distinct == pytest.approx({1: 4 / 8, 2: 3 / 6, 3: 2 / 4, 4: 2 / 3})
    # Within the first text 4 of 6 words, 3 of 5 pairs, 2 of 4 triples and 1 of 3 fours are repeats; in the second none.
    assert metrics.repetition == pytest.approx({1: 4 / 6 / 2, 2: 3 / 5 / 2, 3: 2 / 4, 4: 1 / 3})


def test_words_that_train_lacks_are_inventions_unless_they_may_be_cut():
    metrics = measure(["cut THE cat glorfs on a glorfs bli cu", "Ran to grimp the ol"], TRAIN)
    assert metrics.known_words == pytest.approx(1 - 4 / 10)
    assert metrics.invented_words == ("glorfs", "bli", "grimp")


def test_lengths_and_letters_by_hand():
    metrics = measure(["The cat\nsat on\n\nTHE mat\nand", "x"], TRAIN)
    assert metrics.texts == 2
    assert metrics.mean_chars == (27 + 1) / 2
    assert metrics.mean_line_chars == (6 + 7) / 2
    assert metrics.mean_word_chars == (3 + 3 + 3 + 2 + 3 + 3 + 3 + 1) / 8
    assert metrics.upper_case == 4 / 21


def test_loops_are_counted():
    assert measure(["the sea " * 20, "The cat sat on the mat."], TRAIN).loop_rate == 0.5


def test_what_short_texts_have_no_figure_for_is_none():
    metrics = measure(["", "."], TRAIN)
    assert metrics.distinct == dict.fromkeys((1, 2, 3, 4))
    assert (metrics.known_words, metrics.mean_word_chars, metrics.mean_line_chars, metrics.upper_case) == (None,) * 4
    assert measure(["a cat"], TRAIN).self_bleu is None


def test_character_distance_by_hand():
    assert character_distance({"a": 2, "b": 2}, {"a": 7, "b": 7}) == 0
    assert character_distance({"a": 1}, {"b": 3}) == 1
    # Shares (1, 0) and (1/2, 1/2), mean (3/4, 1/4): half of log2(4/3), and half of (log2(2/3) + log2(2)) / 2.
    divergence = math.log2(4 / 3) / 2 + (math.log2(2 / 3) / 2 + 1 / 2) / 2
    assert character_distance({"a": 5}, {"a": 1, "b": 1}) == pytest.approx(math.sqrt(divergence))
    assert character_distance({}, {"a": 1}) is None


COUNTS = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 9), min_size=1)


@given(COUNTS, COUNTS, COUNTS)
def test_character_distance_is_a_metric(a, b, c):
    ab, ba, bc, ac = (character_distance(*pair) for pair in ((a, b), (b, a), (b, c), (a, c)))
    assert ab == pytest.approx(ba)
    assert 0 <= ab <= 1 + 1e-12
    assert ac <= ab + bc + 1e-9


def test_pieces_have_the_lengths_of_the_samples_and_share_nothing():
    text = "".join(map(chr, range(1000, 1400)))
    pieces = held_out_pieces(Part("test", (text,)), [30, 50, 10, 50])
    assert [len(piece) for piece in pieces] == [30, 50, 10, 50]
    assert all(piece in text for piece in pieces)
    assert len(set("".join(pieces))) == 140


def test_fewer_pieces_where_the_held_out_text_is_short():
    pieces = held_out_pieces(Part("test", ("x" * 100,)), [30] * 10)
    assert [len(piece) for piece in pieces] == [30, 30, 30]
    assert held_out_pieces(Part("test", ("short",)), [30] * 10) == ["short"]
    assert text_metrics(["y" * 30] * 10, Part("test", ("x" * 100,)), TRAIN).samples.texts == 3


def test_documents_are_pieces_by_themselves():
    names = Part("test", ("anna", "bob", "", "charlotte", "dorothea"), end_chars=1, documents=True)
    assert held_out_pieces(names, [3, 5]) == ["anna", "charl"]


def test_text_like_the_held_out_one_measures_the_same_and_a_loop_does_not(real_text):
    held_out, train = Part("test", (real_text[:10_000],)), Part("train", (real_text[10_000:],))
    alike = [real_text[start : start + 500] for start in range(250, 9750, 500)]
    comparison = text_metrics(alike, held_out, TrainText.of(train))
    samples, pieces = comparison.samples, comparison.held_out
    assert samples.texts == pieces.texts == 19
    assert samples.known_words == pytest.approx(pieces.known_words, abs=0.02)
    assert samples.distinct[2] == pytest.approx(pieces.distinct[2], abs=0.02)
    dull = text_metrics(["the state of the world is " * 20] * 19, held_out, TrainText.of(train)).samples
    assert dull.loop_rate == 1 > pieces.loop_rate
    assert dull.self_bleu > 0.999
    assert pieces.self_bleu < 0.3
    assert dull.repetition[4] > 0.9 > pieces.repetition[4]
    assert dull.character_distance > 2 * pieces.character_distance
    letters = random.Random(0)
    wild = ["".join(letters.choices("etaoin shrdlu ", k=500)) for _ in range(19)]
    assert text_metrics(wild, held_out, TrainText.of(train)).samples.known_words < 0.5 < pieces.known_words


def test_bleu_has_the_held_out_pieces_as_its_references():
    held_out = Part("test", ("one two three four five. " * 8,))
    assert text_metrics(["one two three four five. "] * 4, held_out, TRAIN).bleu == pytest.approx(1)
    assert text_metrics(["six seven eight nine ten. "] * 4, held_out, TRAIN).bleu == 0


def test_a_model_that_writes_nothing_is_measured_all_the_same():
    comparison = text_metrics(["", ""], Part("test", ("some text",)), TRAIN)
    assert (comparison.samples.texts, comparison.samples.mean_chars, comparison.samples.known_words) == (2, 0, None)


def test_json_has_text_for_keys():
    found = text_metrics(["the cat sat"] * 2, Part("test", ("on the mat, a cat. " * 9,)), TRAIN).as_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["samples"].keys() == found["held_out"].keys()


def test_nothing_to_measure_is_refused():
    for samples, text in (([], "some text"), (["a sample"], "")):
        with pytest.raises(InputError, match="at least one sample"):
            text_metrics(samples, Part("test", (text,)), TRAIN)
