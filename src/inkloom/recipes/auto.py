"""`--recipe auto`, the default of `train`: what to train on so much text in so much time, on this machine.

Its rules are read off the tables of docs/decisions/0007. They know three figures: the characters of train, the tokens
that the default LSTM would read in the time, and how often it would read the text, `passes`.

n-grams cost about a second and always improve an LSTM, so a mixture of both is trained. What is to be chosen is the
LSTM's size, by what it can read, and its dropout, by how often it reads the same.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from inkloom.recipes import Recipe

log = logging.getLogger("inkloom")

RECIPE: Recipe = {"model": {"name": "lstm"}}
"""What stands until text, time and machine are known; `choose` replaces it."""

SHORT, LONG = 80.0, 300.0
"""Seconds of training where no length is given: for texts up to LARGE characters, and for larger ones."""

LARGE = 5_000_000

FEWEST_TOKENS = 200_000
"""What an LSTM must read to be worth a part of the mixture."""

SECONDS_TO_COUNT = 5e-7
"""For each character, n-grams of order 7 on the machine of benchmarks/RESULTS.md: 51 s for 100 million."""

LARGEST_COUNT = 0.25
"""Share of the time that counting n-grams may take."""


@dataclass(frozen=True)
class Choice:
    """A recipe, and in a line what it is and why."""

    recipe: Recipe
    said: str


@dataclass(frozen=True)
class Length:
    """How long a user wants to train: at most one of the three."""

    budget: float | None = None
    steps: int | None = None
    epochs: float | None = None


def size_for(tokens: float, chars: float) -> int:
    """Units of an LSTM that is to read so many tokens of a text of so many characters."""
    if chars < TINY:
        return SIZES[0][0]
    return next(units for units, most in SIZES if tokens < most)


def dropout_for(passes: float) -> float:
    """Dropout of an LSTM that is to read a text so often."""
    return next(share for share, most in DROPOUTS if passes < most)


SIZES = ((256, 600_000), (512, 20_000_000), (1024, float("inf")))
"""Units of the LSTM, and the tokens that one of 512 units would read below which they are best."""

TINY = 100_000
"""Characters below which the smallest LSTM is best however often it reads them: 1.709 nats per character after 20 s of
20 kB with 256 units, 1.750 with 512."""

DROPOUTS = ((0.0, 2), (0.1, 10), (0.3, 40), (0.5, float("inf")))
"""Dropout, and the passes over the text below which it is best."""

LEARNING_RATES = {256: 6e-3, 512: 4e-3, 1024: 2e-3}
"""Wider layers want smaller steps."""


def choose(chars: int, length: Length, rate: Callable[[], float]) -> Choice:
    """What to train on `chars` characters. rate: measures the default LSTM's tokens a second; asked where it counts."""
    if length.steps is not None or length.epochs is not None:
        return _for_counted_length(chars, length)
    budget = length.budget or (LONG if chars > LARGE else SHORT)
    began = time.perf_counter()
    per_second = rate()
    left = max(budget - (time.perf_counter() - began), 1.0)
    tokens = per_second * left
    training: dict[str, Any] = {"budget": left}
    here = f"{budget:g} s are {_amount(tokens)} here ({per_second:,.0f} a second, measured)"
    if tokens < FEWEST_TOKENS:
        said = f"n-grams alone: {here}, too few for a network"
        return Choice({"model": {"name": "ngram"}, "training": training}, said)
    network, described = _network(tokens, tokens / chars)
    if chars * SECONDS_TO_COUNT > LARGEST_COUNT * left:
        said = f"{described} alone: to count n-grams of {chars / 1e6:,.0f} million characters takes too long; {here}"
        return Choice({"model": without(network, "training"), "training": {**network["training"], **training}}, said)
    said = f"n-grams mixed with {described}: {here}, {_times(tokens / chars)} the text"
    return Choice({"model": {"name": "mixture", "parts": (network, {"name": "ngram"})}, "training": training}, said)


def _for_counted_length(chars: int, length: Length) -> Choice:
    """Steps and epochs are a network's."""
    tokens = length.steps * TOKENS_OF_A_STEP if length.steps is not None else (length.epochs or 0) * chars
    network, described = _network(tokens, tokens / chars)
    said = f"{described}: it reads {_amount(tokens)}, {_times(tokens / chars)} the text"
    return Choice({"model": without(network, "training"), "training": network["training"]}, said)


TOKENS_OF_A_STEP = 16 * 64


def _network(tokens: float, passes: float) -> tuple[dict[str, Any], str]:
    """An LSTM that differs from the default where the rules say so, and what to call it."""
    units, dropout = size_for(tokens, tokens / passes), dropout_for(passes)
    model: dict[str, Any] = {"name": "lstm", "training": {}}
    if units != 512:
        model |= {"hidden_size": units, "training": {"learning_rate": LEARNING_RATES[units]}}
    if dropout != 0.1:
        model["dropout"] = dropout
    return model, f"an LSTM of {units} units with dropout {dropout:g}"


def without(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    """All fields but one."""
    return {field: value for field, value in fields.items() if field != name}


def _amount(tokens: float) -> str:
    return f"{tokens / 1e6:.1f} million tokens" if tokens >= 1e6 else f"{tokens:,.0f} tokens"


def _times(passes: float) -> str:
    return f"{passes:.0f} times" if passes >= 1.5 else f"{passes:.2g} times"
