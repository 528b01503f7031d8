"""Probabilities as bars, one below the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments


@dataclass(frozen=True)
class Bar:
    """A token that may follow."""

    text: str
    own: float
    """The model's own probability."""

    drawn: float
    """What it is drawn with; 0 where a filter has dropped it."""


class Bars(ui.element, component="bars.js"):
    """Bars that can be picked. Each is filled as far as its token is drawn, and marked where the model had it."""

    def __init__(self, label: str, on_pick: Callable[[int], Any]) -> None:
        super().__init__()
        self._on_pick = on_pick
        self.props.update(label=label, rows=[])
        self.on("pick", self._take)

    def show(self, bars: Sequence[Bar]) -> None:
        """Replace the bars."""
        self.props["rows"] = [[bar.text, bar.own, bar.drawn] for bar in bars]

    def _take(self, event: GenericEventArguments) -> Any:
        return self._on_pick(int(event.args))
