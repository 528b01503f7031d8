"""What a named corpus is: where its text comes from, under which licence, and how it is read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class NamedCorpus:
    """A text that has a name.

    `find` and `read` take the folder that may hold the corpus's file already; None where the user named none.
    """

    name: str
    title: str
    unit: str
    """What a document is, in the plural: plays, topics; empty for one running text."""
    licence: str
    source: str
    citation: str
    split: str
    """How it is cut."""
    documents: int | None
    characters: int | None
    """How many the text has; None, like `documents`, where that depends on what is installed."""

    find: Callable[[Path | None], Path | None]
    """The file on this machine that holds the text; None where it is not here yet."""
    read: Callable[[Path | None], tuple[str, ...]]
    """The documents; fetches them where they are not here yet. Raises FetchError where that fails."""
