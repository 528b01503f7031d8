import numpy as np
import pytest
import torch

from inkloom.corpus.base import Part
from inkloom.data.labelled import SORTED_TOGETHER, LabelledBatches, LabelledTexts, encode_labelled, padded
from inkloom.tokenizers.char import CharTokenizer

END, A, B = 1, 2, 3


def texts_of(lengths):
    ids = [np.full(length, A, np.uint16) for length in lengths]
    return LabelledTexts(ids, np.arange(len(ids)), 0, 0)


def test_texts_stand_between_end_tokens_and_long_ones_are_cut():
    part = Part("train", ("ab", "", "abba", "aç"), documents=True, conditions=("y", "x", "y", "x"))
    texts = encode_labelled(CharTokenizer("ab"), part, ("x", "y"), most=3)
    assert [ids.tolist() for ids in texts.ids] == [[END, A, B, END], [END, END], [END, A, B, B, END], [END, A, 0, END]]
    assert texts.labels_N.tolist() == [1, 0, 1, 0]
    assert (texts.shortened, texts.unknown_tokens, texts.tokens) == (1, 1, 15)


def test_rows_are_filled_up_behind():
    tokens_BT, lengths_B = padded([np.array([END, A]), np.array([END, A, B, END])])
    assert tokens_BT.tolist() == [[END, A, 0, 0], [END, A, B, END]]
    assert lengths_B.tolist() == [2, 4]


@pytest.mark.parametrize("count", [1, 7, 64, 100])
def test_an_epoch_reads_every_text_once(count):
    source = LabelledBatches(texts_of(np.random.default_rng(0).integers(1, 30, count)), batch_size=8, seed=3)
    for epoch in range(2):
        steps = range(epoch * source.steps_per_epoch, (epoch + 1) * source.steps_per_epoch)
        seen = torch.cat([source.batch(step).labels_B for step in steps])
        assert sorted(seen.tolist()) == list(range(count))


def test_a_batch_depends_on_seed_and_step_alone():
    texts = texts_of(np.random.default_rng(0).integers(1, 30, 100))
    one, other = LabelledBatches(texts, 8, seed=3), LabelledBatches(texts, 8, seed=3)
    later = [other.batch(step).labels_B.tolist() for step in (20, 4, 13)]
    assert [one.batch(step).labels_B.tolist() for step in (20, 4, 13)] == later
    assert one.batch(4).labels_B.tolist() != LabelledBatches(texts, 8, seed=4).batch(4).labels_B.tolist()
    assert one.batch(4).labels_B.tolist() != one.batch(4 + one.steps_per_epoch).labels_B.tolist()


def test_texts_of_like_length_stand_together():
    lengths = np.random.default_rng(0).integers(1, 100, 8 * SORTED_TOGETHER)
    source = LabelledBatches(texts_of(lengths), batch_size=8, seed=0)
    filled = sum(source.batch(step).tokens_BT.numel() for step in range(source.steps_per_epoch))
    assert lengths.sum() <= filled < 1.15 * lengths.sum()
