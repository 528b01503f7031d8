"""The speller: probabilities by their definition, and a sum of at most 1 over all strings."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkloom.tokenizers.spelling import DISCOUNT, LONGEST, NATS_PER_BYTE, Speller

WORDS = st.dictionaries(st.text("abc", max_size=5), st.integers(1, 3), max_size=6)


def all_strings(alphabet, longest):
    return ["".join(each) for length in range(longest + 1) for each in itertools.product(alphabet, repeat=length)]


class Reference:
    """Interpolated Kneser-Ney over tuples, by the formula; `^` stands before a word, `$` behind it."""

    def __init__(self, words):
        self.alphabet_size = len(set("".join(words))) + 2  # the end and the escape
        grams = [Counter() for _ in range(LONGEST + 1)]
        for word, times in words.items():
            text = f"^{word}$"
            for place, length in itertools.product(range(1, len(text)), range(LONGEST + 1)):
                if place >= length:
                    grams[length][text[place - length : place], text[place]] += times
        self.counts = [grams[LONGEST]]
        for length in range(LONGEST - 1, -1, -1):
            before = Counter((context[1:], follower) for context, follower in grams[length + 1])
            self.counts.insert(0, {gram: before.get(gram, grams[length][gram]) for gram in grams[length]})

    def prob(self, context, follower):
        known = [
            (length, {seen: count for (own, seen), count in counts.items() if own == context[len(context) - length :]})
            for length, counts in enumerate(self.counts)
            if length <= len(context)
        ]
        prob = 1 / self.alphabet_size
        for length, followers in itertools.takewhile(lambda each: each[1], known):
            values = list(self.counts[length].values())
            once, twice = values.count(1), values.count(2)
            discount = once / (once + 2 * twice) if once and twice else DISCOUNT
            kept = max(followers.get(follower, 0) - discount, 0)
            prob = (kept + discount * len(followers) * prob) / sum(followers.values())
        return prob

    def nats(self, word):
        text = f"^{word}$"
        return -sum(math.log(self.prob(text[:place], text[place])) for place in range(1, len(text)))


@settings(max_examples=30, deadline=None)
@given(WORDS)
def test_a_word_costs_what_the_formula_says(words):
    letters = sorted(set("".join(words)))
    asked = all_strings(letters[:2], 3) + list(words)
    reference = Reference(words)
    assert Speller(words).nats(asked) == pytest.approx([reference.nats(word) for word in asked])


@settings(max_examples=30, deadline=None)
@given(WORDS)
def test_all_strings_together_have_a_probability_of_at_most_one(words):
    strings = all_strings("abcd", 5)  # "d" is never seen
    spelt = Speller(words)
    assert 0 < math.fsum(np.exp(-spelt.nats(strings))) <= 1 + 1e-9
    without = Speller(words, never=list(words))
    others = [string for string in strings if string not in words]
    assert math.fsum(np.exp(-without.nats(others))) <= 1 + 1e-9


def test_nearly_all_of_the_probability_is_given_to_strings_of_the_alphabet():
    spelt = Speller({"ab": 5, "ba": 4, "b": 3, "bab": 1, "a": 1})
    assert math.fsum(np.exp(-spelt.nats(all_strings("ab", 12)))) > 0.9


def test_what_is_never_asked_for_gives_its_probability_to_the_others():
    words = {"the": 9, "then": 2}
    rest = 1 - math.fsum(np.exp(-Speller(words).nats(["the", "then"])))
    assert Speller(words, never=["the", "then"]).nats(["thing"]) == pytest.approx(
        Speller(words).nats(["thing"]) + math.log(rest)
    )


@pytest.mark.parametrize(("character", "length"), [("z", 1), ("é", 2), ("語", 3), ("\ud800", 3), ("🦜", 4)])
def test_a_foreign_character_costs_an_escape_and_eight_bits_a_byte(character, length):
    # Without words each place is one of two: the end, or a character that escapes.
    assert Speller({}).nats([character]) == pytest.approx([2 * math.log(2) + length * NATS_PER_BYTE])


def test_words_like_those_of_train_are_cheaper_than_others():
    spelt = Speller(dict.fromkeys(["walking", "talking", "singing", "king", "walked", "talked"], 1))
    balking, ktnw = spelt.nats(["balking", "gnklaib"])
    assert balking < ktnw
    assert len(spelt.nats([])) == 0
