"""Batches are pure functions of the step, and read every token."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkloom.data.batches import BATCHINGS, RandomStreams, Streams, Windows

SOURCES = [BATCHINGS.load(name) for name in BATCHINGS]


def ring(length: int) -> np.ndarray:
    """Ids that tell their own place."""
    return np.arange(length, dtype=np.uint16)


sizes = st.fixed_dictionaries(
    {"batch_size": st.integers(1, 5), "seq_len": st.integers(1, 9), "seed": st.integers(0, 3)}
)


@pytest.mark.parametrize("source_class", SOURCES)
@given(length=st.integers(2, 300), size=sizes, step=st.integers(0, 500))
@settings(max_examples=50, deadline=None)
def test_a_batch_depends_on_seed_and_step_alone(source_class, length, size, step):
    first, again = source_class(ring(length), **size), source_class(ring(length), **size)
    again.batch(step + 1)  # a detour changes nothing
    one, other = first.batch(step), again.batch(step)
    assert torch.equal(one.inputs_BT, other.inputs_BT)
    assert torch.equal(one.targets_BT, other.targets_BT)
    assert one.carries == other.carries


@pytest.mark.parametrize("source_class", SOURCES)
@given(length=st.integers(2, 300), size=sizes, step=st.integers(0, 500))
@settings(max_examples=50, deadline=None)
def test_targets_are_the_inputs_one_token_later(source_class, length, size, step):
    source = source_class(ring(length), **size)
    batch = source.batch(step)
    assert batch.inputs_BT.shape == (size["batch_size"], source.length(step))
    assert batch.inputs_BT.dtype == torch.int64
    assert torch.equal((batch.inputs_BT + 1) % length, batch.targets_BT)


@pytest.mark.parametrize("source_class", [Streams, RandomStreams])
@given(length=st.integers(2, 300), size=sizes, step=st.integers(0, 500))
@settings(max_examples=100, deadline=None)
def test_streams_go_on_where_they_ended(source_class, length, size, step):
    source = source_class(ring(length), **size)
    before, after = source.batch(step), source.batch(step + 1)
    if after.carries:
        assert torch.equal(before.targets_BT[:, -1], after.inputs_BT[:, 0])
    else:
        assert (step + 1) % source.steps_per_epoch == 0


@pytest.mark.parametrize(("batch_size", "seq_len"), [(4, 8), (3, 7), (1, 1)])
def test_an_epoch_of_windows_reads_each_whole_window_once(batch_size, seq_len):
    source = Windows(ring(200), batch_size, seq_len, seed=1)
    starts = np.concatenate([source.starts(step)[0] for step in range(source.steps_per_epoch)]) % 200
    assert len(set(starts)) == source.windows_per_epoch == 200 // seq_len
    # The last batch is filled up with windows of the same epoch.
    assert len(starts) - len(set(starts)) < batch_size


@pytest.mark.parametrize("source_class", [Streams, RandomStreams])
def test_an_epoch_of_streams_reads_every_token_but_a_remainder_once(source_class):
    source = source_class(ring(1000), batch_size=4, seq_len=16, seed=1)
    read = np.concatenate([source.batch(step).inputs_BT.numpy().ravel() for step in range(source.steps_per_epoch)])
    assert len(set(read)) == len(read) == 4 * 16 * (1000 // 64)


@given(length=st.integers(2, 2000), size=sizes, epoch=st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_random_lengths_have_a_token_each_and_seq_len_in_the_mean(length, size, epoch):
    source = RandomStreams(ring(length), **size)
    first = epoch * source.steps_per_epoch
    lengths = [source.length(step) for step in range(first, first + source.steps_per_epoch)]
    assert min(lengths) >= 1
    assert sum(lengths) == source.steps_per_epoch * size["seq_len"]


def test_random_lengths_are_spread_as_in_the_paper():
    """Normal around 70 with a standard deviation of 5; one in 20 around 35."""
    source = RandomStreams(ring(60_000), batch_size=1, seq_len=70, seed=0)
    lengths = np.array([source.length(step) for step in range(4 * source.steps_per_epoch)])
    short = lengths < 54
    assert short.mean() == pytest.approx(0.05, abs=0.02)
    assert lengths[short].mean() == pytest.approx(36, abs=1.5)
    assert lengths[~short].std() == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize("source_class", [Windows, Streams])
def test_other_lengths_are_all_the_same(source_class):
    source = source_class(ring(100), 2, 7, seed=0)
    assert {source.length(step) for step in range(20)} == {7}


@pytest.mark.parametrize("source_class", SOURCES)
def test_epochs_differ_and_so_do_seeds(source_class):
    one, other = source_class(ring(5000), 2, 16, seed=1), source_class(ring(5000), 2, 16, seed=2)
    assert not torch.equal(one.batch(0).inputs_BT, one.batch(one.steps_per_epoch).inputs_BT)
    assert not torch.equal(one.batch(0).inputs_BT, other.batch(0).inputs_BT)


@pytest.mark.parametrize("source_class", SOURCES)
def test_a_text_shorter_than_a_window_is_read_round_and_round(source_class):
    batch = source_class(ring(3), batch_size=2, seq_len=8, seed=0).batch(0)
    assert set(batch.inputs_BT.ravel().tolist()) == {0, 1, 2}


def test_batches_from_a_step_are_the_rest_of_the_same_sequence():
    source = Windows(ring(100), 2, 8, seed=0)
    following = source.batches_from(5)
    assert torch.equal(next(following).inputs_BT, source.batch(5).inputs_BT)
    assert torch.equal(next(following).inputs_BT, source.batch(6).inputs_BT)
