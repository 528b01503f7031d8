"""A text, token by token, coloured by a number that each token has."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments


@dataclass(frozen=True)
class Shade:
    """How a token looks, and what is said about it."""

    text: str
    strength: float | None = None
    """From 0 to 1; None leaves it without colour."""

    colour: str = "heat"
    """One of the style sheet's: heat, cold, or a series such as `series-1`."""

    said: str = ""
    """About the token, for the pointer and for a screen reader: `2.1 bits, rank 3`."""

    rows: tuple[tuple[str, float], ...] = ()
    """Texts with probabilities, shown as bars below that."""

    came: int | None = None
    """Which of the rows the token itself is."""


class TokenText(ui.element, component="token_text.js"):
    """Tokens to look at by pointer or arrow keys, and to pick by click or Enter."""

    def __init__(self, label: str, on_pick: Callable[[int], Any] | None = None) -> None:
        """on_pick: gets the place of a token, from 0 on; without it tokens can be looked at alone."""
        super().__init__()
        self._on_pick = on_pick
        self.props.update(label=label, tokens="[]", picked=-1, pickable=on_pick is not None)
        self.on("pick", self._take)

    def show(self, shades: Sequence[Shade], picked: int | None = None) -> None:
        """Replace the text."""
        self.props["tokens"] = json.dumps([_as_json(shade) for shade in shades])
        self.pick(picked)

    def pick(self, place: int | None) -> None:
        """Mark a token; None marks none."""
        self.props["picked"] = -1 if place is None else place

    def _take(self, event: GenericEventArguments) -> Any:
        self.pick(int(event.args))
        return None if self._on_pick is None else self._on_pick(int(event.args))


def _as_json(shade: Shade) -> dict[str, Any]:
    """With short keys, and without what is empty: a page may hold thousands of tokens."""
    entry: dict[str, Any] = {"t": shade.text, "c": shade.colour, "s": shade.said}
    if shade.strength is not None:
        entry["v"] = round(shade.strength, 3)
    if shade.rows:
        entry["r"] = [[text, round(prob, 5)] for text, prob in shade.rows]
        entry["k"] = shade.came
    return entry
