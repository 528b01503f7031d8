"""What sentences cost under an n-gram model of others: how fluent they are, and how well they cover real ones.

Sentences are lists of ids without their end token, which is paid for like any other.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from inkloom.models.kneser_ney import count_ngrams, estimate
from inkloom.models.ngram import NGram

ORDER = 3
"""Of the model: a thousand sentences have few longer n-grams twice."""


def fit_ngrams(sentences: Sequence[Sequence[int]], vocab_size: int, end_id: int, order: int = ORDER) -> NGram:
    """The Kneser-Ney model of these sentences, each of which begins behind an end token."""
    ids = _stream(sentences, end_id)
    return estimate(list(itertools.islice(count_ngrams(ids, vocab_size, end_id), order)), vocab_size)


def nats_per_token(model: NGram, sentences: Sequence[Sequence[int]], end_id: int) -> float:
    """Mean cost of a token of the sentences, the end of each included; nan where there is none."""
    if not sentences:
        return float("nan")
    ids = torch.from_numpy(_stream(sentences, end_id).astype(np.int64))
    return -float(model.token_log_probs(ids).double().mean())


def _stream(sentences: Sequence[Sequence[int]], end_id: int) -> NDArray[np.uint32]:
    """The end token, then every sentence with its own."""
    parts = [[end_id], *([*sentence, end_id] for sentence in sentences)]
    return np.fromiter(itertools.chain.from_iterable(parts), np.uint32)
