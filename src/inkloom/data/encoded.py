"""One split as ids, with all that turns its nats into scores per character and per byte."""

from dataclasses import dataclass

import numpy as np

from inkloom.corpus.base import Part
from inkloom.tokenizers import Ids, Tokenizer


@dataclass(frozen=True)
class EncodedPart:
    """A split as one stream of ids.

    ids: (1 + tokens,): the end token, on which the first token is conditioned, then every token of the split;
    documents are closed by an end token each, which is a token to predict like any other.
    """

    name: str
    ids: Ids
    chars: int
    bytes: int
    unknown_tokens: int
    charge_nats: float

    @property
    def tokens(self) -> int:
        """How many tokens there are to predict."""
        return len(self.ids) - 1


def encode_part(tokenizer: Tokenizer, part: Part) -> EncodedPart:
    """The split as ids; text that the vocabulary lacks is counted and charged for."""
    end = np.array([tokenizer.end_id], dtype=tokenizer.dtype)
    pieces = [end]
    unknown_tokens, charge_nats = 0, 0.0
    for text in part.texts:
        encoding = tokenizer.encode(text)
        pieces.append(encoding.ids.astype(tokenizer.dtype, copy=False))
        if part.documents:
            pieces.append(end)
        unknown_tokens += encoding.unknown_tokens
        charge_nats += encoding.charge_nats
    return EncodedPart(
        name=part.name,
        ids=np.concatenate(pieces),
        chars=part.chars,
        bytes=part.bytes,
        unknown_tokens=unknown_tokens,
        charge_nats=charge_nats,
    )
