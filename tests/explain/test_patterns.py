import math
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from inkloom.explain.patterns import (
    BIAS_H,
    BIAS_O,
    LETTERS,
    PATTERNS,
    WEIGHT_HH,
    WEIGHT_HO,
    WEIGHT_IH,
    WORD,
    draw_hello,
    draw_patterns,
    hello_steps,
)

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def by_hand():
    """HELLO from the equations, in plain Python: the state and the probabilities of each step."""
    state = [0.0] * 3
    for letter in WORD[:-1]:
        column = LETTERS.index(letter)
        sums = [
            WEIGHT_IH[unit][column] + sum(weight * h for weight, h in zip(WEIGHT_HH[unit], state, strict=True)) + bias
            for unit, bias in enumerate(BIAS_H)
        ]
        state = [math.tanh(one) for one in sums]
        logits = [
            sum(weight * h for weight, h in zip(row, state, strict=True)) + bias
            for row, bias in zip(WEIGHT_HO, BIAS_O, strict=True)
        ]
        total = sum(map(math.exp, logits))
        yield state, [math.exp(logit) / total for logit in logits]


def test_the_numbers_are_those_of_the_equations():
    hidden_TH, probs_TV = hello_steps()
    for step, (state, probs) in enumerate(by_hand()):
        assert hidden_TH[step].tolist() == pytest.approx(state, abs=1e-5)
        assert probs_TV[step].tolist() == pytest.approx(probs, abs=1e-5)


def test_the_network_spells_the_word():
    _, probs_TV = hello_steps()
    assert "".join(LETTERS[place] for place in probs_TV.argmax(dim=-1).tolist()) == WORD[1:]


def test_the_picture_shows_these_numbers():
    hidden_TH, probs_TV = hello_steps()
    drawn = re.findall(r">([^<>]+)</text>", draw_hello())
    for value in hidden_TH.flatten().tolist():
        assert f"{value:.2f}".replace("-", "−") in drawn
    for probs in probs_TV.tolist():
        for letter, prob in zip(LETTERS, probs, strict=True):
            assert f"{letter}  {prob:.3f}" in drawn


@pytest.mark.parametrize("draw", [draw_patterns, draw_hello])
def test_a_picture_is_whole_svg_that_asks_for_nothing(draw):
    drawn = draw()
    root = ElementTree.fromstring(drawn)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.find("{http://www.w3.org/2000/svg}title").text
    assert "href" not in drawn
    assert draw() == drawn


def test_every_pattern_has_a_box_for_each_thing_read_kept_and_given():
    boxes = sum(sum(pattern.reads) + sum(pattern.gives) + len(pattern.reads) for pattern in PATTERNS)
    assert draw_patterns().count("<rect") == boxes + 3 + 1  # the key and the paper


@pytest.mark.parametrize(("name", "draw"), [("patterns.svg", draw_patterns), ("hello.svg", draw_hello)])
def test_the_documentation_has_the_pictures_as_they_are_drawn(name, draw):
    assert (IMAGES / name).read_text(encoding="utf-8") == draw()
