"""What it costs to spell a word: a character n-gram model of the words of train.

Interpolated Kneser-Ney smoothing (Chen & Goodman 1998) over contexts of up to LONGEST characters of the same word:

    p(c | context) = (max(count - D, 0) + D * followers * p(c | context without its first character)) / total

The counts of the longest contexts, and of those that begin with the word, are occurrences; of the others, how many
different characters stand before. D is n1 / (n1 + 2 n2) of each length. The shortest context gives way to the uniform
distribution over the characters of train, the end of the word, and an escape: a character that train lacks costs the
escape and 8 bits for each of its UTF-8 bytes. So the probabilities of all strings sum to at most 1: the price is that
of a code which could be decoded.

The words of wikitext2-small's test part that its train part lacks cost 24.7 bits each with contexts of 5 characters,
25.0 with 4 and 26.1 with 3; with Witten-Bell smoothing 26.3 at best. Fitted on the words that occur once, which are
what unknown words look like, it is 26.5: to see more words is worth more than to see likelier ones.

Shapes: N characters of all words together, ends included; L lengths of contexts, 0 to LONGEST.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LONGEST = 5
NATS_PER_BYTE = 8 * math.log(2)

END, ESCAPE, FIRST = 0, 1, 2
"""Codes: a word's end, which also stands before its beginning; what train lacks; the first of all other characters."""

NONE = -1
"""Instead of a context: one that reaches over the beginning of the word, or that train lacks."""

DISCOUNT = 0.5
"""Where the counts of a length are too few to tell."""

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]


class _Level(NamedTuple):
    """What is known of contexts of one length. The number of a context is its place in `contexts`."""

    contexts: Codes
    """Sorted keys: the number of the context without its first character, and that character."""

    grams: Codes
    """Sorted keys: the number of a context, and a character that follows it."""

    discounted: Floats
    """max(count - D, 0) of each gram."""

    totals: Floats
    """The counts of each context's grams."""

    shares: Floats
    """D * followers of each context."""


class Speller:
    """The probability of a word as a string of characters. The same words make the same model."""

    def __init__(self, words: Mapping[str, int], never: Sequence[str] = ()) -> None:
        """words: what it is fitted on, and how often each counts. never: distinct words that nobody will ask for, so
        that their probability goes to the others."""
        characters = sorted(set().union(*words))
        self._code = {character: code for code, character in enumerate(characters, start=FIRST)}
        self._size = FIRST + len(characters)
        self._levels = self._fit(words) if words else []
        self._log_others = 0.0
        self._log_others = math.log1p(-math.fsum(np.exp(-self.nats(never))))

    def nats(self, words: Sequence[str]) -> Floats:
        """What each word costs, (words,)."""
        codes_N, word_N = self._coded(words)
        contexts_N = np.zeros(len(codes_N), np.int64)
        probs_N = np.full(len(codes_N), 1 / self._size)
        for length, level in enumerate(self._levels):
            if length:
                before_N = _characters_before(codes_N, word_N, length)
                contexts_N = _find(level.contexts, self._keys(contexts_N, before_N))
            known_N = contexts_N != NONE
            contexts = contexts_N[known_N]
            grams = _find(level.grams, self._keys(contexts, codes_N[known_N]))
            discounted = np.where(grams == NONE, 0.0, level.discounted[grams])
            probs_N[known_N] = (discounted + level.shares[contexts] * probs_N[known_N]) / level.totals[contexts]
        escaped_bytes = [sum(map(self._escaped_bytes, word)) for word in words]
        spelt = np.bincount(word_N, -np.log(probs_N), len(words)) + NATS_PER_BYTE * np.array(escaped_bytes)
        return np.asarray(spelt + self._log_others)

    def _fit(self, words: Mapping[str, int]) -> list[_Level]:
        codes_N, word_N = self._coded(list(words))
        times_N = np.fromiter(words.values(), np.float64, len(words))[word_N]
        contexts, contexts_N = np.zeros(1, np.int64), np.zeros(len(codes_N), np.int64)
        numbered = [(contexts, contexts_N)]
        for length in range(1, LONGEST + 1):
            keys_N = self._keys(contexts_N, _characters_before(codes_N, word_N, length))
            contexts = np.unique(keys_N[keys_N != NONE])
            contexts_N = _find(contexts, keys_N)
            numbered.append((contexts, contexts_N))
        levels: list[_Level] = []
        for contexts, contexts_N in reversed(numbered):
            keys_N = self._keys(contexts_N, codes_N)
            grams, gram_N = np.unique(keys_N[keys_N != NONE], return_inverse=True)
            counts: Floats = np.bincount(gram_N, times_N[keys_N != NONE], len(grams)).astype(np.float64)
            if levels:
                counts = self._continuations(grams, counts, levels[-1])
            levels.append(self._level(contexts, grams, counts))
        return levels[::-1]

    def _continuations(self, grams: Codes, counts: Floats, longer: _Level) -> Floats:
        """How many different characters stand before each gram; its count where none does, where words begin."""
        context, character = np.divmod(longer.grams, self._size)
        places = _find(grams, self._keys(longer.contexts[context] // self._size, character))
        different = np.bincount(places, minlength=len(grams))
        return np.where(different > 0, different.astype(np.float64), counts)

    def _level(self, contexts: Codes, grams: Codes, counts: Floats) -> _Level:
        once, twice = np.count_nonzero(counts == 1), np.count_nonzero(counts == 2)
        discount = once / (once + 2 * twice) if once and twice else DISCOUNT
        context = grams // self._size
        totals = np.bincount(context, counts, len(contexts)).astype(np.float64)
        shares = discount * np.bincount(context, minlength=len(contexts)).astype(np.float64)
        return _Level(contexts, grams, np.maximum(counts - discount, 0.0), totals, shares)

    def _coded(self, words: Sequence[str]) -> tuple[Codes, Codes]:
        """(codes_N, word_N): every character and end as its code, and the number of its word."""
        codes = [code for word in words for code in (*(self._code.get(each, ESCAPE) for each in word), END)]
        return np.array(codes, np.int64), np.repeat(np.arange(len(words)), [len(word) + 1 for word in words])

    def _keys(self, contexts: Codes, codes: Codes) -> Codes:
        """Pairs as one number each; NONE where the context or the character is."""
        return np.where((contexts == NONE) | (codes == NONE), NONE, contexts * self._size + codes)

    def _escaped_bytes(self, character: str) -> int:
        return 0 if character in self._code else len(character.encode("utf-8", "surrogatepass"))


def _characters_before(codes_N: Codes, word_N: Codes, distance: int) -> Codes:
    """The character at a distance before each: END at the place before the word, NONE further on."""
    starts = np.searchsorted(word_N, word_N)
    places = np.arange(len(codes_N)) - distance
    return np.where(places >= starts, codes_N[np.maximum(places, 0)], np.where(places == starts - 1, END, NONE))


def _find(sorted_keys: Codes, keys: Codes) -> Codes:
    """The place of each key, NONE where it is not there."""
    if not len(sorted_keys):
        return np.full(len(keys), NONE)
    places = np.searchsorted(sorted_keys, keys)
    return np.where(sorted_keys.take(places, mode="clip") == keys, places, NONE)
