"""The parts that a run trains on and is scored on."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from inkloom.corpus import open_corpus, split_corpus
from inkloom.corpus.base import Corpus, Part
from inkloom.errors import InputError
from inkloom.runs.directory import RunDirectory, SplitConfig

SPANS = 8
"""Of a running text that are held back. See docs/decisions/0005."""


def corpus_of(run: RunDirectory) -> Corpus:
    """The text that a run is trained on. InputError where it is gone or no longer the same."""
    config = run.read_config()
    corpus = open_corpus(config.corpus)
    if corpus.sha256 != config.corpus_sha256:
        raise InputError(
            f"{' '.join(config.corpus.sources)} has changed since {run.path} began, so its splits are others now. "
            "Restore the text, train anew, or score the new text with `inkloom evaluate --corpus`."
        )
    return corpus


def choose(parts: Mapping[str, Part], split: str | None, owner: str) -> Part:
    """The part of that name; test where none is named, or val where there is no test. InputError for another name."""
    chosen = split or ("test" if "test" in parts else "val")
    if chosen not in parts:
        raise InputError(f"{owner} has no {chosen} split; it has {', '.join(parts)}.")
    return parts[chosen]


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
