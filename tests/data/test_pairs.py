"""Batches of pairs: every pair once an epoch, few tokens of padding, nothing but (seed, step).

Shapes: B rows, S tokens of a source, T tokens of a target.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkloom.corpus.base import Part
from inkloom.data.pairs import NO_TARGET, PairBatches, encode_pairs
from inkloom.errors import InputError
from inkloom.tokenizers.char import CharTokenizer

LETTERS = CharTokenizer.fit(["abcdefgh"], CharTokenizer.Config())
words = st.text("abcdefgh", min_size=1, max_size=12)


def encoded(pairs):
    sources, targets = zip(*pairs, strict=True)
    return encode_pairs(LETTERS, LETTERS, Part("train", targets, 1, documents=True, conditions=sources))


def rows(batch):
    """The texts of a batch as (source, target) pairs."""
    for source_S, length, target_T in zip(batch.sources_BS, batch.source_lengths_B, batch.targets_BT, strict=True):
        assert source_S[length - 1] == LETTERS.end_id
        assert not source_S[length:].any()
        target = target_T[target_T != NO_TARGET]
        assert target[-1] == LETTERS.end_id
        yield LETTERS.decode(source_S[: length - 1].tolist()), LETTERS.decode(target[:-1].tolist())


@given(
    pairs=st.lists(st.tuples(words, words), min_size=1, max_size=40), tokens=st.integers(13, 60), seed=st.integers(0, 3)
)
@settings(max_examples=40, deadline=None)
def test_an_epoch_reads_every_pair_once_in_batches_that_fit(pairs, tokens, seed):
    batches = PairBatches(encoded(pairs), tokens, longest=13, seed=seed)
    for epoch in range(2):
        steps = range(epoch * batches.steps_per_epoch, (epoch + 1) * batches.steps_per_epoch)
        read = [batches.batch(step) for step in steps]
        assert sorted(pair for batch in read for pair in rows(batch)) == sorted(pairs)
        assert all(max(batch.sources_BS.numel(), batch.targets_BT.numel()) <= tokens for batch in read)


def test_targets_are_the_inputs_one_token_later():
    batch = encoded([("ab", "cde"), ("a", "f")]).batch([0, 1], most=4)
    c, d, e, f = LETTERS.encode("cdef").ids.tolist()
    end = LETTERS.end_id
    assert batch.inputs_BT.tolist() == [[end, c, d, e], [end, f, 0, 0]]
    assert batch.targets_BT.tolist() == [[c, d, e, end], [f, end, NO_TARGET, NO_TARGET]]


@pytest.mark.parametrize(("most", "padded"), [(256, 8), (7, 7), (5, 5)])
def test_rows_are_padded_to_a_multiple_of_four_that_a_model_can_read(most, padded):
    batch = encoded([("ab", "cdef"), ("abcd", "a")]).batch([0, 1], most)
    assert batch.sources_BS.shape == batch.targets_BT.shape == batch.inputs_BT.shape == (2, padded)


def test_a_batch_depends_on_seed_and_step_alone():
    generator = np.random.default_rng(0)
    pairs = [("a" * int(s), "b" * int(t)) for s, t in generator.integers(1, 12, (60, 2))]
    one, other, another = (PairBatches(encoded(pairs), 40, 13, seed) for seed in (1, 1, 2))
    for step in (0, 7, 3, one.steps_per_epoch + 2):
        for first, second in zip(one.batch(step), other.batch(step), strict=True):
            assert torch.equal(first, second)
    assert any(
        not torch.equal(one.batch(step).sources_BS, another.batch(step).sources_BS)
        for step in range(one.steps_per_epoch)
    )
    again = one.batches_from(7)
    assert torch.equal(next(again).sources_BS, one.batch(7).sources_BS)
    assert torch.equal(next(again).sources_BS, one.batch(8).sources_BS)


def test_sentences_of_a_length_go_together():
    generator = np.random.default_rng(0)
    lengths = generator.choice([3, 7, 11], 600)  # with the end token multiples of four
    batches = PairBatches(encoded([("a" * int(n), "b" * int(n)) for n in lengths]), 240, 13, 0)
    read = [batches.batch(step) for step in range(batches.steps_per_epoch)]
    padding = sum(int((batch.targets_BT == NO_TARGET).sum()) for batch in read)
    assert padding < 0.05 * (lengths + 1).sum()
    assert batches.tokens_per_step == round((lengths + 1).sum() / batches.steps_per_epoch)


def test_long_pairs_are_left_out_and_counted():
    pairs = encoded([("abc", "a"), ("a", "abcd"), ("ab", "ab")])
    batches = PairBatches(pairs, 100, longest=3, seed=0)
    assert batches.left_out == 2
    assert list(rows(batches.batch(0))) == [("ab", "ab")]
    with pytest.raises(InputError, match="context_length"):
        PairBatches(pairs, 100, longest=2, seed=0)


def test_texts_without_sources_are_refused():
    with pytest.raises(InputError, match="no sources"):
        encode_pairs(LETTERS, LETTERS, Part("train", ("a",), 1, documents=True))
