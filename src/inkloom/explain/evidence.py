"""Why an n-gram model gives a token its probability: what each length of context has seen, and how it backs off.

The probability is made from the shortest n-grams up. With p_0 = 1/V, each length l = 1, 2, … adds a share of its own
to a part of what the shorter ones gave:

    p_l = share_l + b_l p_(l-1),    share_l = (count - discount) / count of the context

(`inkloom.models.kneser_ney`). A length whose context has never been seen changes nothing. So the model's probability
is a sum of parts: each length's share, times the back-off weights of all longer ones.

Shapes: T tokens of the text, L lengths of n-grams (the model's order), K continuations, V vocabulary.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from inkloom.explain.tokens import Bools, Floats, Ints, Text, Tokens, label, tokens_of
from inkloom.models.ngram import Evidence, NGram
from inkloom.tokenizers.base import Tokenizer


@dataclass(frozen=True)
class Continuation:
    """A token that could have come, at one place of a text."""

    id: int
    text: str
    prob: float
    """The model's."""

    counts: tuple[int, ...]
    """How often it followed the context of each length that has been seen, from the shortest on."""


@dataclass(frozen=True)
class NGramEvidence:
    """What the tables of an n-gram model say at every token. Entries for contexts never seen are nan, counts 0."""

    tokens: Tokens
    probs_TL: Floats
    """p_l of the token that came; the last that is no nan is the model's probability."""

    backoffs_TL: Floats
    """b_l, the share that is left to shorter n-grams."""

    known_TL: Bools
    """Whether the tables hold the n-gram of that length, so that nothing shorter is asked."""

    counts_TL: Ints
    """How often the token followed the context of l - 1 tokens, as Kneser-Ney counts; zeros where the tables come from
    an ARPA file."""

    context_counts_TL: Ints
    """How often that context was followed by anything, counted alike."""

    parts_TL: Floats
    """What each length adds to the model's probability, (T, 1 + L): the first is that of the uniform distribution."""

    continuations: tuple[tuple[Continuation, ...], ...]
    """The likeliest continuations at each place."""

    @property
    def nats_T(self) -> Floats:
        """-ln p of the token that came."""
        nats_T: Floats = -np.log(self.parts_TL.sum(axis=1))
        return nats_T

    @property
    def context_lengths_T(self) -> Ints:
        """How many tokens of context have been seen before, followed by anything."""
        lengths_T: Ints = (~np.isnan(self.probs_TL)).sum(axis=1) - 1
        return lengths_T

    @property
    def lengths_T(self) -> Ints:
        """The length of the longest n-gram in the tables that ends with the token that came."""
        lengths_T: Ints = self.known_TL.shape[1] - self.known_TL[:, ::-1].argmax(axis=1)
        return lengths_T

    def as_json(self) -> dict[str, Any]:
        """For each token what each length knows, from 1 on, as far as anything is known."""
        seen_T = self.context_lengths_T + 1
        return {
            "tokens": list(self.tokens.texts),
            "ids": self.tokens.ids.tolist(),
            "nats": self.nats_T.tolist(),
            "ngram_lengths": self.lengths_T.tolist(),
            "context_lengths": self.context_lengths_T.tolist(),
            "uniform": self.parts_TL[:, 0].tolist(),
            "lengths": [
                [
                    {"prob": prob, "backoff": backoff, "count": count, "context_count": context_count, "part": part}
                    for prob, backoff, count, context_count, part in zip(
                        self.probs_TL[place, :seen].tolist(),
                        self.backoffs_TL[place, :seen].tolist(),
                        self.counts_TL[place, :seen].tolist(),
                        self.context_counts_TL[place, :seen].tolist(),
                        self.parts_TL[place, 1 : 1 + seen].tolist(),
                        strict=True,
                    )
                ]
                for place, seen in enumerate(seen_T.tolist())
            ],
            "continuations": [
                [{"id": one.id, "text": one.text, "prob": one.prob, "counts": list(one.counts)} for one in row]
                for row in self.continuations
            ],
        }


def evidence(model: NGram, tokenizer: Tokenizer, text: Text, top: int = 5) -> NGramEvidence:
    """What an n-gram model's tables say at every token of a text, with the `top` likeliest continuations.

    Raises InputError for a text that is empty or that the tokenizer does not know.
    """
    tokens = tokens_of(tokenizer, text)
    T, L = len(tokens), model.order
    probs_TL, backoffs_TL = np.full((2, T, L), np.nan, np.float32)
    known_TL = np.zeros((T, L), np.bool_)
    counts_TL, context_counts_TL = np.zeros((2, T, L), np.int64)
    parts_TL = np.zeros((T, 1 + L), np.float32)
    continuations = []
    read = [tokenizer.end_id, *tokens.ids.tolist()]
    texts: dict[int, str] = {}
    for place, token in enumerate(tokens.ids.tolist()):
        context = read[max(0, place - L + 2) : place + 1]  # the L - 1 tokens before
        found = model.evidence(context)
        for row, of_length in enumerate(found):
            probs_TL[place, row] = of_length.probs_V[token]
            backoffs_TL[place, row] = of_length.backoff
            known_TL[place, row] = of_length.known_V[token]
            counts_TL[place, row] = of_length.counts_V[token]
            context_counts_TL[place, row] = of_length.counts_V.sum()
        seen = slice(0, len(found))
        parts_TL[place, : 1 + len(found)] = _parts(
            probs_TL[place, seen], backoffs_TL[place, seen], known_TL[place, seen], model.vocab_size
        )
        continuations.append(_continuations(found, tokenizer, texts, top))
    return NGramEvidence(
        tokens, probs_TL, backoffs_TL, known_TL, counts_TL, context_counts_TL, parts_TL, tuple(continuations)
    )


def _parts(probs_L: Floats, backoffs_L: Floats, known_L: Bools, vocab_size: int) -> Floats:
    """What the uniform distribution and each length that has been seen add to the probability, in turn."""
    uniform = np.array([1 / vocab_size])
    below_L = np.concatenate([uniform, probs_L[:-1]])
    shares_L = np.where(known_L, probs_L - backoffs_L * below_L, 0.0)
    left = np.concatenate([np.cumprod(backoffs_L[::-1])[::-1], [1.0]])  # by all lengths above
    return np.asarray(np.concatenate([uniform, shares_L]) * left, np.float32)


def _continuations(
    found: list[Evidence], tokenizer: Tokenizer, texts: dict[int, str], top: int
) -> tuple[Continuation, ...]:
    probs = found[-1].probs_V.topk(min(top, len(found[-1].probs_V)))
    return tuple(
        Continuation(
            id=token,
            text=texts.setdefault(token, label(tokenizer, token)),
            prob=prob,
            counts=tuple(int(of_length.counts_V[token]) for of_length in found),
        )
        for token, prob in zip(probs.indices.tolist(), probs.values.tolist(), strict=True)
    )
