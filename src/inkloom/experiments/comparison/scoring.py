"""Models that continue texts, scored on every token of the held-out text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from inkloom.corpus.base import Corpus
from inkloom.evaluation.leakage import check_splits
from inkloom.experiments.comparison.cells import Cell, Entry, cells_of
from inkloom.experiments.comparison.kind import Kind
from inkloom.experiments.comparison.league import League, keep_nats, nats_file, read_result
from inkloom.experiments.comparison.report import write_comparison_report
from inkloom.experiments.comparison.request import Request
from inkloom.experiments.comparison.results import Comparison
from inkloom.experiments.writing import write_texts
from inkloom.runs.parts import cut
from inkloom.runs.run import Run
from inkloom.training.fit import fit


class Scoring(Kind[Comparison]):
    """How the cells of a league are trained and ranked."""

    def __init__(
        self, corpus: Corpus, request: Request, entries: Sequence[Entry], folder: Path, console: Console
    ) -> None:
        super().__init__(corpus, request, entries, folder, console)
        self.split = entries[0].cells[0].config.split
        self.parts = cut(corpus, self.split)
        self.scored = self.parts.get("test", self.parts["val"])
        self.leaks = check_splits(self.parts, self.split.shares, console)

    def train(self, cell: Cell) -> None:
        """Train one cell that has begun; what it pays for the tokens of the scored split is kept."""

        def keep(split: str, nats_T: NDArray[np.float64]) -> None:
            if split == self.scored.name:
                keep_nats(nats_file(self.folder, cell), nats_T)

        leaks = self.leaks if cell.config.split == self.split else None
        fit(cell.directory, self.corpus, self.console, keep, leaks)

    def conclude(self) -> Comparison:
        """Rank the cells, all of which are finished, and write the comparison down."""
        request, folder, scored = self.request, self.folder, self.scored
        by_stretch = request.compares_tokenizers
        cells = cells_of(self.entries)
        league = League({cell.name: read_result(cell, scored, folder, by_stretch=by_stretch) for cell in cells})
        comparison = Comparison(
            folder=folder,
            corpus=self.corpus.name,
            request=request,
            split=scored,
            held_out=league.held_out,
            leaks=self.leaks[scored.name],
            tables=tuple(league.table(length, self.entries) for length in request.lengths),
        )
        writers = {
            comparison.label(row): Run(row.entry.cells[0].directory)
            for row in comparison.tables[0].best_of(request.contestants)
        }
        writings = write_texts(writers, self.parts["train"], scored)
        self.write({**comparison.as_json(), "texts": writings.as_json()})
        write_comparison_report(comparison, writings)
        return comparison
