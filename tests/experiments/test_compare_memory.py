"""The most memory that a block held."""

import numpy as np

from inkloom.experiments.comparison import memory
from inkloom.experiments.comparison.memory import peak_memory


def test_what_is_held_for_a_moment_counts_and_what_came_before_does_not():
    with peak_memory() as large:
        np.ones(25_000_000).sum()  # 200 MB
    with peak_memory() as small:
        np.ones(25_000).sum()
    assert (large.bytes is None) == (small.bytes is None)
    if large.bytes is not None and small.bytes is not None:
        assert large.bytes - small.bytes > 150e6


def test_where_the_system_cannot_count_anew_nothing_is_claimed(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "CLEAR_REFS", tmp_path / "none" / "clear_refs")
    with peak_memory() as peak:
        pass
    assert peak.bytes is None
