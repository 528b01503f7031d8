"""Which part of a mixture knew a token: what each gives it, how much each counts, and who deserves the credit.

Shapes: T tokens of the text, K parts.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from inkloom.explain.tokens import Floats, Text, Tokens, logits_before, tokens_of
from inkloom.models.mixture import Mixture
from inkloom.tokenizers.base import Tokenizer


@dataclass(frozen=True)
class MixtureWeights:
    """What every part of a mixture gives each token."""

    tokens: Tokens
    parts: tuple[str, ...]
    """K names; of several of one family, each with its number."""

    nats_TK: Floats
    """-ln p of the token that came: what it would have cost each part alone."""

    log_weights_TK: Floats
    """ln of how much each part counts there; the weights of a row sum to 1."""

    @property
    def weights_TK(self) -> Floats:
        """How much each part counts, before the token is seen."""
        return np.exp(self.log_weights_TK)

    @property
    def nats_T(self) -> Floats:
        """What the token costs the mixture, whose probability is the weighted mean of the parts'."""
        nats_T: Floats = -np.logaddexp.reduce(self.log_weights_TK - self.nats_TK, axis=1)
        return nats_T

    @property
    def responsibilities_TK(self) -> Floats:
        """The share of the mixture's probability that each part brought: Bayes' rule, after the token is seen."""
        shares_TK: Floats = np.exp(self.log_weights_TK - self.nats_TK + self.nats_T[:, None])
        return shares_TK

    def as_json(self) -> dict[str, Any]:
        """Columns of length T, for each part too."""
        return {
            "tokens": list(self.tokens.texts),
            "ids": self.tokens.ids.tolist(),
            "nats": self.nats_T.tolist(),
            "parts": [
                {"name": name, "nats": nats, "weights": weights, "responsibilities": responsibilities}
                for name, nats, weights, responsibilities in zip(
                    self.parts,
                    self.nats_TK.T.tolist(),
                    self.weights_TK.T.tolist(),
                    self.responsibilities_TK.T.tolist(),
                    strict=True,
                )
            ],
        }


def mixture_weights(model: Mixture, tokenizer: Tokenizer, text: Text) -> MixtureWeights:
    """What each part of a mixture gives every token of a text.

    Raises InputError for a text that is empty or that the tokenizer does not know.
    """
    tokens = tokens_of(tokenizer, text)
    ids_T = torch.from_numpy(tokens.ids)
    nats_KT = []
    for part in model.models:
        pieces = [
            functional.cross_entropy(logits_NV, ids_T[places], reduction="none")
            for places, logits_NV in logits_before(part, tokenizer.end_id, tokens.ids)
        ]
        nats_KT.append(torch.cat(pieces).numpy())
    before_T = torch.from_numpy(np.concatenate([[tokenizer.end_id], tokens.ids[:-1]])).to(model.device)
    return MixtureWeights(
        tokens=tokens,
        parts=_names([str(part["name"]) for part in model.config.parts]),
        nats_TK=np.stack(nats_KT, axis=1),
        log_weights_TK=model.log_weights(before_T).cpu().numpy(),
    )


def _names(families: list[str]) -> tuple[str, ...]:
    """The families; where one is there several times, each with its number."""
    often, seen = Counter(families), Counter[str]()
    names = []
    for family in families:
        seen[family] += 1
        names.append(f"{family} {seen[family]}" if often[family] > 1 else family)
    return tuple(names)
