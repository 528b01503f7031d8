"""What sections of the page are made of: tokens with something to say, coloured texts, rows with bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inkloom.explain.tints import Tint, merged
from inkloom.explain.tokens import readable

STEPS = 10
"""Strengths of a colour that are told apart where nothing more is said of a token."""


@dataclass(frozen=True)
class Row:
    """A line with a bar."""

    label: str
    value: str
    share: float
    """The length of the bar, from 0 to 1."""

    marked: bool = False
    """Whether it is the one that came."""

    colour: str = "--series-1"


@dataclass(frozen=True)
class Piece:
    """A token of the text, with a panel that opens when one points at it."""

    text: str
    """Such that all of it can be read."""

    tint: Tint
    title: str
    said: str
    """The panel in a sentence, for those who do not see it."""

    rows: Sequence[Row] = ()
    columns: Sequence[str] = ()
    table: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Stained:
    """A text in pieces of one tint each."""

    title: str
    pieces: Sequence[tuple[str, Tint]]

    @classmethod
    def of(cls, title: str, texts: Sequence[str], tinted: Sequence[Tint]) -> "Stained":
        """A text with a tint for each token."""
        return cls(title, merged([readable(text) for text in texts], tinted, STEPS))


@dataclass(frozen=True)
class Section:
    """One view on the page."""

    name: str
    """Of the view, and of the macro that shows it."""

    title: str
    remarks: Sequence[str]
    content: Mapping[str, Any]
