"""Train, val and test, cut before any windowing: spans of a running text, or whole documents by a seeded draw."""

import logging
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import accumulate, pairwise

import numpy as np

from inkloom.corpus.base import Corpus, Part
from inkloom.corpus.large import LARGEST_IN_MEMORY, LargePart
from inkloom.errors import InputError

log = logging.getLogger("inkloom")

DEFAULT_SPLIT = "90,5,5"

LABELLED = "labelled"
"""The reader of texts with labels, which are drawn label by label."""

RANDOM_WINDOWS = "random-windows"
"""A split that leaks on purpose: what many tutorials do, and how their losses come about."""

WINDOW_CHARS, WINDOW_STRIDE = 128, 64
FEWEST_WINDOWS = 10

PART_NAMES = ("train", "val", "test")

# How far a drawn part may miss its share before whole documents count as too few to draw from.
LARGEST_MISS = 2


def split_corpus(corpus: Corpus, split: str = DEFAULT_SPLIT, seed: int = 0) -> dict[str, Part]:
    """Cut a corpus into the parts `train`, `val` and, where the split has three shares, `test`.

    split: per cent of the characters, two or three shares that sum to 100; or `random-windows`, which leaks on purpose.
    seed: of the draw of documents or windows. A running text needs none: it is cut in the order train, val, test.

    A corpus that comes with its own splits keeps them. Of texts with labels, each part has its share of every label.
    Other documents go whole into one part; where they are too few to come within a factor of two of every held-out
    share, they are cut as one running text, and that is announced.
    Raises InputError for a split that cannot be read, or a text that is too short for it.
    """
    shares = parse_split(split)
    if corpus.own_splits:
        if shares != parse_split(DEFAULT_SPLIT):
            parts = ", ".join(corpus.own_splits)
            raise InputError(
                f"--split got {split}, but {corpus.name} comes with its own splits ({parts}). Leave it out."
            )
        return dict(corpus.own_splits)
    if is_random_windows(split):
        return _draw_windows(corpus, seed)
    if corpus.config.reader == LABELLED:
        return _draw_by_label(corpus.whole, shares, seed, corpus.name, split)
    if corpus.whole.documents:
        drawn = _draw_documents(corpus.whole, shares, seed)
        if drawn is not None:
            return drawn
        count = len(corpus.whole.texts)
        if corpus.whole.conditions is not None:
            raise InputError(
                f"{corpus.name} has {count:,} texts, too few or too unequal to split {split} whole. Give more, or a "
                "folder with files of its own for train, val and test."
            )
        documents = "One document cannot" if count == 1 else f"{count} documents of these lengths cannot"
        log.warning("%s be split %s whole, so the text is cut as one running text.", documents, split)
    return _cut_spans(corpus.whole.joined(), shares, corpus.name, split)


def is_random_windows(split: str) -> bool:
    """Whether a split is the one that leaks; `-` and `_` are the same."""
    return split.strip().lower().replace("_", "-") == RANDOM_WINDOWS


def parse_split(split: str) -> tuple[Fraction, ...]:
    """`"90,5,5"` as exact shares of 1. Raises InputError where it is no split."""
    if is_random_windows(split):
        return Fraction(9, 10), Fraction(1, 10)
    form = "It takes two or three shares in per cent that sum to 100, such as 90,5,5 or 90,10."
    try:
        numbers = [Decimal(part.strip()) for part in split.split(",")]
    except InvalidOperation as error:
        raise InputError(f"--split got {split!r}, which is no list of numbers. {form}") from error
    if not all(number.is_finite() and number > 0 for number in numbers):
        raise InputError(f"--split got {split!r}; every share must be above 0. {form}")
    if not 2 <= len(numbers) <= 3:
        raise InputError(f"--split got {split!r}, {len(numbers)} share{'s'[: len(numbers) != 1]}. {form}")
    if (total := sum(numbers, Decimal())) != 100:
        raise InputError(f"--split got {split!r}, which sums to {total:f}. {form}")
    return tuple(Fraction(number) / 100 for number in numbers)


def _cut_spans(text: Part, shares: Sequence[Fraction], name: str, split: str) -> dict[str, Part]:
    """Contiguous spans; a bound lies at the whole part of its exact place, so 90,10 holds out text[int(0.9 * n):]."""
    bounds = [int(text.chars * share) for share in accumulate(shares, initial=Fraction(0))]
    if any(start == stop for start, stop in pairwise(bounds)):
        raise InputError(
            f"{name} has {text.chars:,} characters, too few to split {split}: a part would be empty. Give more text."
        )
    names = PART_NAMES[: len(shares)]
    return {
        part: text.spans([(start, stop)]).renamed(part)
        for part, (start, stop) in zip(names, pairwise(bounds), strict=True)
    }


