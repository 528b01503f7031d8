"""Sentences of one length, and their batches."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inkloom.data.sentences import Sentences, cut_sentences, own_tokens, own_words

END = 0


def stream(sentences):
    return np.array([END, *(token for sentence in sentences for token in [*sentence, END])], np.uint16)


@given(
    sentences=st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=8), min_size=1, max_size=6),
    length=st.integers(1, 6),
)
def test_sentences_are_cut_or_padded_with_the_end(sentences, length):
    cut = cut_sentences(stream(sentences), END, length)
    expected = [(sentence + [END] * length)[:length] for sentence in sentences]
    assert cut.tokens_NS.tolist() == expected
    assert cut.long == sum(len(sentence) + 1 > length for sentence in sentences)
    assert [own_words(row, END) for row in expected] == [sentence[:length] for sentence in sentences]


def test_empty_documents_are_left_out():
    assert cut_sentences(stream([[1], [], [2, 3]]), END, 3).tokens_NS.tolist() == [[1, 0, 0], [2, 3, 0]]


def test_own_tokens_end_with_the_first_end():
    sentences = torch.tensor([[1, 2, 0, 0], [0, 0, 0, 0], [1, 2, 3, 4], [1, 0, 5, 0]])
    expected = [[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 0, 0]]
    assert own_tokens(sentences, END).int().tolist() == expected


@pytest.fixture
def source():
    cut = cut_sentences(stream([[number] for number in range(1, 11)]), END, 2)
    return Sentences(cut, batches=2, batch_size=3, seed=5)


def test_a_batch_is_a_pure_function_of_the_step(source):
    other = Sentences(cut_sentences(stream([[n] for n in range(1, 11)]), END, 2), 2, 3, 5)
    late = source.batch(7)
    assert torch.equal(other.batch(7), late)
    following = source.batches_from(6)
    next(following)
    assert torch.equal(next(following), late)
    assert late.shape == (2, 3, 2)


def test_every_epoch_reads_every_sentence_once_in_another_order(source):
    """Five steps of six sentences read ten sentences three times."""
    firsts = torch.cat([source.batch(step)[..., 0].flatten() for step in range(5)]).tolist()
    epochs = [firsts[:10], firsts[10:20], firsts[20:]]
    assert all(sorted(epoch) == list(range(1, 11)) for epoch in epochs)
    assert epochs[0] != epochs[1]
    assert source.steps_per_epoch == 2


def test_other_seeds_have_other_orders(source):
    other = Sentences(cut_sentences(stream([[n] for n in range(1, 11)]), END, 2), 2, 3, 6)
    assert not torch.equal(other.batch(0), source.batch(0))
