"""Interpolated modified Kneser-Ney estimation: S. Chen and J. Goodman, "An Empirical Study of Smoothing Techniques for
Language Modeling", TR-10-98, Harvard (1998); the form of K. Heafield, I. Pouzyrevsky, J. Clark and P. Koehn, "Scalable
Modified Kneser-Ney Language Model Estimation", ACL (2013):

    c(g)            = how often the n-gram g stands in the text, for the longest and for those that begin a text;
                      else how many distinct tokens stand before it
    D_k             = k - (k + 1) t_1 t_(k+1) / ((t_1 + 2 t_2) t_k) for k = 1, 2 and 3, with t_k n-grams of count k;
                      counts above 3 take D_3
    p(w | context)  = (c(context w) - D) / c(context *) + b(context) p(w | context less its first token)
    b(context)      = sum of D over all that follow / c(context *)

with the uniform 1/V below the unigrams, and 0.5, 1 and 1.5 where the counts of a length give no discounts.

A text begins with an end token and every end token in it begins the next: n-grams do not reach over one, and the end
token itself is predicted like any other.

Each length is counted from the one below: the key of an n-gram is the number of its prefix and its last token, 64 bits
whatever the order and the vocabulary, and its own number is its place among the sorted keys. The text is read in
chunks, so that but for 4 bytes a token it takes memory by its distinct n-grams alone. `kneser_ney_reference` does the
same with dictionaries.

Shapes: N tokens of the text, G n-grams of one length, V vocabulary.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkloom.models.ngram import NGram
from inkloom.tokenizers.base import Ids

CHUNK = 1 << 22
"""Tokens that are sorted at once: some 250 MB of working memory."""

FALLBACK = (0.5, 1.0, 1.5)
"""Discounts where the counts give none, as KenLM's --discount_fallback has them."""

NONE = np.uint32(0xFFFFFFFF)
"""No n-gram ends here."""


@dataclass(frozen=True)
class Counts:
    """The distinct n-grams of one length, sorted by their prefix, then by their last token."""

    keys_G: NDArray[np.int64]
    """prefix * V + last token; the prefix is its number among the n-grams one shorter."""

    counts_G: NDArray[np.int64]
    """How often each stands in the text."""

    suffixes_G: NDArray[np.uint32]
    """Its last n - 1 tokens, as their number among the n-grams one shorter."""


def count_ngrams(ids: Ids, vocab_size: int, end_id: int) -> Iterator[Counts]:
    """The n-grams of length 1, 2, … without end; those of length 1 are the whole vocabulary.

    ids: (N,), the end token, then the text. An end token that begins a text is context alone, no n-gram of its own.
    """
    yield Counts(
        keys_G=np.arange(vocab_size),
        counts_G=np.sum([np.bincount(ids[span], minlength=vocab_size) for span in _spans(ids)], axis=0),
        suffixes_G=np.zeros(vocab_size, np.uint32),
    )
    ngrams_N = ids.astype(np.uint32)  # the n-gram that ends with each token, of the length that was counted last
    for length in itertools.count(2):
        yield _count_longer(ngrams_N, ids, vocab_size, end_id, length)


def estimate(counts: Sequence[Counts], vocab_size: int) -> NGram:
    """The model of order `len(counts)`, from the first lengths that `count_ngrams` gives."""
    order = len(counts)
    sizes = tuple(len(level.keys_G) for level in counts)
    model = NGram(NGram.Config(order=order, ngrams=sizes), vocab_size)
    probs_G = np.array([1 / vocab_size])  # of the n-grams one shorter; below the unigrams is the uniform distribution
    for length, level in enumerate(counts, start=1):
        counts_G = level.counts_G if length == order else _adjusted(level, counts[length])
        discounts = _discounts(counts_G)
        taken_G = np.array([0.0, *discounts])[np.minimum(counts_G, 3)]
        prefixes_G = level.keys_G // vocab_size
        totals = np.bincount(prefixes_G, counts_G, minlength=len(probs_G))
        taken = np.bincount(prefixes_G, taken_G, minlength=len(probs_G))
        backoffs = np.divide(taken, totals, out=np.ones(len(probs_G)), where=totals > 0)
        shares_G = np.divide(counts_G - taken_G, totals[prefixes_G], out=np.zeros(len(counts_G)), where=counts_G > 0)
        probs_G = shares_G + backoffs[prefixes_G] * probs_G[level.suffixes_G]
        model.fill(length, level.keys_G, np.log(probs_G), np.log(backoffs), counts_G, discounts)
    return model


def _count_longer(ngrams_N: NDArray[np.uint32], ids: Ids, vocab_size: int, end_id: int, length: int) -> Counts:
    """The n-grams of this length, from those one shorter in `ngrams_N`, which they replace there."""
    spans = _spans(ids)[::-1]  # backwards, since an n-gram is made of the shorter one before it
    pieces = []
    for span in spans:
        before = slice(span.start - 1, span.stop - 1)
        whole = ngrams_N[before] != NONE
        if length > 2:  # an end token may be the first of a context, no later one
            whole &= ids[before] != end_id
        keys = ngrams_N[before][whole] * np.int64(vocab_size) + ids[span][whole]
        keys_G, number, counts_G = np.unique(keys, return_inverse=True, return_counts=True)
        suffixes_G = np.empty(len(keys_G), np.uint32)
        suffixes_G[number] = ngrams_N[span][whole]
        ngrams_N[span] = NONE
        ngrams_N[span][whole] = number
        pieces.append(Counts(keys_G, counts_G, suffixes_G))
    keys_G = np.sort(np.concatenate([piece.keys_G for piece in pieces]))
    keys_G = keys_G[np.diff(keys_G, prepend=-1) > 0]  # np.unique hashes: 9.8 s instead of 0.3 for 24 million keys
    counts_G, suffixes_G = np.zeros(len(keys_G), np.int64), np.zeros(len(keys_G), np.uint32)
    for span, piece in zip(spans, pieces, strict=True):
        number = np.searchsorted(keys_G, piece.keys_G)
        counts_G[number] += piece.counts_G
        suffixes_G[number] = piece.suffixes_G
        whole = ngrams_N[span] != NONE
        ngrams_N[span][whole] = number[ngrams_N[span][whole]]
    return Counts(keys_G, counts_G, suffixes_G)


def _spans(ids: Ids) -> list[slice]:
    """The text in chunks, without the end token before it; at least one, which may be empty."""
    return [slice(start, min(start + CHUNK, len(ids))) for start in range(1, max(len(ids), 2), CHUNK)]


def _adjusted(level: Counts, longer: Counts) -> NDArray[np.int64]:
    """How many distinct tokens stand before each n-gram; how often it stands there, where it begins a text."""
    before_G = np.bincount(longer.suffixes_G, minlength=len(level.keys_G))
    return np.where(before_G > 0, before_G, level.counts_G)


def _discounts(counts_G: NDArray[np.int64]) -> tuple[float, float, float]:
    """D_1, D_2 and D_3, each above 0 and at most its count, or the fallback for all three."""
    t = np.bincount(np.minimum(counts_G, 5), minlength=6)
    if not t[1:4].all():
        return FALLBACK
    y = t[1] / (t[1] + 2 * t[2])
    one, two, three = (float(k - (k + 1) * y * t[k + 1] / t[k]) for k in (1, 2, 3))
    return (one, two, three) if 0 < one <= 1 and 0 < two <= 2 and 0 < three <= 3 else FALLBACK
