"""A table of numbers as colours."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from nicegui import ui
from nicegui.events import GenericEventArguments
from numpy.typing import NDArray


@dataclass(frozen=True)
class Map:
    """What a heat map shows: R rows, C columns."""

    values_RC: NDArray[np.floating[Any]]
    """From 0 to 1, or from -1 to 1 where `signed`."""

    rows: Sequence[str]
    columns: Sequence[str]
    said: str
    """How a cell is read out: `{row} looks at {column}: {value} %`."""

    signed: bool = False
    masked_RC: NDArray[np.bool_] | None = None
    """True where there is no number."""

    square: bool = False
    """Whether rows and columns are the same things, so that cells are squares."""


class HeatMap(ui.element, component="heat_map.js"):
    """A map to look at by pointer or arrow keys; a cell under them is read out below it."""

    def __init__(self, label: str, on_pick: Callable[[int, int], Any] | None = None) -> None:
        """on_pick: gets the row and the column of a cell that was clicked."""
        super().__init__()
        self._on_pick = on_pick
        self.props.update(label=label, map="")
        self.on("pick", self._take)

    def show(self, shown: Map) -> None:
        """Replace the map."""
        self.props["map"] = as_json(shown)

    def _take(self, event: GenericEventArguments) -> Any:
        row, column = event.args
        return None if self._on_pick is None else self._on_pick(int(row), int(column))


def as_json(shown: Map) -> str:
    """The map in a byte a cell, as a screen can show no more: 0 is masked, 1 to 255 are the values."""
    shares_RC = (shown.values_RC + 1) / 2 if shown.signed else shown.values_RC
    bytes_RC = (1 + np.clip(shares_RC, 0, 1) * 254).round().astype(np.uint8)
    if shown.masked_RC is not None:
        bytes_RC[shown.masked_RC] = 0
    return json.dumps(
        {
            "rows": list(shown.rows),
            "columns": list(shown.columns),
            "cells": base64.b64encode(bytes_RC.tobytes()).decode(),
            "said": shown.said,
            "signed": shown.signed,
            "square": shown.square,
        }
    )
