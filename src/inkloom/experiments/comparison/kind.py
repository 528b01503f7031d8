"""What every kind of comparison does: it trains cells, and concludes from them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, TypeVar

from rich.console import Console

from inkloom.corpus.base import Corpus
from inkloom.experiments.comparison.cells import Cell, Entry
from inkloom.experiments.comparison.request import Request
from inkloom.files import write_json

FoundT = TypeVar("FoundT", covariant=True)


class Kind(ABC, Generic[FoundT]):
    """How the cells of a checked request are trained, and what is found out by them."""

    def __init__(
        self, corpus: Corpus, request: Request, entries: Sequence[Entry], folder: Path, console: Console
    ) -> None:
        self.corpus, self.request, self.entries = corpus, request, entries
        self.folder, self.console = folder, console

    @abstractmethod
    def train(self, cell: Cell) -> None:
        """Turn a cell that has begun into a finished run, or go on with an interrupted one."""

    @abstractmethod
    def conclude(self) -> FoundT:
        """Measure the cells, all of which are finished, and write down what is found."""

    def write(self, found: Mapping[str, Any]) -> None:
        """Write compare.json: what was asked, and what was found."""
        write_json(self.folder / "compare.json", {"request": asdict(self.request), **found})
