"""What can be said of a place in a text without a model: what units may have learned to track.

A. Karpathy, J. Johnson and L. Fei-Fei, "Visualizing and Understanding Recurrent Networks" (2015, arXiv:1506.02078)
found cells for the position in the line, for quotes, for brackets and for indentation.

Shapes: C characters, T tokens, F features.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from inkloom.explain.tokens import END, UNKNOWN, Floats

QUOTES = {'"': None, "“": 1.0, "”": 0.0}
"""What each leaves behind: inside, outside, or the other of the two."""

OPENING, CLOSING = "([{", ")]}"


class Feature(NamedTuple):
    """One property of every place."""

    name: str
    """As it stands in "follows …"."""

    of_chars: Callable[[str], Iterable[float]]
    """Its value after each character."""

    lasts: bool
    """Whether it goes on from character to character, so that a token has what its last character leaves; else a token
    has what any of its characters has."""


def _counted_since(breaks: Callable[[str], bool]) -> Callable[[str], Iterable[float]]:
    """How many characters ago the last one was that `breaks`."""
    return lambda text: list(accumulate(text, lambda so_far, char: 0.0 if breaks(char) else so_far + 1, initial=0.0))[
        1:
    ]


def _is(kind: Callable[[str], bool]) -> Callable[[str], Iterable[float]]:
    return lambda text: [float(kind(char)) for char in text]


def _in_quotes(text: str) -> Iterable[float]:
    inside = 0.0
    for char in text:
        if char in QUOTES:
            left_behind = QUOTES[char]
            inside = 1 - inside if left_behind is None else left_behind
        yield inside


def _in_brackets(text: str) -> Iterable[float]:
    depth = 0
    for char in text:
        depth = max(0, depth + (char in OPENING) - (char in CLOSING))
        yield float(depth > 0)


FEATURES = (
    Feature("the position in the line", _counted_since(lambda char: char == "\n"), lasts=True),
    Feature("the position in the word", _counted_since(lambda char: not char.isalnum()), lasts=True),
    Feature("quotation marks", _in_quotes, lasts=True),
    Feature("brackets", _in_brackets, lasts=True),
    Feature("capital letters", _is(str.isupper), lasts=False),
    Feature("spaces and line ends", _is(str.isspace), lasts=False),
    Feature("punctuation", _is(lambda char: not (char.isalnum() or char.isspace())), lasts=False),
    Feature("digits", _is(str.isdigit), lasts=False),
    Feature("vowels", _is(lambda char: char.lower() in "aeiou"), lasts=False),
)


def features_of(texts: Sequence[str]) -> Floats:
    """Every feature at every token, (F, T). A token without a text of its own has what the one before it has."""
    texts = [piece.replace(END, "").replace(UNKNOWN, "") for piece in texts]
    text = "".join(texts)
    ends_T = np.cumsum([len(piece) for piece in texts])
    rows = []
    for feature in FEATURES:
        of_chars = np.fromiter(feature.of_chars(text), np.float32, len(text))
        rows.append(
            [_of_token(of_chars, end - len(piece), end, feature) for piece, end in zip(texts, ends_T, strict=True)]
        )
    return np.array(rows, np.float32).reshape(len(FEATURES), len(texts))


def _of_token(of_chars: Floats, start: int, end: int, feature: Feature) -> float:
    own = of_chars[start:end] if end > start else of_chars[max(0, end - 1) : end]
    if len(own) == 0:  # nothing has been written yet
        return 0.0
    return float(own[-1] if feature.lasts else own.max())
