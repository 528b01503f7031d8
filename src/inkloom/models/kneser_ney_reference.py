"""The slow reference of `kneser_ney`: dictionaries, and one probability at a time, straight from its equations."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

Gram: TypeAlias = tuple[int, ...]


class ReferenceKneserNey:
    """Interpolated modified Kneser-Ney of one order over a text of ids, which begins with an end token."""

    def __init__(self, ids: Sequence[int], order: int, vocab_size: int, end_id: int) -> None:
        self.order = order
        self.vocab_size = vocab_size
        stands = {n: _how_often_each_stands(_texts(ids, end_id), n) for n in range(1, order + 1)}
        self.counts: dict[int, dict[Gram, int]] = {order: stands[order]}
        for n in range(1, order):
            before = Counter(gram[1:] for gram in stands[n + 1])
            begins = {gram: count for gram, count in stands[n].items() if n > 1 and gram[0] == end_id}
            self.counts[n] = {**before, **begins}
        self.discounts = {n: _discounts(list(counts.values())) for n, counts in self.counts.items()}

    def prob(self, token: int, context: Sequence[int]) -> float:
        """p(token | context); of a context that is too long, the last order - 1 tokens count."""
        context = tuple(context)[max(0, len(context) - self.order + 1) :]
        n = len(context) + 1
        shorter = self.prob(token, context[1:]) if context else 1 / self.vocab_size
        counts = [self.counts[n].get((*context, follower), 0) for follower in range(self.vocab_size)]
        if not sum(counts):
            return shorter
        taken = [self.discounts[n][min(count, 3)] for count in counts]
        return (counts[token] - taken[token]) / sum(counts) + sum(taken) / sum(counts) * shorter


def _texts(ids: Sequence[int], end_id: int) -> list[list[int]]:
    """Every text with the end token before it and, but for the last, the one that closes it."""
    ends = [place for place, token in enumerate(ids) if token == end_id]
    return [list(ids[start : stop + 1]) for start, stop in zip(ends, [*ends[1:], len(ids)], strict=True)]


def _how_often_each_stands(texts: Sequence[Sequence[int]], n: int) -> dict[Gram, int]:
    first = 1 if n == 1 else 0  # the end token before a text is context alone
    return Counter(tuple(text[i : i + n]) for text in texts for i in range(first, len(text) - n + 1))


def _discounts(counts: Sequence[int]) -> tuple[float, float, float, float]:
    """What counts of 0, 1, 2 and 3 or more lose."""
    t = Counter(counts)
    if t[1] and t[2] and t[3]:
        y = t[1] / (t[1] + 2 * t[2])
        one, two, three = (k - (k + 1) * y * t[k + 1] / t[k] for k in (1, 2, 3))
        if 0 < one <= 1 and 0 < two <= 2 and 0 < three <= 3:
            return 0.0, one, two, three
    return 0.0, 0.5, 1.0, 1.5
