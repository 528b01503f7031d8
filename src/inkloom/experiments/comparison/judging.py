"""Writers of sentences, a GAN among them, judged by what they write."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from rich.console import Console

from inkloom.corpus.base import Corpus
from inkloom.errors import InputError
from inkloom.experiments.comparison.cells import Cell, Entry
from inkloom.experiments.comparison.judged import WriterComparison, write_verdict_page
from inkloom.experiments.comparison.kind import Kind
from inkloom.experiments.comparison.request import Request
from inkloom.experiments.verdict import verdict_on
from inkloom.files import write_json
from inkloom.runs.parts import cut
from inkloom.runs.run import load_run
from inkloom.tokenizers import fit_tokenizer
from inkloom.training.tasks import task_of


class Judging(Kind[WriterComparison]):
    """How writers of sentences are trained, with one vocabulary, and judged."""

    def __init__(
        self, corpus: Corpus, request: Request, entries: Sequence[Entry], folder: Path, console: Console
    ) -> None:
        """Raises InputError where two contestants turn out to be the same."""
        super().__init__(corpus, request, entries, folder, console)
        _refuse_twins(entries)
        config = entries[0].cells[0].config
        train = cut(corpus, config.split)["train"]
        self.tokenizer = fit_tokenizer(config.tokenizer, (piece.text for piece in train.pieces()))

    def train(self, cell: Cell) -> None:
        """Train one cell that has begun, with the vocabulary of all."""
        if not cell.directory.tokenizer_file.exists():
            write_json(cell.directory.tokenizer_file, self.tokenizer.to_json())
        task_of(cell.config).fit(cell.directory, self.corpus, self.console)

    def conclude(self) -> WriterComparison:
        """Judge the cells, all of which are finished, and write the comparison down."""
        runs = {entry.contestant: [load_run(cell.directory.path) for cell in entry.cells] for entry in self.entries}
        comparison = WriterComparison(
            folder=self.folder,
            corpus=self.corpus.name,
            request=self.request,
            entries=tuple(self.entries),
            verdict=verdict_on(runs, console=self.console),
        )
        self.write(comparison.as_json())
        write_verdict_page(comparison)
        return comparison


def _refuse_twins(entries: Sequence[Entry]) -> None:
    """A GAN that does not begin by likelihood is one from scratch already."""
    for first, second in combinations(entries, 2):
        if first.cells[0].config.model == second.cells[0].config.model:
            raise InputError(
                f"--models names {first.contestant} and {second.contestant}, which are the same here: gan begins by "
                "likelihood with --recipe captions-gan, or -o gan.pretraining=0.85. Give that, or leave one out."
            )