def _draw_windows(corpus: Corpus, seed: int) -> dict[str, Part]:
    """Windows of 128 characters, one every 64, put into train and val at random, nine to one.

    Each half of a window is also half of a neighbour, so nine tenths of val stand in train.
    """
    if corpus.whole.documents:
        raise InputError(
            f"--split {RANDOM_WINDOWS} cuts one running text, and {corpus.name} has documents. "
            "Leave it out, or give a single text."
        )
    if isinstance(corpus.whole, LargePart):
        raise InputError(
            f"--split {RANDOM_WINDOWS} shows on texts of up to {LARGEST_IN_MEMORY / 1e6:.0f} MB how a score is spoilt, "
            f"and {corpus.name} has {corpus.whole.bytes / 1e6:,.0f}. Leave it out, or give a smaller text."
        )
    (text,) = corpus.whole.texts
    windows = [text[start : start + WINDOW_CHARS] for start in range(0, len(text) - WINDOW_STRIDE, WINDOW_STRIDE)]
    if len(windows) < FEWEST_WINDOWS:
        raise InputError(
            f"{corpus.name} has {len(text):,} characters, too few for --split {RANDOM_WINDOWS}. Give more text."
        )
    drawn = np.random.default_rng(seed).permutation(len(windows)).tolist()
    of_val = len(windows) // 10
    return {
        "train": Part("train", tuple(windows[i] for i in drawn[of_val:])),
        "val": Part("val", tuple(windows[i] for i in drawn[:of_val])),
    }


def _draw_by_label(whole: Part, shares: Sequence[Fraction], seed: int, name: str, split: str) -> dict[str, Part]:
    """Of the texts with each label, the shares by number, to the nearest whole text; at least one is in train."""
    part_of = np.zeros(len(whole.texts), dtype=np.int8)
    labels, label_N = np.unique(np.array(whole.conditions), return_inverse=True)
    generator = np.random.default_rng(seed)
    for label in range(len(labels)):
        texts = generator.permutation(np.flatnonzero(label_N == label))
        start = 1
        for part, share in enumerate(shares[1:], start=1):
            stop = start + round(len(texts) * share)
            part_of[texts[start:stop]] = part
            start = stop
    parts = {
        part: whole.select(np.flatnonzero(part_of == number)).renamed(part)
        for number, part in enumerate(PART_NAMES[: len(shares)])
    }
    if empty := [part for part, of_part in parts.items() if not of_part.texts]:
        raise InputError(
            f"{name} has {len(whole.texts):,} texts with {len(labels)} labels, too few to split {split}: {empty[0]} "
            "would be empty. Give more texts, or larger shares."
        )
    return parts


def _draw_documents(whole: Part, shares: Sequence[Fraction], seed: int) -> dict[str, Part] | None:
    """Whole documents at random, in their original order in each part; None where they cannot make the shares.

    Documents are drawn into a held-out part while they bring it closer to its share of the characters; one that would
    overshoot by more than it adds goes back to the others.
    """
    lengths = whole.lengths + whole.end_chars
    total, smallest = int(lengths.sum()), int(lengths.min())
    part_of = np.zeros(len(lengths), dtype=np.int8)
    order = np.random.default_rng(seed).permutation(np.arange(len(lengths), dtype=np.uint32))
    for part, share in enumerate(shares[1:], start=1):
        gap = float(total * share)
        passed_over: list[int] = []
        position = 0
        while position < len(order) and 2 * gap >= smallest:  # else no document can bring the part closer
            document = int(order[position])
            if lengths[document] <= 2 * gap:
                gap -= int(lengths[document])
                part_of[document] = part
            else:
                passed_over.append(document)
            position += 1
        order = np.concatenate([np.array(passed_over, order.dtype), order[position:]])
    sizes = np.bincount(part_of, weights=lengths, minlength=len(shares)) / total
    if any(not share / LARGEST_MISS <= size <= share * LARGEST_MISS for size, share in zip(sizes, shares, strict=True)):
        return None
    return {
        name: whole.select(np.flatnonzero(part_of == part)).renamed(name)
        for part, name in enumerate(PART_NAMES[: len(shares)])
    }
