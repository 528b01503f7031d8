"""BLEU of one text against several references: how much of its wording others have.

Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation", section 2: the geometric mean of
the clipped precisions of 1- to 4-grams, times a penalty for brevity against the reference that is nearest in length,
the shorter of two equally near ones. Two things are undefined there for a single text. An order of which it has no
n-gram is left out of the mean; and the k-th order without a match counts 1 / 2^k of one match (Chen & Cherry 2014, "A
Systematic Comparison of Smoothing Techniques for Sentence-Level BLEU", technique 3, that of NIST's mteval-v13a). A text
without a single word in common has 0. So the figures are those of sacrebleu's `sentence_bleu` for texts that are cut
into words already, divided by 100.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeAlias

from inkloom.evaluation.words import ngrams

LONGEST = 4
"""Words of the longest n-grams, where nothing else is asked for."""

Counts: TypeAlias = Counter[tuple[Hashable, ...]]
"""How often each n-gram of a text stands there, all orders together."""

Words: TypeAlias = Sequence[Hashable]
"""The words of a text, or their ids."""


def bleu(hypothesis: Words, references: Sequence[Words]) -> float:
    """BLEU of a list of words against one or more others, from 0 to 1."""
    return References(references).bleu(hypothesis)


class References:
    """What texts are measured against, its n-grams counted once."""

    def __init__(self, references: Sequence[Words], longest: int = LONGEST) -> None:
        self.longest = longest
        self._allowed: Counts = Counter()
        for reference in references:
            self._allowed |= _counts(reference, longest)
        self._lengths = sorted({len(reference) for reference in references})

    def bleu(self, hypothesis: Words) -> float:
        """BLEU of a text against all of them."""
        counts, length = _counts(hypothesis, self.longest), len(hypothesis)
        return _score(counts, self._allowed, length, _nearest(self._lengths, length), self.longest)


def leave_one_out_bleu(hypotheses: Sequence[Words], references: Sequence[Words], longest: int = LONGEST) -> list[float]:
    """BLEU of each hypothesis against all references but the one with its own number: as many of both, two or more.

    With the hypotheses themselves as references this is self-BLEU (Zhu et al. 2018, "Texygen: A Benchmarking Platform
    for Text Generation Models"). Equal to `bleu` once a hypothesis, in time that grows with the number of
    texts and not with its square.
    """
    counts = [_counts(reference, longest) for reference in references]
    most: Counts = Counter()  # the highest count of an n-gram in any reference
    second: Counts = Counter()  # the highest but one; the same where two references share the highest
    for count in counts:
        for ngram, times in count.items():
            if times > most[ngram]:
                second[ngram], most[ngram] = most[ngram], times
            elif times > second[ngram]:
                second[ngram] = times
    lengths = [len(reference) for reference in references]
    scores = []
    for number, (hypothesis, left_out) in enumerate(zip(hypotheses, counts, strict=True)):
        counted = _counts(hypothesis, longest)
        allowed = {ngram: second[ngram] if left_out[ngram] == most[ngram] else most[ngram] for ngram in counted}
        nearest = _nearest(lengths[:number] + lengths[number + 1 :], len(hypothesis))
        scores.append(_score(counted, allowed, len(hypothesis), nearest, longest))
    return scores


def _counts(words: Words, longest: int) -> Counts:
    return Counter(ngram for order in range(1, longest + 1) for ngram in ngrams(words, order))


def _nearest(lengths: Iterable[int], length: int) -> int:
    return min(lengths, key=lambda other: (abs(other - length), other))


def _score(
    counts: Counts, allowed: Mapping[tuple[Hashable, ...], int], length: int, reference_length: int, longest: int
) -> float:
    """BLEU from the n-grams of a text, how many of each the references allow, and both lengths in words."""
    matches = dict.fromkeys(range(1, longest + 1), 0)
    for ngram, times in counts.items():
        matches[len(ngram)] += min(times, allowed.get(ngram, 0))
    if not any(matches.values()):
        return 0.0
    log_precisions = []
    without_match = 0
    for order in range(1, min(length, longest) + 1):  # a text of two words has no 3-gram
        if matches[order] == 0:
            without_match += 1
        matched = matches[order] or 0.5**without_match
        log_precisions.append(math.log(matched / (length - order + 1)))
    brevity = min(0.0, 1 - reference_length / length)
    return math.exp(brevity + sum(log_precisions) / len(log_precisions))
