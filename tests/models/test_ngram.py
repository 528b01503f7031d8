"""N-gram tables answer what is worked out by hand, what the slow reference says, and what they say themselves."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkloom.config import build
from inkloom.errors import InputError
from inkloom.models import kneser_ney, ngram
from inkloom.models.kneser_ney import count_ngrams, estimate
from inkloom.models.kneser_ney_reference import ReferenceKneserNey
from inkloom.models.ngram import NGram
from inkloom.runs.weights import load_weights, save_weights

UNKNOWN, END, A, B, C = range(5)
V = 5

TEN_TOKENS = [END, A, B, A, B, A, C, A, B, A, B]
"""The text ababacabab, worked out for order 2. Neither length has all of n-grams with counts 1, 2 and 3: discounts 0.5,
1, 1.5.

Unigrams count the distinct tokens before them: a 3 (end, b, c), b 1 (a), c 1 (a), together 5. What is taken off is
1.5 + 0.5 + 0.5 = 2.5, so half goes to the uniform 1/5: a = 1.5/5 + 0.1 = 0.4, b = c = 0.5/5 + 0.1 = 0.2, others 0.1.

Bigrams count how often they stand there: ab 4, ac 1; ba 3; ca 1; after the end token a 1.
"""

BY_HAND = {
    # 1.5 + 0.5 of 5 goes to the unigrams: b = 2.5/5 + 0.4 * 0.2, c = 0.5/5 + 0.4 * 0.2.
    A: [0.04, 0.04, 0.16, 0.58, 0.18],
    # 1.5 of 3: a = 1.5/3 + 0.5 * 0.4.
    B: [0.05, 0.05, 0.7, 0.1, 0.1],
    # 0.5 of 1: a = 0.5/1 + 0.5 * 0.4.
    C: [0.05, 0.05, 0.7, 0.1, 0.1],
    END: [0.05, 0.05, 0.7, 0.1, 0.1],
    # Nothing ever followed it.
    UNKNOWN: [0.1, 0.1, 0.4, 0.2, 0.2],
}


def estimated(ids, order, vocab_size=V):
    return estimate(list(itertools.islice(count_ngrams(np.array(ids, np.uint16), vocab_size, END), order)), vocab_size)


@torch.no_grad()
def probs_after(model, context):
    """p of every token after a context, as a fresh state reads it."""
    logits_BTV, _ = model(torch.tensor([context]), model.initial_state(1))
    return logits_BTV[0, -1].exp()


def texts(longest=60):
    """Texts of a few tokens, documents among them: an end token, then any."""
    return st.lists(st.integers(0, V - 1), min_size=1, max_size=longest).map(lambda ids: [END, *ids])


@pytest.mark.parametrize("context", BY_HAND)
def test_ten_tokens_worked_out_by_hand(context):
    assert probs_after(estimated(TEN_TOKENS, 2), [context]).tolist() == pytest.approx(BY_HAND[context], abs=1e-6)


def test_discounts_worked_out_by_hand():
    """a to d once, e and f twice, g three times, h four times: t = 4, 2, 1, 1 and y = 4 / (4 + 2 * 2) = 1/2.

    D1 = 1 - 2/2 * 2/4 = 0.5, D2 = 2 - 3/2 * 1/2 = 1.25, D3 = 3 - 4/2 * 1/1 = 1, from 15 tokens. What is taken off is
    4 * 0.5 + 2 * 1.25 + 2 * 1 = 6.5.
    """
    ids = [END, *[2, 3, 4, 5], *[6] * 2, *[7] * 2, *[8] * 3, *[9] * 4]
    probs = probs_after(estimated(ids, 1, vocab_size=10), [END]).tolist()
    uniform = 6.5 / 15 / 10
    expected = [0, 0, *[0.5] * 4, *[0.75] * 2, 2, 3]
    assert probs == pytest.approx([share / 15 + uniform for share in expected], abs=1e-6)


def test_documents_do_not_see_each_other():
    """After ba|ab|, nothing is known of what follows an a that begins a document but the b of the second one."""
    model = estimated([END, B, A, END, A, B, END], 3)
    assert probs_after(model, [END, B, A, END, A]).tolist() == probs_after(model, [END, A]).tolist()
    assert len(model.evidence([B, A, END])) == 2  # no context of two tokens reaches over the end
    assert model.evidence([END])[1].counts_V.tolist() == [0, 0, 1, 1, 0]


@settings(max_examples=150, deadline=None)
@given(ids=texts(), order=st.integers(1, 5), context=st.lists(st.integers(0, V - 1), min_size=1, max_size=6))
def test_equals_the_slow_reference(ids, order, context):
    model, reference = estimated(ids, order), ReferenceKneserNey(ids, order, V, END)
    for known in (context, ids[:-1], ids):
        expected = [reference.prob(token, known) for token in range(V)]
        assert probs_after(model, known).tolist() == pytest.approx(expected, rel=1e-5)


@settings(max_examples=100, deadline=None)
@given(ids=texts(), order=st.integers(1, 6), context=st.lists(st.integers(0, V - 1), min_size=1, max_size=8))
def test_probabilities_sum_to_one_after_any_context(ids, order, context):
    probs = probs_after(estimated(ids, order), context)
    assert (probs > 0).all()
    assert probs.double().sum().item() == pytest.approx(1, abs=1e-5)


def test_equals_the_slow_reference_where_the_counts_give_discounts(real_text):
    ids, vocab_size = characters(real_text[:6000])
    model, reference = estimated(ids, 4, vocab_size), ReferenceKneserNey(ids, 4, vocab_size, END)
    assert all(model.discounts[n - 1].tolist() == pytest.approx(reference.discounts[n][1:]) for n in (2, 3, 4))
    assert model.discounts[3].tolist() != pytest.approx(kneser_ney.FALLBACK)
    for place in range(1, 200):
        expected = [reference.prob(token, ids[:place]) for token in range(vocab_size)]
        assert probs_after(model, ids[:place]).tolist() == pytest.approx(expected, rel=1e-5)


def test_text_read_in_chunks_gives_the_same_tables(real_text, monkeypatch):
    ids, vocab_size = characters(real_text[:3000])
    ids = [END if place % 100 == 0 else token for place, token in enumerate(ids)]
    whole = estimated(ids, 5, vocab_size)
    monkeypatch.setattr(kneser_ney, "CHUNK", 97)
    in_chunks = estimated(ids, 5, vocab_size)
    assert in_chunks.config == whole.config
    for name, table in whole.state_dict().items():
        assert torch.equal(in_chunks.state_dict()[name], table), name


@settings(max_examples=60, deadline=None)
@given(ids=texts(), text=texts(), order=st.integers(1, 5), chunk=st.integers(1, 70))
def test_scores_of_given_tokens_are_those_of_the_whole_distribution(ids, text, order, chunk):
    model, tokens_N = estimated(ids, order), torch.tensor(text)
    logits_BTV, _ = model(tokens_N[None, :-1], model.initial_state(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngram, "CHUNK", chunk)
        log_probs_N = model.token_log_probs(tokens_N)
    torch.testing.assert_close(log_probs_N, logits_BTV[0].gather(1, tokens_N[1:, None])[:, 0], rtol=1e-5, atol=1e-5)


def test_an_unseen_context_leaves_the_word_to_its_later_tokens():
    model = estimated(TEN_TOKENS, 3)
    assert probs_after(model, [A, A]).tolist() == probs_after(model, [A]).tolist()


def test_order_one_knows_no_context():
    model = estimated(TEN_TOKENS, 1)
    assert model.initial_state(3).shape == (3, 0)
    # a 5, b 4, c 1 of 10; 1.5 + 1.5 + 0.5 go to the uniform distribution.
    expected = [0.07, 0.07, 0.35 + 0.07, 0.25 + 0.07, 0.05 + 0.07]
    for context in ([END], [A, B]):
        assert probs_after(model, context).tolist() == pytest.approx(expected, abs=1e-6)


def test_a_text_shorter_than_the_order_is_a_model_of_that_order():
    model = estimated([END, A, B], 7)
    assert model.config.ngrams == (5, 2, 1, 0, 0, 0, 0)
    reference = ReferenceKneserNey([END, A, B], 7, V, END)
    expected = [reference.prob(token, [END, A]) for token in range(V)]
    assert probs_after(model, [END, A]).tolist() == pytest.approx(expected, rel=1e-5)


def test_float32_tables_cost_no_accuracy(real_text):
    ids, vocab_size = characters(real_text[:6000])
    reference = ReferenceKneserNey(ids[:5001], 4, vocab_size, END)
    exact = sum(math.log(reference.prob(ids[place], ids[:place])) for place in range(5001, len(ids)))
    log_probs_N = estimated(ids[:5001], 4, vocab_size).token_log_probs(torch.tensor(ids[4997:]))[3:]
    assert log_probs_N.double().sum().item() == pytest.approx(exact, rel=1e-7)


@settings(max_examples=40, deadline=None)
@given(ids=texts(), order=st.integers(1, 4), context=st.lists(st.integers(0, V - 1), max_size=6))
def test_the_evidence_explains_the_probability(ids, order, context):
    """Each length's counts, less the discounts, and the share of the length below make its distribution."""
    model = estimated(ids, order)
    below_V = torch.full((V,), 1 / V)
    found = model.evidence(context)
    for length, evidence in enumerate(found, start=1):
        assert evidence.context == tuple(context[len(context) - length + 1 :])
        taken_V = torch.tensor([0.0, *evidence.discounts])[evidence.counts_V.clamp(max=3)]
        share_V = (evidence.counts_V - taken_V) / evidence.counts_V.sum()
        torch.testing.assert_close(evidence.probs_V, share_V + evidence.backoff * below_V, rtol=1e-4, atol=1e-6)
        below_V = evidence.probs_V
    if context:
        assert probs_after(model, context).tolist() == pytest.approx(found[-1].probs_V.tolist())


