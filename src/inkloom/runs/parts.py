"""The parts that a run trains on and is scored on."""

from inkloom.corpus import split_corpus
from inkloom.corpus.base import Corpus, Part
from inkloom.runs.directory import SplitConfig


def cut(corpus: Corpus, split: SplitConfig) -> dict[str, Part]:
    """`train`, `val`, where there is one `test`, and where it is asked for `held_back`, the end of what was train."""
    parts = split_corpus(corpus, split.shares, split.seed)
    if split.held_back:
        parts["train"], held_back = parts["train"].cut(1 - split.held_back / 100)
        parts["held_back"] = Part("held_back", held_back.texts, held_back.end_chars, held_back.documents)
    return parts
