"""The evidence adds up to the model's probability, and says what the text says."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkloom.explain.evidence import evidence
from tests.explain.models import LINES, TEXT, TOKENIZER, V, log_probs, ngram

texts = st.text(alphabet=st.sampled_from(TOKENIZER.characters), min_size=1, max_size=20)
MODELS = {order: ngram(order) for order in (1, 2, 4)}


@given(order=st.sampled_from(list(MODELS)), text=texts)
@settings(max_examples=60, deadline=None)
def test_the_parts_sum_to_the_models_probability(order, text):
    found = evidence(MODELS[order], TOKENIZER, text)
    T = len(text)
    expected_T = -log_probs(MODELS[order], text)[:-1].numpy()[np.arange(T), found.tokens.ids]
    np.testing.assert_allclose(found.nats_T, expected_T, rtol=1e-4, atol=1e-5)
    last_T = found.probs_TL[np.arange(T), found.context_lengths_T]
    np.testing.assert_allclose(found.nats_T, -np.log(last_T), rtol=1e-4, atol=1e-5)
    assert (found.parts_TL >= -1e-6).all()


@given(text=texts)
@settings(max_examples=60, deadline=None)
def test_an_unknown_ngram_backs_off_and_a_known_one_does_not(text):
    found = evidence(MODELS[4], TOKENIZER, text)
    for place in range(len(text)):
        below = 1 / V
        for row in range(found.context_lengths_T[place] + 1):
            if not found.known_TL[place, row]:
                below *= found.backoffs_TL[place, row]
                assert found.probs_TL[place, row] == pytest.approx(below, rel=1e-4)
                assert found.parts_TL[place, 1 + row] == pytest.approx(0, abs=1e-6)
            below = found.probs_TL[place, row]


def test_lengths_are_those_of_what_stands_in_the_text():
    """After "the " the text has "cat" and "mat", never "mac"."""
    found = evidence(MODELS[4], TOKENIZER, "the mac")
    assert found.lengths_T[3:].tolist() == [4, 4, 4, 1]
    assert found.context_lengths_T[-1] == 3


def test_counts_of_the_longest_ngrams_are_those_of_the_text():
    found = evidence(MODELS[4], TOKENIZER, TEXT)
    for place in range(3, len(TEXT)):
        if found.context_lengths_T[place] == 3:
            context = TEXT[place - 3 : place]
            assert found.counts_TL[place, 3] == count(context + TEXT[place])
            assert found.context_counts_TL[place, 3] == count(context) - LINES.endswith(context)


def count(piece):
    return sum(LINES.startswith(piece, start) for start in range(len(LINES)))


def test_continuations_are_the_models_likeliest():
    found = evidence(MODELS[4], TOKENIZER, "the ", top=3)
    probs_TV = log_probs(MODELS[4], "the ").exp().numpy()
    for place, row in enumerate(found.continuations):
        assert [one.prob for one in row] == pytest.approx(np.sort(probs_TV[place])[:-4:-1].tolist(), rel=1e-4)
        assert all(len(one.counts) == found.context_lengths_T[place] + 1 for one in row)
    after_the = {one.text: one.counts for one in evidence(MODELS[4], TOKENIZER, "the c", top=V).continuations[-1]}
    assert after_the["c"][-1] == count("the c")


def test_json_is_as_long_as_what_is_known():
    found = evidence(MODELS[4], TOKENIZER, TEXT)
    data = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert [len(row) for row in data["lengths"]] == (found.context_lengths_T + 1).tolist()
    for place, row in enumerate(data["lengths"]):
        parts = data["uniform"][place] + sum(one["part"] for one in row)
        assert parts == pytest.approx(np.exp(-data["nats"][place]), rel=1e-4)
