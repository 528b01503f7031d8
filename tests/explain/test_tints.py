"""Colours over a text, by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.explain import tints
from inkloom.explain.evidence import evidence
from inkloom.explain.mixing import MixtureWeights
from inkloom.explain.surprisal import surprisal
from inkloom.explain.tints import Tint, merged
from inkloom.explain.tokens import tokens_of
from tests.explain.models import TEXT, TOKENIZER, ngram


def test_surprise_grows_to_the_full_colour():
    shown = surprisal(ngram(), TOKENIZER, TEXT)
    assert shown.full_bits == 8
    for tint, bits in zip(tints.of_surprisal(shown), shown.bits_T.tolist(), strict=True):
        assert tint == ("--series-2", pytest.approx(min(1, bits / 8)))
    assert [label for label, _ in tints.surprisal_legend(shown)] == ["0 bits", "2 bits", "4 bits", "8 bits"]


def test_signs_are_two_colours():
    assert tints.of_signed(np.array([-2.0, -0.5, 0.0, 0.25])) == [
        Tint("--series-1", 1.0),
        Tint("--series-1", 0.5),
        Tint("--series-1", 0.0),
        Tint("--series-2", 0.25),
    ]


def test_the_longer_the_ngram_the_stronger():
    shown = evidence(ngram(4), TOKENIZER, TEXT)
    strengths = [tint.strength for tint in tints.of_evidence(shown)]
    assert strengths == pytest.approx(((shown.lengths_T - 1) / 3).tolist())
    assert tints.of_length(1, 1).strength == 0


def test_the_part_with_most_of_the_credit_gives_its_colour():
    nats_TK = -np.log(np.array([[0.9, 0.1], [0.2, 0.2], [0.1, 0.3]], np.float32))
    even_TK = np.full((3, 2), np.log(0.5), np.float32)
    shown = MixtureWeights(tokens_of(TOKENIZER, "cat"), ("rnn", "gru"), nats_TK, even_TK)
    first, even, second = tints.of_mixture(shown)
    assert first == ("--series-1", pytest.approx(0.8))
    assert even.strength == pytest.approx(0, abs=1e-6)
    assert second == ("--series-2", pytest.approx(0.5))


tinted = st.lists(
    st.tuples(st.text(max_size=3), st.builds(Tint, st.sampled_from(["--series-1", "--ink"]), st.floats(0, 1)))
)


@given(tinted)
def test_pieces_of_one_tint_are_merged_and_the_text_stays(pairs):
    texts, colours = [text for text, _ in pairs], [tint for _, tint in pairs]
    pieces = merged(texts, colours, steps=5)
    assert "".join(text for text, _ in pieces) == "".join(texts)
    assert all(one != another for (_, one), (_, another) in itertools.pairwise(pieces))
    assert all(tint.strength * 5 == pytest.approx(round(tint.strength * 5)) for _, tint in pieces)
