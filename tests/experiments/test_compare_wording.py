"""What a comparison says of its own certainty."""

import dataclasses

import pytest

from inkloom.experiments.comparison import wording
from inkloom.experiments.comparison.results import Comparison, Row


def with_p(comparison: Comparison, p_value: float) -> Comparison:
    """The same comparison with another chance for the second row."""
    table = comparison.tables[0]
    first, second, *others = table.rows
    changed = dataclasses.replace(table, rows=(first, dataclasses.replace(second, p_value=p_value), *others))
    return dataclasses.replace(comparison, tables=(changed,))


def verdict(comparison: Comparison) -> str:
    return wording.verdict(comparison, comparison.tables[0])


def test_a_clear_lead_is_called_so(league):
    said = verdict(with_p(league.comparison, 0.0312))
    assert "is best" in said
    assert "p = 0.031" in said
    assert "At 640 tokens each" in said


def test_a_lead_within_chance_is_no_lead(league):
    said = verdict(with_p(league.comparison, 0.4))
    assert "cannot be told apart" in said
    assert "is best" not in said


def test_a_single_row_has_a_score_and_no_rival(league):
    table = dataclasses.replace(league.comparison.tables[0], rows=league.comparison.tables[0].rows[:1])
    alone = dataclasses.replace(league.comparison, tables=(table,))
    assert "bits per character" in verdict(alone)
    assert not any("row above" in sentence for sentence in wording.reading(alone))


@pytest.mark.parametrize(("p_value", "expected"), [(None, ""), (0.03, "worse, p = 0.03"), (0.2, "not clear, p = 0.2")])
def test_marks(league, p_value, expected):
    row: Row = dataclasses.replace(league.comparison.rows[1], p_value=p_value)
    assert wording.mark(row) == expected


def test_with_one_seed_the_intervals_say_what_they_leave_out(league, sweep):
    assert any("Another seed may score otherwise" in sentence for sentence in wording.reading(sweep.comparison))
    assert any("over 2 seeds" in sentence for sentence in wording.reading(league.comparison))
    assert any("Two seeds tell little" in sentence for sentence in wording.reading(league.comparison))


def test_a_text_that_changes_its_character_is_named(league):
    rows = league.comparison.tables[0].rows
    alike = dataclasses.replace(rows[0].bits_per_char, correlation=0.9)
    table = dataclasses.replace(
        league.comparison.tables[0], rows=(dataclasses.replace(rows[0], bits_per_char=alike), *rows[1:])
    )
    said = wording.reading(dataclasses.replace(league.comparison, tables=(table,)))
    assert any("resemble each other" in sentence and "0.90" in sentence for sentence in said)


def test_the_method_names_split_leaks_and_counted_models(league):
    said = " ".join(wording.method(league.comparison))
    assert "test was read once" in said
    assert "ngram is counted" in said
    assert league.comparison.leaks.summary() in said
    for row in league.comparison.rows:
        assert f"{row.model} {row.bits_without_leaks:.4f}" in said


def test_val_instead_of_test_is_said(sweep):
    assert "There is no test split" in " ".join(wording.method(sweep.comparison))


@pytest.mark.parametrize(
    ("names", "expected"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_lists(names, expected):
    assert wording.listed(names) == expected


@pytest.mark.parametrize(("value", "expected"), [(0.0001, "p < 0.001"), (0.0312, "p = 0.031"), (0.5, "p = 0.5")])
def test_p_values(value, expected):
    assert wording.p_value(value) == expected
