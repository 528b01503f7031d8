"""An endless loop is one that fills the end of a text, whatever its period."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.evaluation.loops import LOOP_CHARS, loop_period

START = "Once upon a time there was a king, and he had three daughters. "


@pytest.mark.parametrize("period", [1, 2, 7, 43, 49, 50, 51, 120])
def test_the_period_of_a_loop_is_found(period):
    round_of_loop = "".join(chr(0x4E00 + number) for number in range(period))  # no shorter period in it
    assert loop_period(START + round_of_loop * (2 + LOOP_CHARS // period)) == period


def test_a_loop_may_be_cut_in_the_middle_of_a_round():
    assert loop_period(START + ("the world to " * 9)[:-5]) == len("the world to ")


def test_a_phrase_that_comes_twice_is_no_loop():
    assert loop_period(START + "never, never, never, never, never!") is None
    assert loop_period(START + "-" * LOOP_CHARS) is None


def test_a_loop_that_the_text_leaves_is_no_endless_one():
    assert loop_period("the world to " * 40 + "the end.") is None


@given(st.text(max_size=30), st.text(min_size=1, max_size=70))
def test_two_rounds_and_fifty_characters_are_enough(start, round_of_loop):
    rounds = 1 + max(1, -(-LOOP_CHARS // len(round_of_loop)))
    period = loop_period(start + round_of_loop * rounds)
    assert period is not None
    assert period <= len(round_of_loop)


@given(st.text(alphabet="ab", max_size=150))
def test_a_loop_is_what_the_definition_says(text):
    period = loop_period(text)
    found = [
        p
        for p in range(1, len(text))
        if len(text) >= p + max(p, LOOP_CHARS)
        and all(text[-i] == text[-i - p] for i in range(1, max(p, LOOP_CHARS) + 1))
    ]
    assert period == min(found, default=None)
