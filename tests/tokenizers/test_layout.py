import numpy as np
import pytest

from inkloom.tokenizers.layout import (
    CASES,
    GAPS,
    INSIDE,
    LINE_START,
    POSITIONS,
    PRIOR,
    SENTENCE_START,
    CaseModel,
    GapModel,
    layout_of,
)
from inkloom.tokenizers.units import (
    AT_LINE_END,
    FIRST_MARK,
    LOWER,
    MIXED,
    NO_GAP,
    OTHER_GAP,
    PUNCTUATION,
    SPACE,
    TITLE,
    UPPER,
    WORD,
    Units,
)

COMMA, QUOTE, STOP = (FIRST_MARK + PUNCTUATION.index(mark) for mark in ',".')


def layout(text):
    units = Units("basic")
    (stretch,) = units.read([text])
    return layout_of(stretch, units.traits)


def test_a_layout_tells_kinds_gaps_cases_and_positions():
    found = layout('Yes, "no".  Oh\n "a')
    assert found.kind_N.tolist()[:6] == [WORD, COMMA, QUOTE, WORD, QUOTE, STOP]
    assert found.gap_N.tolist() == [*[NO_GAP] * 2, SPACE, *[NO_GAP] * 3, OTHER_GAP, NO_GAP, SPACE, *[NO_GAP] * 2]
    assert found.position_N.tolist()[:4] == [LINE_START, INSIDE, INSIDE, SENTENCE_START]
    assert found.case_N.tolist()[:1] == [TITLE]


def test_the_gap_before_tells_whether_a_quotation_mark_opens():
    found = layout('"a" "b')
    before_a, before_b = 1, 4
    assert found.before_N[[before_a, before_b]].tolist() == [QUOTE, QUOTE]
    assert found.gap_before_N[[before_a, before_b]].tolist() == [SPACE, SPACE]
    behind_closing = 3
    assert (found.before_N[behind_closing], found.gap_before_N[behind_closing]) == (QUOTE, NO_GAP)


def test_behind_the_end_of_a_line_all_is_as_at_the_beginning():
    found = layout("x  \nx")
    assert (found.before_N[0], found.gap_before_N[0]) == (found.before_N[2], found.gap_before_N[2])
    assert (found.before_N[0], found.gap_before_N[0]) == (AT_LINE_END, NO_GAP)


def gap_model(*texts):
    return GapModel(sum(GapModel.count(layout(text)) for text in texts))


def test_the_gaps_of_a_place_have_a_probability_of_one():
    model = gap_model("a, b  c. d", "(e) f - g")
    probs = np.exp(-model._nats)
    assert probs.shape == GapModel.SHAPE
    assert probs.sum(axis=-1) == pytest.approx(1)


def test_an_unseen_place_has_the_probability_of_more_general_ones():
    model = gap_model("a b c d e f")
    never_seen = model._nats[COMMA, SPACE, COMMA]
    assert np.exp(-never_seen) == pytest.approx(np.exp(-GapModel(model.counts * 1)._nats[STOP, NO_GAP, COMMA]))
    assert model.usual(WORD, SPACE, WORD) == SPACE


def test_what_is_usual_is_cheap():
    model = gap_model("one, two, three four, five. " * 50)
    assert model.usual(WORD, SPACE, COMMA) == NO_GAP
    assert model.usual(COMMA, NO_GAP, WORD) == SPACE
    assert model.nats(layout("one, two")) < model.nats(layout("one ,two")) - 5


def case_model(counts):
    full = np.zeros((3, POSITIONS, CASES), np.int64)
    for place, count in counts.items():
        full[place] = count
    return CaseModel(full)


def test_the_cases_of_a_token_have_a_probability_of_one():
    model = case_model({(0, LINE_START, TITLE): 7, (1, INSIDE, LOWER): 3, (1, INSIDE, MIXED): 1})
    assert np.exp(-model._nats).sum(axis=-1) == pytest.approx(1)


def test_a_case_is_that_of_the_token_else_of_the_position():
    model = case_model({(0, LINE_START, TITLE): 9, (0, INSIDE, LOWER): 9, (1, INSIDE, UPPER): 5})
    line_end, word = AT_LINE_END, WORD
    assert [model.usual(0, line_end), model.usual(0, word), model.usual(1, word)] == [TITLE, LOWER, UPPER]
    assert model.usual(2, line_end) == TITLE  # a token that was never seen
    everywhere = (np.array([2, 0, 0, 0, 0]) * 4.5 + np.array([0, 9, 5, 0, 0]) + PRIOR / CASES) / (23 + PRIOR)
    of_position = (np.array([0, 9, 0, 0, 0]) + PRIOR * everywhere) / (9 + PRIOR)
    assert np.exp(-model._nats[2, LINE_START]) == pytest.approx(of_position)


def test_what_has_no_case_costs_nothing():
    model = case_model({(0, INSIDE, LOWER): 1})
    found = layout("1 , 2")
    assert model.nats(np.zeros(len(found.case_N), np.int64), found) == 0.0
    assert GAPS == 3
