"""What is said about the numbers."""

import numpy as np
import pytest

from inkloom.evaluation import Scores
from inkloom.experiments import wording
from inkloom.experiments.history import Course


def scores(nats_per_token=1.0, *, tokens=1000, chars=1000, charge_nats=0.0):
    nats = nats_per_token * tokens
    return Scores("val", tokens, chars, chars, unknown_tokens=0, nats=nats, charge_nats=charge_nats).as_json()


def course(train, val):
    steps = 10.0 * np.arange(1, len(val) + 1)
    return Course(steps, steps, np.array(train), np.array(val), np.full(len(val), 1e-3), 64 * steps)


def test_an_even_guess_over_characters_needs_the_logarithm():
    assert wording.uniform_bits_per_char(scores(), 64) == pytest.approx(6)


def test_an_even_guess_over_tokens_is_spread_over_their_characters():
    assert wording.uniform_bits_per_char(scores(tokens=250), 1024) == pytest.approx(2.5)


def test_an_even_guess_pays_for_lost_text_too():
    lost = scores(charge_nats=1000 * np.log(2))
    assert wording.uniform_bits_per_char(lost, 64) == pytest.approx(7)


def test_the_charge_is_named_with_the_perplexity_that_leaves_it_out():
    lost = scores(np.log(50), tokens=250, charge_nats=100 * np.log(2)) | {"unknown_tokens": 1234}
    assert wording.charge(lost) == (
        f"Of the {0.25 * np.log2(50) + 0.1:.3f} bits per character on val, 0.100 are the charge for what the ids do "
        "not tell; 1,234 tokens are unknown. Closed-vocabulary perplexity, which leaves it out: 50.0."
    )
    assert wording.charge(scores(charge_nats=0.1)) is None


def test_a_model_that_guesses_evenly_needs_what_an_even_guess_needs():
    even = scores(np.log(64))
    assert wording.meaning(even, 64).count("6.00") == 2


@pytest.mark.parametrize(
    ("train", "val", "said"),
    [
        (1.5, 1.4, "No sign"),
        (1.5, 1.5, "No sign"),
        (1.5, 1.53, "Hardly any"),
        (1.4, 1.5, "Some over-fitting"),
        (0.6, 1.5, "Strong over-fitting"),
        (0.01, 1.5, "more than tenfold"),
    ],
)
def test_the_gap_is_judged_by_its_size(train, val, said):
    sentence = wording.gap(scores(train), scores(val))
    assert said in sentence
    assert f"{train:.4f} nats per token on train and {val:.4f} on val" in sentence


def test_a_model_of_counts_is_not_told_to_be_smaller():
    sentence = wording.gap(scores(0.6), scores(1.5), counts=True)
    assert sentence.startswith("0.6000 nats per token on train and 1.5000 on val: counts know")
    assert "smaller model" not in sentence


NAN = float("nan")


@pytest.mark.parametrize(
    ("train", "val", "said"),
    [
        ([3.0, 2.0, 1.0], [NAN, 2.5, 2.25], "at step 30: a longer training may still gain"),
        ([3.0, 2.0, 1.0], [2.5, 2.0, 2.25], "at step 20 and had risen by 0.2500 nats per token at step 30"),
        (
            [3.0, NAN, NAN],
            [2.5, NAN, NAN],
            "diverged. A lower learning rate usually helps. The saved weights are those of step 10",
        ),
    ],
)
def test_the_outcome_is_read_from_val(train, val, said):
    assert said in wording.outcome(course(train, val))


def test_a_course_that_was_never_scored_has_no_outcome():
    assert wording.outcome(course([2.0], [NAN])) is None


def test_a_leak_is_named_with_the_score_without_it():
    leaks = {"split": "test", "share": 0.021, "duplicate_documents": 0, "without_leaks": {"bits_per_char": 2.5}}
    assert wording.leak(leaks) == (
        "2.1\u00a0% of test stands in train too, where a model may know it by heart. "
        "Without that text the score is 2.5000 bits per character."
    )
    said = wording.leak({**leaks, "duplicate_documents": 3, "without_leaks": None})
    assert "3 of its documents are whole documents of train" in said
    assert "Without" not in said
    short = wording.leak({**leaks, "share": 0.0, "duplicate_documents": 585})
    assert short.startswith("585 documents of test are whole documents of train, which a model may know by heart. ")
    assert wording.leak({"split": "test", "share": 0.0, "duplicate_documents": 0}) is None
    assert wording.leak({}) is None


def test_pairs_that_train_has_are_named_with_the_score_without_them():
    found = {"sources": 12, "targets": 9, "pairs": 4, "new": {"bleu_lowercased": {"score": 36.5}}}
    scores = {"split": "test", "translation": {"sentences": 1000}, "repeats": found}
    assert wording.repeats(scores) == (
        "Of 1,000 pairs of test, train has the source of 12 word for word, the target of 9 and both of 4; without "
        "these pairs BLEU, lower-cased, is 36.50."
    )
    assert wording.repeats({**scores, "repeats": {**found, "new": None}}).endswith("both of 4.")
    assert wording.repeats({**scores, "repeats": {**found, "sources": 0, "targets": 0, "pairs": 0}}) is None
    assert wording.repeats({"split": "test"}) is None
