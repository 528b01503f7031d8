"""Sentences about views."""

import numpy as np
import pytest

from inkloom.explain import words
from inkloom.explain.attention import AttentionMaps
from inkloom.explain.evidence import evidence
from inkloom.explain.mixing import mixture_weights
from inkloom.explain.surprisal import surprisal
from inkloom.explain.tokens import END, readable, shortened, tokens_of, visible
from inkloom.explain.units import Finding
from tests.explain.models import MODELS, TEXT, TOKENIZER, mixture, ngram


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (13, "13th"), (21, "21st"), (1112, "1,112th")],
)
def test_ordinals(number, expected):
    assert words.ordinal(number) == expected


def test_white_space_and_control_characters_can_be_seen():
    assert visible("a b\n\tc") == "a␣b↵⇥c"
    assert visible("\x1b\x00\u200b") == "␛␀\ufffd"
    assert readable("a b\nc\x1b") == "a b↵\nc␛"
    assert readable("") == "·"
    assert shortened("tokens", 4) == "tok…"
    assert shortened("four", 4) == "four"


def test_what_stands_before_a_token():
    assert words.before(["a"] * 20, 20) == "a" * 12
    assert words.before(["a"], 0) == END


def test_surprise_is_told_with_what_was_expected():
    shown = surprisal(ngram(), TOKENIZER, TEXT)
    place = int(shown.nats_T.argmax())
    told = words.most_surprising(shown)
    assert words.quoted(TEXT[place]) in told
    assert words.quoted(shown.top_texts[place][0]) in told
    assert f"{shown.bits_T.max():.1f} bits" in told
    assert f"{100 * (shown.ranks_T == 1).mean():.1f}" in words.first_choices(shown)
    assert f"paid {shown.bits_T.mean():.2f}" in words.expectation(shown)


def test_units_are_told_counting_from_one():
    found = Finding(0, 6, "brackets", -0.5, 0.25)
    assert words.unit_title(found) == "Layer 1, unit 7"
    assert words.unit_finding(found) == "It follows brackets upside down: correlation −0.50, by chance at most 0.25."
    assert "none of the features" in words.unit_finding(Finding(0, 6))


def test_heads_are_told_by_where_they_look_most():
    weights_LHTT = np.eye(4, k=-1, dtype=np.float32)[None, None].copy()
    weights_LHTT[0, 0, 0, 0] = 1
    shown = AttentionMaps(tokens_of(TOKENIZER, "cats"), weights_LHTT, np.triu(np.ones((4, 4), bool), 1))
    assert words.head_habit(shown, 0, 0) == (
        "100.0\u00a0% goes to the token before; on average it looks 0.8 tokens away."
    )


def test_the_reach_of_the_tables_and_the_credit_of_the_parts_are_told():
    shown = evidence(ngram(4), TOKENIZER, TEXT)
    assert f"{100 * (shown.lengths_T == 4).mean():.1f}\u00a0% of the tokens" in words.evidence_summary(shown)
    weights = mixture_weights(mixture(), TOKENIZER, TEXT)
    assert f"rnn {100 * weights.responsibilities_TK[:, 0].mean():.1f}" in words.mixture_summary(weights)
    assert set(MODELS) >= {"mixture"}