def test_the_evidence_of_ten_tokens():
    unigrams, bigrams = estimated(TEN_TOKENS, 2).evidence([B, A])
    assert (unigrams.context, bigrams.context) == ((), (A,))
    assert unigrams.counts_V.tolist() == [0, 0, 3, 1, 1]
    assert bigrams.counts_V.tolist() == [0, 0, 0, 4, 1]
    assert (unigrams.backoff, bigrams.backoff) == pytest.approx((0.5, 0.4))
    assert bigrams.discounts == (0.5, 1.0, 1.5)


def test_a_saved_model_is_rebuilt_from_its_config(tmp_path):
    model = estimated(TEN_TOKENS, 3)
    save_weights(model, tmp_path / "model.safetensors")
    config = NGram.Config.model_validate_json(model.config.model_dump_json())
    other = NGram(config, V)
    load_weights(other, tmp_path / "model.safetensors")
    assert probs_after(other, [A, B]).tolist() == probs_after(model, [A, B]).tolist()
    assert other.evidence([A, B])[2].counts_V.tolist() == model.evidence([A, B])[2].counts_V.tolist()


@pytest.mark.parametrize("order", ["0", "-1", "seven", "2.5", True])
def test_an_order_is_a_whole_number_or_auto(order):
    with pytest.raises(InputError, match=r"model\.order got .*: it takes a whole number from 1 on, or auto\."):
        build(NGram.Config, {"order": order}, "model")
    assert build(NGram.Config, {"order": "3"}, "model").order == 3


def characters(text):
    """A text as ids from 2 on, after an end token, and the size of its vocabulary."""
    known = sorted(set(text))
    return [END, *(known.index(character) + 2 for character in text)], len(known) + 2
