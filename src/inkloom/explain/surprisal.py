"""How much each token of a text surprises a model: what it costs, given all that precedes, and what was expected
instead. C. E. Shannon, "Prediction and Entropy of Printed English", Bell System Technical Journal 30 (1951).

Shapes: T tokens of the text, K alternatives, V vocabulary.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from inkloom.explain.tokens import Floats, Ints, Text, Tokens, labels, logits_before, tokens_of
from inkloom.models.base import LanguageModel
from inkloom.tokenizers.base import Tokenizer


@dataclass(frozen=True)
class Surprisal:
    """What every token cost."""

    tokens: Tokens
    vocab_size: int
    nats_T: Floats
    """-ln p of the token that came."""

    ranks_T: Ints
    """1 where it was the likeliest."""

    entropies_T: Floats
    """Nats: what the model expected to pay before it saw the token."""

    top_ids_TK: Ints
    """The likeliest tokens, most likely first."""

    top_probs_TK: Floats
    top_texts: tuple[tuple[str, ...], ...]
    """What they read as, T times K."""

    @property
    def full_bits(self) -> int:
        """What counts as very surprising: an even guess among the vocabulary, rounded up to 4 bits, but at least 8."""
        return max(8, 4 * math.ceil(math.log2(self.vocab_size) / 4))

    @property
    def bits_T(self) -> Floats:
        """The same as `nats_T` in bits."""
        return self.nats_T / np.float32(math.log(2))

    def as_json(self) -> dict[str, Any]:
        """Columns of length T."""
        return {
            "tokens": list(self.tokens.texts),
            "ids": self.tokens.ids.tolist(),
            "nats": self.nats_T.tolist(),
            "bits": self.bits_T.tolist(),
            "ranks": self.ranks_T.tolist(),
            "entropies": self.entropies_T.tolist(),
            "alternatives": [
                [{"id": token, "text": text, "prob": prob} for token, text, prob in zip(*row, strict=True)]
                for row in zip(self.top_ids_TK.tolist(), self.top_texts, self.top_probs_TK.tolist(), strict=True)
            ],
        }


def surprisal(model: LanguageModel, tokenizer: Tokenizer, text: Text, top: int = 10) -> Surprisal:
    """The surprisal of every token of a text of any length, with its `top` likeliest alternatives.

    A Transformer reads past its window as it does when it generates. Raises InputError for a text that is empty or
    that the tokenizer does not know.
    """
    tokens = tokens_of(tokenizer, text)
    ids_T = torch.from_numpy(tokens.ids)
    pieces = []
    for places, logits_NV in logits_before(model, tokenizer.end_id, tokens.ids):
        log_probs_NV = logits_NV.log_softmax(dim=-1)
        log_probs_N1 = log_probs_NV.gather(1, ids_T[places, None])
        likeliest = log_probs_NV.topk(min(top, model.vocab_size), dim=-1)
        pieces.append(
            (
                -log_probs_N1[:, 0],
                1 + (log_probs_NV > log_probs_N1).sum(dim=-1),
                torch.special.entr(log_probs_NV.exp()).sum(dim=-1),
                likeliest.indices,
                likeliest.values.exp(),
            )
        )
    nats_T, ranks_T, entropies_T, top_ids_TK, top_probs_TK = (
        torch.cat(column).numpy() for column in zip(*pieces, strict=True)
    )
    top_texts = labels(tokenizer, top_ids_TK)
    return Surprisal(tokens, model.vocab_size, nats_T, ranks_T, entropies_T, top_ids_TK, top_probs_TK, top_texts)
