"""How different the sentences of a set are from each other, by their own n-grams."""

from collections.abc import Sequence
from statistics import fmean

from inkloom.evaluation.bleu import leave_one_out_bleu
from inkloom.evaluation.words import ngrams


def distinct(sentences: Sequence[Sequence[int]], order: int) -> float:
    """Different n-grams as a share of all, over the sentences together (Li et al. 2016); nan where there is none.

    It falls as the sentences grow in number: compare equally many only.
    """
    found = [ngram for sentence in sentences for ngram in ngrams(sentence, order)]
    return len(set(found)) / len(found) if found else float("nan")


def self_bleu(sentences: Sequence[Sequence[int]], longest: int) -> float:
    """Mean BLEU of each sentence against all others, itself left out (Zhu et al. 2018): 1 where all are the same.

    nan where there are fewer than two.
    """
    return fmean(leave_one_out_bleu(sentences, sentences, longest)) if len(sentences) > 1 else float("nan")
