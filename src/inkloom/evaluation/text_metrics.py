"""Measures of generated text, with held-out text as the yardstick.

No figure here is good or bad by itself: what tells is how far it lies from that of real text. So the same figures are
measured on as many pieces of held-out text, each as long as its sample. Text that repeats itself more than they do is
dull; text with fewer known words invents them.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import numpy as np

from inkloom.corpus.base import Part
from inkloom.errors import InputError
from inkloom.evaluation.bleu import leave_one_out_bleu
from inkloom.evaluation.loops import loop_period
from inkloom.evaluation.words import ngrams, words, words_of_large_text

ORDERS = (1, 2, 3, 4)
MOST_EXAMPLES = 10

MOST_CHARS = 100_000_000
"""Of train that are counted, or indexed to look for copies: 100 MB take 15 s, and their index 1.5 GB of memory."""


@dataclass(frozen=True)
class TrainText:
    """What the measures need of the train split; made once, used for every model. Some 0.15 s for a million characters.

    Of more than MOST_CHARS characters, that many from the beginning count.

    words: every word, with case folded: one that starts a sentence is no invention in the middle of another.
    characters: how often each character stands there.
    """

    words: frozenset[str]
    characters: Mapping[str, int]

    @classmethod
    def of(cls, train: Part) -> "TrainText":
        known: set[str] = set()
        characters: Counter[str] = Counter()
        for text in train.head(MOST_CHARS).texts:
            characters.update(text)
            for found in words_of_large_text(text):
                known.update(map(str.casefold, set(found)))
        return cls(frozenset(known), characters)


@dataclass(frozen=True)
class TextMetrics:
    """Measures of a set of texts. Shares are from 0 to 1; None where the texts are too short to have a figure."""

    texts: int
    """How many were measured."""

    mean_chars: float
    """Characters in a text."""

    distinct: Mapping[int, float | None]
    """By n: different n-grams of words as a share of all, over the texts together (Li et al. 2016, "A
    Diversity-Promoting Objective Function for Neural Conversation Models"). It falls as texts grow in number or length:
    compare only equally many, equally long ones."""

    repetition: Mapping[int, float | None]
    """By n: the share of a text's n-grams of words that stand earlier in the same text; the mean over texts (seq-rep-n
    of Welleck et al. 2020, "Neural Text Generation with Unlikelihood Training")."""

    loop_rate: float
    """Share of texts that end in an endless loop, as `loops.loop_period` defines it."""

    self_bleu: float | None
    """BLEU of each text against all others, the mean over texts: how alike they are (see `bleu`)."""

    known_words: float | None
    """Share of the words that stand in the train text, whatever their case. The first and the last word of a text are
    left out, since either may be cut."""

    invented_words: tuple[str, ...]
    """Words that the train text lacks, the commonest first, ten at most."""

    mean_word_chars: float | None
    """Characters in a word."""

    mean_line_chars: float | None
    """Characters in a line that is not blank, without its end. The first and the last line of a text are left out,
    since either may be cut."""

    upper_case: float | None
    """Share of the letters with two cases that are capitals."""

    character_distance: float | None
    """Between the characters of the texts and those of train, as `character_distance` measures it."""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; n-gram orders are text."""
        by_order = {name: {str(n): share for n, share in getattr(self, name).items()} for name in _BY_ORDER}
        return {**asdict(self), **by_order, "invented_words": list(self.invented_words)}


_BY_ORDER = ("distinct", "repetition")


@dataclass(frozen=True)
class TextComparison:
    """Generated text and held-out text under the same measures."""

    samples: TextMetrics
    held_out: TextMetrics

    bleu: float | None
    """BLEU of each sample against the held-out pieces (all but the one with its number), the mean over samples. Its
    yardstick is `held_out.self_bleu`, which is that of held-out pieces against the same references."""

    def as_json(self) -> dict[str, Any]:
        """`samples` and `held_out` with the same keys, and `bleu`."""
        return {"samples": self.samples.as_json(), "held_out": self.held_out.as_json(), "bleu": self.bleu}


