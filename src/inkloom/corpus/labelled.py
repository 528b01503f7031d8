"""Texts that have a label each: a folder with a file a class, or tables with a column of texts and one of labels.

In a folder the file's name is the label, and each line of it a text; with `documents=files`, a file is one text, and
the folder that it stands in its label. Rows without a text or without a label are left out, and so are rows of val and
test whose label train does not have; both are counted and announced. So are texts that stand there more than once: they
stay, since how often a text comes is part of the data, but those that fall into train and test make a score that memory
can reach.

Rows are put in a seeded random order. Files come sorted by class, and a model that carries its state from text to text
would read the label off the neighbours.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from inkloom.corpus.base import Corpus, CorpusConfig, Part, fingerprint
from inkloom.corpus.documents import DEFAULT_COLUMN, Column, Kind, fields_of, holds_text, split_documents
from inkloom.corpus.large import LARGEST_IN_MEMORY
from inkloom.corpus.sources import Source, TextFile, bring, locate
from inkloom.errors import InputError

LABEL = "label"
"""The column of labels where none is named, and what the field of a folder with a file a class is called."""

TABLES: tuple[Kind, ...] = ("jsonl", "csv", "tsv")

FEWEST_PER_LABEL = 2
"""Texts a label on the average; with fewer the column holds something else, such as numbers or titles."""

SHOWN_LABELS = 5


def read_labelled(config: CorpusConfig) -> Corpus:
    """The corpus that a config describes: its parts have a label for every text in `conditions`.

    Raises InputError, in one line, for sources that have no labels, or one label only.
    """
    if not any(config.sources):
        raise InputError("No texts given. Name a folder with a file for each class, or a .csv, .tsv or .jsonl file.")
    sources = [bring(locate(name, config.encoding, config.documents), config, None) for name in config.sources]
    with_splits = [source for source in sources if source.splits]
    if with_splits and len(sources) > 1:
        raise InputError(f"{with_splits[0].again} comes with its own splits. Give it alone, without other sources.")
    tables = {name: _read(sources, files, config) for name, files in _files(sources).items()}
    rows = {name: read.shuffled() for name, read in tables.items()}
    notices = [notice for source in sources for notice in source.notices]
    notices += [notice for read in tables.values() for notice in read.notices]
    if with_splits:
        rows, dropped = _with_known_labels(rows)
        notices += dropped
    _refuse_what_is_no_label(sources[0].name, rows["train" if with_splits else "all"])
    notices += _repeats(sources[0].name, [row for part in rows.values() for row in part])
    kinds = {file.kind(config.documents) for files in _files(sources).values() for file in files}
    end_chars = int(config.documents != "files" and not kinds <= set(TABLES))
    parts = {name: _part(name, of_part, end_chars) for name, of_part in rows.items()}
    return Corpus(
        name=sources[0].name,
        config=config.replace(sources=tuple(source.again for source in sources)),
        whole=parts.pop("all", Part("all", ())),
        own_splits=parts,
        sha256=fingerprint([*parts.values()] if with_splits else [_part("all", rows["all"], end_chars)]),
        notices=tuple(notices),
    )


Row = tuple[str, str]
"""A text and its label."""


@dataclass
class _Rows:
    """The rows of some files, and what should be announced about how they were read."""

    rows: list[Row] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def add(self, found: Iterable[Row], label: str) -> None:
        """Take the rows of one file, those left out that lack a text or a label."""
        before, without_text, without_label = len(self.rows), 0, 0
        for text, condition in found:
            if not holds_text(text):
                without_text += 1
            elif not holds_text(condition):
                without_label += 1
            else:
                self.rows.append((text, condition.strip()))
        if len(self.rows) == before:
            raise InputError(f"{label} has no row with a text and a label. Each row is to hold one of both.")
        for count, lacks in ((without_text, "text"), (without_label, "label")):
            if count:
                self.notices.append(f"{label}: {count:,} row{'s'[: count != 1]} without a {lacks} left out.")

    def shuffled(self) -> list[Row]:
        """The rows in a random order, always the same."""
        return [self.rows[place] for place in np.random.default_rng(0).permutation(len(self.rows)).tolist()]


def _files(sources: Sequence[Source]) -> Mapping[str, Sequence[TextFile]]:
    """The files of each split that the source comes with, else those of all sources."""
    if sources[0].splits:
        return sources[0].splits
    for source in sources:
        if not source.files:
            raise InputError(f"{source.name} is a text without labels. Give a folder or a table that has some.")
    return {"all": [file for source in sources for file in source.files]}


def _read(sources: Sequence[Source], files: Sequence[TextFile], config: CorpusConfig) -> _Rows:
    """All rows of some files."""
    size = sum(file.size for file in files)
    if size > LARGEST_IN_MEMORY:
        raise InputError(
            f"{sources[0].name} has {size / 1e6:,.0f} MB; texts with labels are read into memory, up to "
            f"{LARGEST_IN_MEMORY / 1e6:.0f} MB. Give a part of them."
        )
    found = _Rows()
    for file in files:
        decoded = file.read(config.encoding)
        if decoded.notice:
            found.notices.append(decoded.notice)
        kind = file.kind(config.documents)
        if kind in ("jsonl", "csv", "tsv"):
            found.add(_table(decoded.text, kind, config, file.label), file.label)
        else:
            label = _label_of(file, sources, config)
            texts, _ = split_documents(decoded.text, config.documents or "lines", None, file.label)
            found.add(((text, label) for text in texts), file.label)
    return found


def _table(text: str, kind: Literal["jsonl", "csv", "tsv"], config: CorpusConfig, label: str) -> Iterable[Row]:
    columns = (
        Column(config.text_column or DEFAULT_COLUMN),
        Column(config.label_column or LABEL, "the labels", "--label-column", numbers=True),
    )
    return ((row, value) for row, value in fields_of(lambda: [text], kind, columns, label))


def _label_of(file: TextFile, sources: Sequence[Source], config: CorpusConfig) -> str:
    """Of the file of a folder: what it is called below the folder, without its ending, or where a file is one text, the
    folder that it stands in."""
    if not file.from_folder or sources[0].splits:
        raise InputError(
            f"{file.label} has no labels. Give a folder with a file for each class, or a .csv, .tsv or .jsonl file "
            "with a column of texts and one of labels."
        )
    if config.label_column not in (None, LABEL):
        raise InputError(
            f"{sources[0].name} has a file for each class and no columns, so {config.label_column!r} is not there. "
            f"Its one field is called {LABEL}."
        )
    folder = next(Path(source.again) for source in sources if Path(source.again) in file.path.parents)
    below = file.path.relative_to(folder)
    if config.documents == "files":
        return below.parent.as_posix()
    return below.with_name(below.name.removesuffix(".gz")).with_suffix("").as_posix()


def _with_known_labels(rows: Mapping[str, list[Row]]) -> tuple[dict[str, list[Row]], list[str]]:
    """The parts without rows whose label train does not have, and what is announced of them."""
    known = {label for _, label in rows["train"]}
    kept, notices = {}, []
    for name, of_part in rows.items():
        kept[name] = [row for row in of_part if row[1] in known]
        unknown = Counter(label for _, label in of_part if label not in known)
        if unknown:
            count = sum(unknown.values())
            notices.append(
                f"{name}: {count:,} row{'s'[: count != 1]} left out whose label train does not have "
                f"({_some(sorted(unknown))})."
            )
        if not kept[name]:
            raise InputError(f"No row of {name} has a label that train has ({_some(sorted(known))}). Check the labels.")
    return kept, notices


def _refuse_what_is_no_label(name: str, rows: Sequence[Row]) -> None:
    labels = Counter(label for _, label in rows)
    if len(labels) == 1:
        raise InputError(
            f"{name} has one class only, {next(iter(labels))!r}, so there is nothing to tell apart. Give two or more."
        )
    if len(rows) < FEWEST_PER_LABEL * len(labels):
        raise InputError(
            f"{name} has {len(labels):,} different labels in {len(rows):,} rows, such as {_some(sorted(labels))}: too "
            "many to be classes. Name the column of the labels."
        )


def _repeats(name: str, rows: Sequence[Row]) -> list[str]:
    """What is to be said about texts that stand there more than once."""
    distinct = set(rows)
    repeated = len(rows) - len(distinct)
    ambiguous = sum(count > 1 for count in Counter(text for text, _ in distinct).values())
    notices = []
    if repeated:
        notices.append(
            f"{name}: {repeated:,} of {len(rows):,} rows repeat another of their class. They are kept, so held-out "
            "parts share texts with train; the scores without those are given, too."
        )
    if ambiguous:
        verb = "texts stand" if ambiguous > 1 else "text stands"
        notices.append(f"{name}: {ambiguous:,} {verb} in more than one class, where no model can be right each time.")
    return notices


def _part(name: str, rows: Sequence[Row], end_chars: int) -> Part:
    texts, labels = zip(*rows, strict=True)
    return Part(name, texts, end_chars=end_chars, documents=True, conditions=labels)


def _some(labels: Sequence[str]) -> str:
    """The first few, quoted."""
    shown = ", ".join(repr(label[:40]) for label in labels[:SHOWN_LABELS])
    return f"{shown} and {len(labels) - SHOWN_LABELS:,} more" if len(labels) > SHOWN_LABELS else shown
