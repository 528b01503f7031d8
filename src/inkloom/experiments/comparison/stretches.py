"""What runs pay for the same text where their tokens differ: by stretches of the text, the charge included.

Shapes: T tokens, S stretches.
"""

import numpy as np
from numpy.typing import NDArray

from inkloom.corpus.base import Part
from inkloom.tokenizers import Lengths, Tokenizer

STRETCH_CHARS = 100
"""Short beside the blocks that the bootstrap draws, of 1,000 characters or more."""

CHARGED_CHARS = 1000
"""Of text whose charge is spread evenly."""

Floats = NDArray[np.float64]


def stretch_nats(tokenizer: Tokenizer, part: Part, nats_T: NDArray[np.floating], charge_nats: float) -> Floats:
    """What the stretches of a part cost, (S,): as many of about STRETCH_CHARS characters, for every tokenizer.

    A token's price is spread over its characters. nats_T: the price of each token; charge_nats: that of what they lose.
    """
    bounds_S = np.linspace(0, part.chars, max(1, part.chars // STRETCH_CHARS) + 1)
    charges, chars = _charges(tokenizer, part)
    if charges.any():
        charges *= charge_nats / charges.sum()
    return _spread(nats_T, _chars_of_tokens(tokenizer, part, len(nats_T)), bounds_S) + _spread(charges, chars, bounds_S)


def _spread(nats: NDArray[np.floating], chars: NDArray[np.number], bounds_S: Floats) -> Floats:
    """Prices of pieces of the text with so many characters each, by the stretches between bounds."""
    reached = np.concatenate([[0], np.cumsum(chars)])
    paid = np.concatenate([[0.0], np.cumsum(nats, dtype=np.float64)])
    paid_S = np.interp(bounds_S, reached, paid)
    paid_S[0], paid_S[-1] = 0.0, paid[-1]  # where pieces without characters leave it open
    return np.asarray(np.diff(paid_S))


def _chars_of_tokens(tokenizer: Tokenizer, part: Part, tokens: int) -> NDArray[np.number]:
    """(T,): what each stands for; all the same where the tokenizer cannot tell."""
    lengths: list[Lengths] = []
    for text in part.texts:
        of_text = tokenizer.lengths(text)
        if of_text is None:
            return np.full(tokens, part.chars / tokens)
        lengths += [of_text, np.array([part.end_chars])] if part.documents else [of_text]
    return np.concatenate(lengths)


def _charges(tokenizer: Tokenizer, part: Part) -> tuple[Floats, Lengths]:
    """The charges of pieces of the text, nearly, since some cut a word in two; and the characters of each."""
    charges, chars = [], []
    for text in part.texts:
        for start in range(0, len(text), CHARGED_CHARS):
            piece = text[start : start + CHARGED_CHARS]
            charges.append(tokenizer.encode(piece).charge_nats)
            chars.append(len(piece))
        charges.append(0.0)
        chars.append(part.end_chars)
    return np.array(charges), np.array(chars)