def text_metrics(samples: Sequence[str], held_out: Part, train: TrainText) -> TextComparison:
    """Measure samples, and as many pieces of held-out text of the same lengths.

    Where the held-out text is too short for so many pieces, the first samples alone are measured, as many as there are
    pieces; `texts` says how many. Raises InputError where there is no sample, or held-out text for not even one.
    """
    pieces = held_out_pieces(held_out, [len(sample) for sample in samples])
    samples = samples[: len(pieces)]
    bleu = _mean(leave_one_out_bleu(_words_of(samples), _words_of(pieces))) if len(pieces) > 1 else None
    return TextComparison(measure(samples, train), measure(pieces, train), bleu)


def measure(texts: Sequence[str], train: TrainText) -> TextMetrics:
    """The measures of some texts, at least one."""
    words_of_texts = _words_of(texts)
    all_words = [word for found in words_of_texts for word in found]
    whole_words = [word for found in words_of_texts for word in found[1:-1]]
    invented = Counter(word for word in whole_words if word.casefold() not in train.words)
    cased = [character for text in texts for character in text if character.isupper() or character.islower()]
    return TextMetrics(
        texts=len(texts),
        mean_chars=fmean(map(len, texts)),
        distinct={n: _distinct([ngram for found in words_of_texts for ngram in ngrams(found, n)]) for n in ORDERS},
        repetition={n: _mean([_repeated(ngrams(found, n)) for found in words_of_texts]) for n in ORDERS},
        loop_rate=fmean(loop_period(text) is not None for text in texts),
        self_bleu=_mean(leave_one_out_bleu(words_of_texts, words_of_texts)) if len(texts) > 1 else None,
        known_words=1 - invented.total() / len(whole_words) if whole_words else None,
        invented_words=tuple(word for word, _ in invented.most_common(MOST_EXAMPLES)),
        mean_word_chars=_mean([len(word) for word in all_words]),
        mean_line_chars=_mean([len(line) for text in texts for line in _whole_lines(text)]),
        upper_case=_mean([character.isupper() for character in cased]),
        character_distance=character_distance(Counter("".join(texts)), train.characters),
    )


def held_out_pieces(held_out: Part, lengths: Sequence[int]) -> list[str]:
    """Held-out text cut into pieces of the given lengths, in characters, that share no text.

    Of a running text they lie at equal distances. Of documents, each is another one, again at equal distances, cut
    where it is longer than the longest length: a document ends where it ends. There are fewer pieces where the text has
    no room for all.
    """
    if not lengths or not any(held_out.texts):
        raise InputError("Text metrics need at least one sample and some held-out text. Give both.")
    if held_out.documents:
        documents = [text for text in held_out.texts if text]
        count = min(len(lengths), len(documents))
        return [documents[number * len(documents) // count][: max(lengths)] for number in range(count)]
    text = "".join(held_out.texts)
    room = len(text) // max(1, *lengths)
    count = min(len(lengths), max(1, room))
    starts = (number * len(text) // count for number in range(count))
    return [text[start : start + length] for start, length in zip(starts, lengths, strict=False)]


def character_distance(left: Mapping[str, int], right: Mapping[str, int]) -> float | None:
    """The Jensen-Shannon distance of two counts of characters: 0 for the same shares, 1 for none in common.

    The square root of the divergence in bits, which is a metric (Endres & Schindelin 2003, "A New Metric for
    Probability Distributions"). None where a count is empty.
    """
    if not left or not right:
        return None
    characters = sorted(left.keys() | right.keys())
    counts = np.array([[count.get(character, 0) for character in characters] for count in (left, right)], dtype=float)
    shares = counts / counts.sum(axis=1, keepdims=True)
    mixed = shares.mean(axis=0)
    ratio = np.divide(shares, mixed, out=np.ones_like(shares), where=shares > 0)
    return math.sqrt(max(0.0, float((shares * np.log2(ratio)).sum()) / 2))


def _words_of(texts: Sequence[str]) -> list[list[str]]:
    return [words(text) for text in texts]


def _distinct(found: Sequence[tuple[str, ...]]) -> float | None:
    return len(set(found)) / len(found) if found else None


def _repeated(found: Sequence[tuple[str, ...]]) -> float | None:
    return 1 - len(set(found)) / len(found) if found else None


def _whole_lines(text: str) -> list[str]:
    return [line for line in text.split("\n")[1:-1] if line.strip()]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
