"""What leaks is named before training, and the score of the rest counts exactly the tokens that do not leak."""

import logging
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.corpus.base import Part
from inkloom.corpus.leaks import Leak, LeakReport, Place, find_leaks
from inkloom.data import encode_part
from inkloom.evaluation.leakage import check_splits, check_tokenizer, leaks_with_score, score_without_leaks
from inkloom.tokenizers.char import CharTokenizer
from tests.tokenizers.fakes import PairTokenizer, VowelLosingTokenizer

PARAGRAPH = "It was the best of times, it was the worst of times, it was the age of wisdom.\n"


def char_tokenizer(*texts):
    return CharTokenizer.fit(texts, CharTokenizer.Config())


def report_of(part, *stretches, duplicates=()):
    leaks = tuple(Leak(Place(text, start), Place(0, 0), stop - start, 1, "") for text, start, stop in stretches)
    return LeakReport(part.name, part.chars, len(part.texts), part.chars, 60, leaks, duplicates)


def nats_of(tokenizer, part):
    """A different price for every token, so that a token that is counted wrongly shows."""
    return np.sqrt(np.arange(1, encode_part(tokenizer, part).tokens + 1))


def test_a_planted_paragraph_is_named_before_training(real_text, caplog):
    train = Part("train", (real_text[:30_000] + PARAGRAPH + real_text[30_000:36_000],))
    test = Part("test", (real_text[36_000:38_000] + PARAGRAPH + real_text[38_000:],))
    with caplog.at_level(logging.INFO, "inkloom"):
        check_splits({"train": train, "test": test}, "90,10")
    (line,) = caplog.messages
    assert line.startswith("Leak check: ")
    assert "of test" in line
    assert "It was the best of times, it was the worst of times" in line
    assert caplog.records[0].levelno == logging.WARNING


def test_an_honest_split_is_said_to_be_one(caplog):
    with caplog.at_level(logging.INFO, "inkloom"):
        check_splits({"train": Part("train", ("abc" * 50,)), "val": Part("val", (PARAGRAPH,))}, "90,10")
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.INFO, "Leak check: val shares no span of 60 characters with train.")
    ]


def test_random_windows_are_explained(caplog):
    check_splits({"train": Part("train", (PARAGRAPH,)), "val": Part("val", (PARAGRAPH[5:],))}, "random-windows")
    explanation, leak = caplog.messages
    assert "leaks on purpose" in explanation
    assert "no honest one" in explanation
    assert "100.00% of val" in leak


def test_the_score_without_a_planted_paragraph_is_that_of_the_rest():
    before, after = "Only this text ", "and that one is new!"
    part = Part("test", (before + PARAGRAPH + after,))
    tokenizer = char_tokenizer(*part.texts)
    leaks = find_leaks(Part("train", ("Zounds!|" + PARAGRAPH + "~",)), part)
    nats = nats_of(tokenizer, part)
    found = leaks_with_score(leaks, part, tokenizer, nats)
    rest = np.delete(nats, range(len(before), len(before) + len(PARAGRAPH)))
    assert found["spans"] == 1
    assert found["share"] == pytest.approx(len(PARAGRAPH) / part.chars)
    assert found["without_leaks"]["chars"] == found["without_leaks"]["tokens"] == len(before) + len(after)
    assert found["without_leaks"]["nats_per_char"] == pytest.approx(rest.mean())
    assert found["without_leaks"]["bits_per_char"] == pytest.approx(rest.mean() / math.log(2))


def test_nothing_is_left_out_where_nothing_leaks():
    part = Part("val", ("all of this is new",))
    tokenizer = char_tokenizer(*part.texts)
    assert "without_leaks" not in leaks_with_score(report_of(part), part, tokenizer, nats_of(tokenizer, part))


def test_there_is_no_score_where_all_leaks():
    part = Part("val", (PARAGRAPH,))
    tokenizer = char_tokenizer(*part.texts)
    leaks = report_of(part, (0, 0, len(PARAGRAPH)))
    assert leaks_with_score(leaks, part, tokenizer, nats_of(tokenizer, part))["without_leaks"] is None


def test_documents_lose_their_end_with_their_text():
    part = Part("test", ("emma", "li", "", "ada"), end_chars=1, documents=True)
    tokenizer = char_tokenizer(*part.texts)
    nats = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096])
    assert encode_part(tokenizer, part).tokens == len(nats)
    score = score_without_leaks(report_of(part, (0, 1, 3), duplicates=(1,)), part, tokenizer, nats)
    # Of "emma" the e, the last a and the end; nothing of "li"; the end of the blank document; all of "ada".
    assert score.nats == 1 + 8 + 16 + 256 + 512 + 1024 + 2048 + 4096
    assert (score.tokens, score.chars) == (8, 8)


def test_the_charge_for_lost_text_goes_with_the_text():
    part = Part("test", ("aéa" + "béb",))
    tokenizer = char_tokenizer("ab")
    nats = nats_of(tokenizer, part)
    score = score_without_leaks(report_of(part, (0, 0, 3)), part, tokenizer, nats)
    assert score.nats == pytest.approx(nats[3:].sum() + 16 * math.log(2))
    assert score.chars == 3


@given(st.lists(st.tuples(st.text(alphabet="abc é", max_size=20), st.integers(0, 20), st.integers(0, 20)), min_size=1))
def test_tokens_of_several_characters_go_where_they_touch_a_leak(rows):
    part = Part("test", tuple(text for text, _, _ in rows))
    tokenizer = PairTokenizer()
    nats = nats_of(tokenizer, part)
    stretches = [(number, min(a, b), max(a, b)) for number, (_, a, b) in enumerate(rows) if a != b]
    expected_nats, chars, place = 0.0, 0, 0
    for number, text in enumerate(part.texts):
        leaked = {c for of, start, stop in stretches if of == number for c in range(start, min(stop, len(text)))}
        for start in range(0, len(text), 2):
            pair = range(start, min(start + 2, len(text)))
            if not leaked & set(pair):
                expected_nats, chars = expected_nats + nats[place], chars + len(pair)
            place += 1
    score = score_without_leaks(report_of(part, *stretches), part, tokenizer, nats)
    assert (score.nats, score.chars) == (pytest.approx(expected_nats), chars) if chars else score is None


def test_a_tokenizer_that_loses_text_has_no_score_without_leaks_and_says_so(caplog):
    part = Part("test", (PARAGRAPH + "and more",))
    tokenizer = VowelLosingTokenizer()
    with caplog.at_level(logging.INFO, "inkloom"):
        leaks = report_of(part, (0, 0, len(PARAGRAPH)))
        assert score_without_leaks(leaks, part, tokenizer, nats_of(tokenizer, part)) is None
    assert "no score without its leaks" in caplog.text


def test_a_tokenizer_that_was_fitted_on_all_the_text_is_caught(caplog):
    parts = {
        "train": Part("train", ("plain text",)),
        "val": Part("val", ("naïve text",)),
        "test": Part("test", ("€5",)),
    }
    check_tokenizer(char_tokenizer(*parts["train"].texts), parts)
    assert caplog.messages == []
    check_tokenizer(char_tokenizer(*(text for part in parts.values() for text in part.texts)), parts)
    of_val, of_test = caplog.messages
    assert "knows 'v', 'ï', which val has and train lacks" in of_val
    assert "knows '5', '€', which test has and train lacks" in of_test


def test_a_tokenizer_without_unknown_text_knows_everything_and_is_no_fault(caplog):
    check_tokenizer(PairTokenizer(), {"train": Part("train", ("ab",)), "val": Part("val", ("xyz",))})
    assert caplog.messages == []
