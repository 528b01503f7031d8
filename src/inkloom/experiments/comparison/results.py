"""What a comparison found: the league table, row by row."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inkloom.corpus.base import Part
from inkloom.corpus.leaks import LeakReport
from inkloom.experiments.comparison.cells import Entry
from inkloom.experiments.comparison.request import Length, Request
from inkloom.experiments.comparison.statistics import HeldOut, Interval

SIGNIFICANT = 0.05
"""A distance that chance alone makes more rarely than this is marked."""


@dataclass(frozen=True)
class Row:
    """A line of the league table: a model with one window and one length, over its seeds."""

    entry: Entry
    bits_per_char: Interval
    p_value: float | None
    """Of the distance to the row above; None in the first row."""

    train_nats: float
    """Per token on train, of which the beginning is scored."""

    held_out_nats: float
    """Per token on the scored split."""

    bits_without_leaks: float | None
    """Bits per character of the scored split without the text that stands in train too; None where nothing does."""

    charge: float
    """Bits per character, of those, for what the ids do not tell."""

    parameters: int
    tokens_seen: float
    seconds: float
    """Of training, by the rules of `--budget`."""

    peak_memory: int | None
    """Bytes, the most of all seeds; None where it was not measured."""

    @property
    def model(self) -> str:
        return self.entry.model

    @property
    def contestant(self) -> str:
        """The model's name, with its tokenizer where several are compared."""
        return self.entry.contestant

    @property
    def significant(self) -> bool:
        """Whether the row above is better by more than chance explains."""
        return self.p_value is not None and self.p_value < SIGNIFICANT

    @property
    def tokens_per_second(self) -> float:
        return self.tokens_seen / self.seconds

    def as_json(self) -> dict[str, Any]:
        """A row of `inkloom compare --json`."""
        return {
            "model": self.model,
            "tokenizer": self.entry.cells[0].config.tokenizer["name"],
            "seq_len": self.entry.seq_len,
            "length": asdict(self.entry.length),
            "bits_per_char": self.bits_per_char.as_json(),
            "bits_per_char_without_leaks": self.bits_without_leaks,
            "charge_bits_per_char": self.charge,
            "p_value": self.p_value,
            "significant": self.significant,
            "seconds": self.seconds,
            "parameters": self.parameters,
            "tokens_seen": round(self.tokens_seen),
            "tokens_per_second": self.tokens_per_second,
            "train_nats_per_token": self.train_nats,
            "nats_per_token": self.held_out_nats,
            "peak_memory": self.peak_memory,
            "seeds": [cell.seed for cell in self.entry.cells],
            "runs": [str(cell.directory.path) for cell in self.entry.cells],
        }


@dataclass(frozen=True)
class Table:
    """The rows of one length, best first."""

    length: Length
    rows: tuple[Row, ...]

    def best_of(self, contestants: Sequence[str]) -> list[Row]:
        """The best row of each contestant, in their order."""
        return [next(row for row in self.rows if row.contestant == contestant) for contestant in contestants]


@dataclass(frozen=True)
class Comparison:
    """What `compare` found."""

    folder: Path
    corpus: str
    request: Request
    split: Part
    """What was scored: test, or val where there is no test."""

    held_out: HeldOut
    leaks: LeakReport
    """What the scored split shares with train."""

    tables: tuple[Table, ...]

    @property
    def rows(self) -> list[Row]:
        """The rows of all tables, table after table."""
        return [row for table in self.tables for row in table.rows]

    @property
    def is_sweep(self) -> bool:
        """Whether windows of several lengths are compared."""
        return len(self.request.seq_lens) > 1

    def label(self, row: Row) -> str:
        """A row's name: its contestant's, with the window where several are compared."""
        return f"{row.contestant} {row.entry.seq_len}" if self.is_sweep and row.entry.seq_len else row.contestant

    @property
    def _size(self) -> dict[str, Any]:
        """Of the scored split, as far as it is the same for all."""
        return {"chars": self.held_out.chars} if self.request.compares_tokenizers else asdict(self.held_out)

    @property
    def report(self) -> Path:
        """The page that shows it all."""
        return self.folder / "report.html"

    def as_json(self) -> dict[str, Any]:
        """The keys of `inkloom compare --json`."""
        return {
            "rows": [row.as_json() for row in self.rows],
            "report": str(self.report),
            "corpus": self.corpus,
            "split": {"name": self.split.name, **self._size},
            "leaks": self.leaks.as_json(),
        }
