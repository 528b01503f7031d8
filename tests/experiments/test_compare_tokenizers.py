"""Models that read with different tokenizers, in one table."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.corpus.base import Part
from inkloom.data import encode_part
from inkloom.experiments.comparison import stretches
from inkloom.experiments.comparison.stretches import stretch_nats
from inkloom.runs.run import load_run
from inkloom.tokenizers import TOKENIZERS
from tests.experiments.comparisons import compare
from tests.experiments.pages import read
from tests.tokenizers.fakes import VowelLosingTokenizer

NAMES = ("char", "bpe", "word")


@pytest.fixture(scope="module")
def comparison(tmp_path_factory, text_file):
    out = tmp_path_factory.mktemp("tokenizers") / "out"
    return compare(text_file, out, "rnn,ngram", "bpe.vocab_size=300", tokenizers=",".join(NAMES), seeds=1)


def test_every_model_is_trained_with_every_tokenizer(comparison):
    assert {row.contestant for row in comparison.rows} == {
        f"{model} {name}" for model in ("rnn", "ngram") for name in NAMES
    }
    for row in comparison.rows:
        (cell,) = row.entry.cells
        assert load_run(cell.directory.path).tokenizer.name == row.contestant.split()[1]
        assert cell.name.startswith(row.contestant.replace(" ", "-"))


def test_a_row_is_the_score_of_its_run_with_the_charge(comparison):
    for row in comparison.rows:
        score = load_run(row.entry.cells[0].directory.path).summary()["test"]
        assert row.bits_per_char.mean == pytest.approx(score["bits_per_char"])
        assert row.charge == pytest.approx(score["charge_share"] * score["bits_per_char"])
        assert row.bits_per_char.low < row.bits_per_char.mean < row.bits_per_char.high
    charged = {row.contestant for row in comparison.rows if row.charge > 0.1}
    assert charged == {"rnn word", "ngram word"}


def test_rows_with_different_tokens_are_tested_against_each_other(comparison):
    means = [row.bits_per_char.mean for row in comparison.rows]
    assert means == sorted(means)
    assert all(0 < row.p_value <= 1 for row in comparison.rows[1:])


def test_the_json_names_tokenizers_and_charges(comparison):
    found = json.loads((comparison.folder / "compare.json").read_text())
    assert found["request"]["tokenizers"] == list(NAMES)
    assert {row["tokenizer"] for row in found["rows"]} == set(NAMES)
    assert [row["charge_bits_per_char"] for row in found["rows"]] == [row.charge for row in comparison.rows]
    assert found["split"] == {"name": "test", "chars": comparison.held_out.chars}


def test_the_report_shows_charges_and_curves_in_bits_per_character(comparison):
    page = read(comparison.report)
    assert "Charge" in page.text("th")
    assert "with tokenizers that were fitted on it alone" in page.text()
    assert "Loss on val in bits per character" in page.html
    for row in comparison.rows:
        assert row.contestant in page.text()
    assert "| Charge |" in (comparison.folder / "report.md").read_text()


def test_with_one_tokenizer_there_is_no_such_column(league):
    assert "Charge" not in read(league.comparison.report).text("th")


PARTS = (
    Part("test", ("To be, or not to be:\nthat is the question, whatever it is. " * 5,)),
    Part("test", ("one document", "", "another document, a bit longer than one"), end_chars=1, documents=True),
)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", list(TOKENIZERS))
@pytest.mark.parametrize("stretch", [1, 7, 1000])
def test_stretches_of_the_text_cost_what_its_tokens_and_their_charge_cost(part, name, stretch, monkeypatch):
    monkeypatch.setattr(stretches, "STRETCH_CHARS", stretch)
    tokenizer_class = TOKENIZERS.load(name)
    tokenizer = tokenizer_class.fit(part.texts, tokenizer_class.Config())
    encoded = encode_part(tokenizer, part)
    nats_T = np.sqrt(np.arange(1.0, encoded.tokens + 1))
    nats_S = stretch_nats(tokenizer, part, nats_T, encoded.charge_nats)
    assert len(nats_S) == max(1, part.chars // stretch)
    assert nats_S.sum() == pytest.approx(nats_T.sum() + encoded.charge_nats)
    assert (nats_S >= 0).all()


def test_a_tokens_price_is_spread_over_its_characters(monkeypatch):
    monkeypatch.setattr(stretches, "STRETCH_CHARS", 1)
    word = TOKENIZERS.load("word")
    tokenizer = word.fit(["ab cdef ab cdef"], word.Config(mode="whitespace"))
    nats_S = stretch_nats(tokenizer, Part("test", ("ab cdef",)), np.array([2.0, 10.0]), 0.7)
    assert nats_S == pytest.approx(np.array([1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0]) + 0.1)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20))
def test_tokens_without_a_place_cost_the_same_everywhere(nats):
    part = Part("test", ("aeiou" * 60,))
    nats_S = stretch_nats(VowelLosingTokenizer(), part, np.array(nats, np.float64), 0.0)
    assert nats_S.sum() == pytest.approx(sum(nats))
