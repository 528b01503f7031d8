"""From scored runs to the rows of the table: intervals, ranks and marks.

Shapes: S seeds, T tokens.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkloom.corpus.base import Part
from inkloom.data import encode_part
from inkloom.evaluation.likelihood import token_nats
from inkloom.experiments.comparison.cells import Cell, Entry
from inkloom.experiments.comparison.request import Length
from inkloom.experiments.comparison.results import Row, Table
from inkloom.experiments.comparison.statistics import HeldOut, difference_p_value, interval
from inkloom.experiments.comparison.stretches import stretch_nats
from inkloom.files import write_bytes
from inkloom.runs.run import Run

SAME_SCORE = 1e-4
"""Nats per token by which kept token nats may differ from a run's evaluation.json before they are another run's."""


@dataclass(frozen=True)
class Result:
    """What is known of one finished cell."""

    summary: Mapping[str, Any]
    """Its evaluation.json."""

    scores: Mapping[str, Any]
    """Of the scored split, the keys of `inkloom evaluate`."""

    bits_without_leaks: float | None
    """The same split without the text that stands in train; None where nothing does."""

    held_out: HeldOut
    """What turns `nats_T` into bits per character."""

    nats_T: NDArray[np.floating[Any]]
    """What every token of the scored split costs; every stretch of it, where tokens differ."""

    peak_memory: int | None
    """Bytes; None where it was not measured."""


def read_result(cell: Cell, part: Part, folder: Path, *, by_stretch: bool) -> Result:
    """The result of a finished cell on the scored split, in the folder of its comparison.

    by_stretch: give the costs by stretches of the text, which are the same for all tokenizers, not by tokens.
    """
    run = Run(cell.directory)
    summary = run.summary()
    scores = summary[part.name]
    without = summary.get("leaks", {}).get(part.name, {}).get("without_leaks")
    charge_nats = scores["charge_share"] * scores["nats_per_char"] * scores["chars"]
    nats: NDArray[np.floating[Any]] = _token_nats(run, part, scores, nats_file(folder, cell))
    held_out = HeldOut(scores["tokens"], scores["chars"], charge_nats)
    if by_stretch:
        nats = stretch_nats(run.tokenizer, part, nats, charge_nats)
        held_out = HeldOut(len(nats), scores["chars"], 0.0)
    return Result(
        summary=summary,
        scores=scores,
        bits_without_leaks=without["bits_per_char"] if without else None,
        held_out=held_out,
        nats_T=nats,
        peak_memory=run.directory.read_json(cell.record).get("peak_memory") if cell.record.exists() else None,
    )


@dataclass(frozen=True)
class League:
    """The results of all cells, by their names."""

    results: Mapping[str, Result]

    @property
    def held_out(self) -> HeldOut:
        """What turns nats per token, or stretch, into bits per character; all cells share it."""
        return next(iter(self.results.values())).held_out

    def table(self, length: Length, entries: Iterable[Entry]) -> Table:
        """The rows of one length, best first, each tested against the one above it."""
        nats_ST = {entry: self._nats(entry) for entry in entries if entry.length == length}
        scores = {entry: interval(nats_ST[entry], self.held_out) for entry in nats_ST}
        ranked = sorted(nats_ST, key=lambda entry: scores[entry].mean)
        p_values = [
            difference_p_value(nats_ST[entry], nats_ST[above], self.held_out) for above, entry in pairwise(ranked)
        ]
        rows = []
        for entry, p_value in zip(ranked, [None, *p_values], strict=True):
            results = self._of(entry)
            rows.append(
                Row(
                    entry=entry,
                    bits_per_char=scores[entry],
                    bits_without_leaks=_mean_or_none(result.bits_without_leaks for result in results),
                    p_value=p_value,
                    train_nats=fmean(result.summary["train"]["nats_per_token"] for result in results),
                    held_out_nats=fmean(result.scores["nats_per_token"] for result in results),
                    charge=fmean(result.scores["charge_share"] * result.scores["bits_per_char"] for result in results),
                    parameters=results[0].summary["parameters"],
                    tokens_seen=fmean(result.summary["tokens_seen"] for result in results),
                    seconds=fmean(result.summary["seconds"] for result in results),
                    peak_memory=max((result.peak_memory for result in results if result.peak_memory), default=None),
                )
            )
        return Table(length, tuple(rows))

    def _of(self, entry: Entry) -> list[Result]:
        return [self.results[cell.name] for cell in entry.cells]

    def _nats(self, entry: Entry) -> NDArray[np.floating[Any]]:
        return np.stack([result.nats_T for result in self._of(entry)])


def nats_file(folder: Path, cell: Cell) -> Path:
    """Where what a cell's run pays for the tokens of the scored split is kept."""
    return folder / "token_nats" / f"{cell.name}.npy"


def keep_nats(file: Path, nats_T: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Write the cost of every token, in nats, as float32."""
    kept = nats_T.astype(np.float32)
    buffer = io.BytesIO()
    np.save(buffer, kept)
    write_bytes(file, buffer.getvalue())
    return kept


def _token_nats(run: Run, part: Part, scores: Mapping[str, Any], file: Path) -> NDArray[np.float32]:
    """(T,): what a run pays for every token of a split: as kept in the file, or anew where that is of another run."""
    if file.exists():
        kept: NDArray[np.float32] = np.load(file, allow_pickle=False)
        same_length = kept.shape == (scores["tokens"],)
        if same_length and abs(kept.mean(dtype=np.float64) - scores["nats_per_token"]) < SAME_SCORE:
            return kept
    return keep_nats(file, token_nats(run.model, encode_part(run.tokenizer, part).ids))


def _mean_or_none(values: Iterable[float | None]) -> float | None:
    known: Sequence[float] = [value for value in values if value is not None]
    return fmean(known) if known else None
