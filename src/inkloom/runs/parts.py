"""The parts that a run trains on and is scored on."""

from itertools import pairwise

import numpy as np

from inkloom.corpus import split_corpus
from inkloom.corpus.base import Corpus, Part
from inkloom.runs.directory import SplitConfig

SPANS = 8
"""Of a running text that are held back. See docs/decisions/0005."""


def cut(corpus: Corpus, split: SplitConfig) -> dict[str, Part]:
    """`train`, `val`, where there is one `test`, and where it is asked for `held_back`, which is no longer in train."""
    parts = split_corpus(corpus, split.shares, split.seed)
    if split.held_back:
        parts["train"], parts["held_back"] = _hold_back(parts["train"], split.held_back / 100)
    return parts


def _hold_back(train: Part, share: float) -> tuple[Part, Part]:
    """What is left of train, and a share of it from all over: whole documents, or of one text the middles of stretches.

    At least one document is held back, and at least one character of a stretch.
    """
    if len(train.texts) > 1:
        number = np.arange(len(train.texts))
        held = np.floor((number + 1) * share) > np.floor(number * share)
        held[len(held) // 2] |= not held.any()
        kept, held_back = train.select(np.flatnonzero(~held)), train.select(np.flatnonzero(held))
    else:
        kept_bounds, held_bounds = [], []
        for start, stop in pairwise(np.linspace(0, train.lengths[0], SPANS + 1).astype(int).tolist()):
            length = max(1, round((stop - start) * share))
            first = (start + stop - length) // 2
            kept_bounds += [(start, first), (first + length, stop)]
            held_bounds.append((first, first + length))
        kept, held_back = train.spans(kept_bounds), train.spans(held_bounds)
    return kept, held_back.renamed("held_back")
