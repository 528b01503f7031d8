"""BLEU agrees with sacrebleu 2.6.0: its figures of `sentence_bleu`, cut at white space, were computed once with it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.evaluation.bleu import References, bleu, leave_one_out_bleu

BY_SACREBLEU = [
    ("the cat sat on the mat", ["the cat is on the mat", "there is a cat on the mat"], 37.99178428257963),
    ("the the the the the the the", ["the cat is on the mat", "there is a cat on the mat"], 7.809849842300637),
    ("a cat", ["the cat is on the mat"], 6.7667641618306344),
    ("on the mat sat a very old cat indeed", ["the cat sat on the mat", "on the mat sat a cat"], 46.713797772819994),
    ("no word of this", ["the cat sat on the mat"], 0.0),
    (
        "the mat sat on the cat and the cat sat on the mat again",
        ["the cat sat on the mat", "the mat lay under the cat all day", "sat on the cat"],
        39.75360176263951,
    ),
]

SAMPLES = [sample for sample, _, _ in BY_SACREBLEU] + ["there was a cat on the mat and a dog on the cat"]
EACH_AGAINST_THE_OTHERS = [
    84.64817248906144,
    9.287528999566801,
    36.78794411714425,
    27.77619034011791,
    0.0,
    49.0094103930695,
    20.953980708003318,
]


@pytest.mark.parametrize(("hypothesis", "references", "expected"), BY_SACREBLEU)
def test_bleu_is_that_of_sacrebleu(hypothesis, references, expected):
    score = bleu(hypothesis.split(), [reference.split() for reference in references])
    assert 100 * score == pytest.approx(expected, abs=1e-9)


def test_self_bleu_is_that_of_sacrebleu():
    samples = [sample.split() for sample in SAMPLES]
    scores = leave_one_out_bleu(samples, samples)
    assert [100 * score for score in scores] == pytest.approx(EACH_AGAINST_THE_OTHERS, abs=1e-9)


TEXT = st.lists(st.sampled_from("abc"), max_size=8)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=2, max_size=5))
def test_leaving_one_out_is_bleu_against_the_others(pairs):
    hypotheses, references = zip(*pairs, strict=True)
    expected = [
        bleu(hypothesis, references[:number] + references[number + 1 :]) for number, hypothesis in enumerate(hypotheses)
    ]
    assert leave_one_out_bleu(hypotheses, references) == pytest.approx(expected)


@given(TEXT.filter(bool), TEXT)
def test_a_text_among_its_references_scores_one(text, other):
    assert bleu(text, [other, text]) == pytest.approx(1)


def test_bleu_n_has_ngrams_of_up_to_n_words():
    """Of `a b c d e` against `a b c d x`, 4 words, 3 pairs, 2 triples and one quadruple match, and no quintuple."""
    hypothesis, reference = list("abcde"), list("abcdx")
    precisions = [4 / 5, 3 / 4, 2 / 3, 1 / 2, 1 / 2]
    for longest in (1, 2, 3, 4, 5):
        expected = math.prod(precisions[:longest]) ** (1 / longest)
        assert References([reference], longest).bleu(hypothesis) == pytest.approx(expected)


def test_references_are_counted_once_for_all_texts():
    references = [["a", "b", "c"], ["x", "y"]]
    against = References(references)
    for hypothesis in (["a", "b"], ["x"], [], ["a", "x"]):
        assert against.bleu(hypothesis) == bleu(hypothesis, references)
