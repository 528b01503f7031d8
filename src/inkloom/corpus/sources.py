"""What the user named: a file, a folder, standard input, or a named corpus; and the bytes behind it."""

import contextlib
import difflib
import gzip
import hashlib
import logging
import os
import stat
import sys
import textwrap
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from inkloom.corpus.base import CorpusConfig
from inkloom.corpus.decoding import Decoded, decode
from inkloom.corpus.documents import Kind, ending, kind_of
from inkloom.corpus.large import LARGEST_IN_MEMORY, stamp_of
from inkloom.corpus.named import CORPORA, NamedCorpus
from inkloom.corpus.streams import TextStream
from inkloom.errors import InputError
from inkloom.files import atomic_write, cache_dir

log = logging.getLogger("inkloom")

STDIN = "-"
HUB_PREFIX = "hf:"
TEXT_ENDINGS = (".txt", ".md")
TABLE_ENDINGS = (".jsonl", ".csv", ".tsv")
GZIP_MAGIC = b"\x1f\x8b"
PACKING = 4
"""How many bytes of text a byte of gzip unpacks to, or fewer: prose 2.6, tables up to 8."""

BLOCK = 1 << 20

SPLIT_NAMES = {"train": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val", "test": "test"}


@dataclass(frozen=True)
class TextFile:
    """A file that holds text. `label` is what messages call it; one `from_folder` may be blank.

    documents: what a document of it is where neither the user nor the file's ending says.
    """

    path: Path
    label: str
    from_folder: bool = False
    documents: Kind | None = None

    def kind(self, documents: Kind | None) -> Kind:
        """What a document of this file is, where the user chose `documents`."""
        return kind_of(self.path, documents or self.documents)

    def read(self, encoding: str | None) -> Decoded:
        """The file's text, unpacked where it is gzip. Raises InputError where it cannot be read or is no text."""
        with self._readable():
            return decode(_unpacked(self.path.read_bytes(), self.label), self.label, encoding)

    def blocks(self) -> Iterator[bytes]:
        """The file's bytes in blocks, unpacked where it is gzip. Raises InputError where it cannot be read."""
        with self._readable(), gzip.open(self.path) if self.packed else self.path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block

    @cached_property
    def packed(self) -> bool:
        """Whether it is gzip, whatever its name."""
        with self._readable(), self.path.open("rb") as file:
            return file.read(len(GZIP_MAGIC)) == GZIP_MAGIC

    @property
    def size(self) -> int:
        """Bytes; an estimate where they are packed by name."""
        packed = self.path.suffix.lower() == ".gz"
        return self.signature[1] * (PACKING if packed else 1)

    @cached_property
    def signature(self) -> tuple[str, int, int, int]:
        """What tells this file from others, and from itself when it is changed."""
        with self._readable():
            return (str(self.path), *stamp_of(self.path))

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        """Errors of reading as InputError."""
        try:
            yield
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise damaged_gzip(self.label, error) from error
        except OSError as error:
            raise InputError(f"Cannot read {self.label}: {error.strerror or error}.") from error


@dataclass(frozen=True)
class Source:
    """One thing that the user named, found.

    name: what it would call the corpus.
    again: what finds it from any working folder: an absolute path, or the name of a named corpus.
    files: its text, in order. splits: the files of each part, where it comes with its own splits, instead of `files`.
    """

    name: str
    again: str
    files: tuple[TextFile, ...] = ()
    splits: Mapping[str, tuple[TextFile, ...]] = field(default_factory=dict)
    named: NamedCorpus | None = None
    notices: tuple[str, ...] = ()


def locate(source: str, encoding: str | None, documents: Kind | None) -> Source:
    """Find what `source` names. A path wins over a named corpus where it exists.

    Standard input and named pipes are read here and kept whole in the cache, so that a run can be resumed; for them,
    `encoding` is checked already. Raises InputError where nothing is found.
    """
    if source == STDIN:
        if sys.stdin.isatty():
            log.info("Reading text from the terminal; Ctrl-D on a line of its own ends it.")
        return _keep(sys.stdin.buffer, "standard input", encoding)
    path = Path(source).expanduser()
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        if source in CORPORA:
            return _named(CORPORA.load(source))
        if source.lower().startswith(HUB_PREFIX):
            from inkloom.corpus.named import hub

            return _named(hub.named(source), source)
        if isinstance(error, PermissionError):
            raise InputError(f"Cannot read {source}: {error.strerror}.") from error
        raise _nothing_there(source, path) from error
    if stat.S_ISDIR(mode):
        return _folder(path, source, documents)
    if stat.S_ISFIFO(mode):
        with path.open("rb") as pipe:
            return _keep(pipe, source, encoding)
    if not stat.S_ISREG(mode):
        raise InputError(f"{source} is a device or a socket. Give a text file, a folder, or - for standard input.")
    absolute = path.absolute()  # not resolved: a link's own name names the corpus
    if absolute.resolve().parent == _kept_folder():
        return Source("stdin", str(absolute), (TextFile(absolute, "standard input"),))
    return Source(_name_of(absolute), str(absolute), (TextFile(absolute, source),))


def _named(named: NamedCorpus, again: str | None = None) -> Source:
    return Source(named.name, again or named.name, named=named)


def bring(source: Source, config: CorpusConfig, corpus_dir: Path | None) -> Source:
    """The source with its files, where it is a named corpus that consists of files; they are fetched if need be."""
    if source.named is None or source.named.files is None:
        return source
    brought = source.named.files(config, corpus_dir)

    def as_files(paths: tuple[Path, ...]) -> tuple[TextFile, ...]:
        return tuple(TextFile(path, f"{source.name}: {path.name}", documents=brought.documents) for path in paths)

    return replace(
        source,
        again=brought.again or source.again,
        files=as_files(brought.whole),
        splits={name: as_files(paths) for name, paths in brought.splits.items()},
        notices=brought.notices,
    )


def _name_of(file: Path) -> str:
    """my of my.txt and of my.txt.gz."""
    stem = file.name[: -len(".gz")] if file.name.lower().endswith(".gz") else file.name
    return Path(stem).stem


def _nothing_there(source: str, path: Path) -> InputError:
    shown = [name.replace("_", "-") for name in CORPORA]
    try:
        neighbours = [entry.name for entry in path.parent.iterdir() if not entry.name.startswith(".")]
    except (OSError, ValueError):
        neighbours = []
    near = difflib.get_close_matches(source.lower(), shown, n=1) or difflib.get_close_matches(
        path.name, neighbours, n=1
    )
    hint = f"Did you mean {path.parent / near[0] if near[0] in neighbours else near[0]}? " if near else ""
    shortened = textwrap.shorten(source, 100, placeholder=" …") or repr(source)
    return InputError(f"No such file or folder: {shortened}. {hint}Named corpora: {', '.join(sorted(shown))}.")


def _keep(pipe: BinaryIO, label: str, encoding: str | None) -> Source:
    """What cannot be read a second time, in a file that can."""
    data = pipe.read(LARGEST_IN_MEMORY)
    rest = pipe.read(BLOCK)
    if rest:
        next(iter(TextStream([data], label, encoding)))  # refuses what does not begin like text
        path = _kept_blocks(chain([data, rest], iter(lambda: pipe.read(BLOCK), b"")))
    else:
        text = decode(_unpacked(data, label), label, encoding).text
        if not text or text.isspace():
            raise InputError(f"No text came from {label}.")
        path = _kept_blocks([data])
    return Source("stdin", str(path), (TextFile(path, label),))


def _kept_blocks(blocks: Iterable[bytes]) -> Path:
    """A file with these bytes, named by their hash."""
    digest = hashlib.sha256()
    path = _kept_folder() / f"{uuid.uuid4().hex}.txt"
    with atomic_write(path, binary=True) as file:
        for block in blocks:
            digest.update(block)
            file.write(block)
    return path.replace(path.with_name(f"{digest.hexdigest()}.txt"))


def _kept_folder() -> Path:
    return (cache_dir() / "stdin").resolve()


def _unpacked(data: bytes, label: str) -> bytes:
    if not data.startswith(GZIP_MAGIC):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise damaged_gzip(label, error) from error


def damaged_gzip(label: str, error: Exception) -> InputError:
    """The error for gzip data that cannot be unpacked."""
    return InputError(f"{label} is damaged gzip data: {error}. Download or pack it again.")


def _folder(path: Path, source: str, documents: Kind | None) -> Source:
    absolute = path.resolve()
    everything = _walk(absolute, source)
    wanted = (f".{documents}",) if documents in ("jsonl", "csv", "tsv") else TEXT_ENDINGS
    texts = [entry for entry in everything if ending(entry) in wanted]

    def as_file(entry: Path) -> TextFile:
        return TextFile(entry, str(Path(source) / entry.relative_to(absolute)), from_folder=True)

    candidates = [entry for entry in everything if entry.parent == absolute and _split_name(entry)]
    if texts or any(ending(entry) in TABLE_ENDINGS for entry in candidates):  # else train.en, val.en and the like count
        candidates = [entry for entry in candidates if ending(entry) in (*TEXT_ENDINGS, *TABLE_ENDINGS)]
    splits = _own_splits(candidates, source)
    if splits:
        others = [entry for entry in texts if entry not in splits.values()]
        notice = f"{source} keeps its own splits: {', '.join(entry.name for entry in splits.values())}."
        if others:
            notice += f" {_some_of(others, absolute)} left out."
        named_splits = {name: (as_file(entry),) for name, entry in splits.items()}
        return Source(absolute.name, str(absolute), splits=named_splits, notices=(notice,))
    if not texts:
        raise InputError(_no_text(source, absolute, everything, wanted))
    return Source(absolute.name, str(absolute), tuple(map(as_file, texts)))


def _walk(folder: Path, source: str) -> list[Path]:
    """All files below a folder, sorted by their path; hidden ones and hidden folders left out."""

    def refuse(error: OSError) -> None:
        raise InputError(f"Cannot read the folder {source}: {error.strerror or error}.") from error

    found: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(entry for entry in found if entry.is_file())


def _split_name(entry: Path) -> str | None:
    """train, val or test of train.txt, dev.jsonl.gz and the like."""
    stem, dot, _ = entry.name.lower().partition(".")
    return SPLIT_NAMES.get(stem) if dot else None


def _own_splits(candidates: list[Path], source: str) -> dict[str, Path]:
    """The files of a folder that is split already, train and val at least; empty where it is not."""
    by_split: dict[str, list[Path]] = {}
    for entry in candidates:
        by_split.setdefault(_split_name(entry) or "", []).append(entry)
    if not {"train", "val"} <= by_split.keys():
        if {"train", "test"} <= by_split.keys():
            raise InputError(
                f"{source} has a train and a test file but no val.*; training on both would spoil the test. "
                "Add val.*, or name the files to read."
            )
        return {}
    for name, entries in by_split.items():
        if len(entries) > 1:
            files = ", ".join(entry.name for entry in entries)
            raise InputError(
                f"{source} has {len(entries)} {name} files ({files}). Keep one, or name the files to read."
            )
    return {name: by_split[name][0] for name in ("train", "val", "test") if name in by_split}


def _no_text(source: str, folder: Path, everything: list[Path], wanted: tuple[str, ...]) -> str:
    message = f"The folder {source} has no {' or '.join(wanted)} file"
    tables = sorted({ending(entry) for entry in everything} & set(TABLE_ENDINGS))
    if tables:
        return f"{message}. It has {tables[0]} files; --documents {tables[0][1:]} reads them."
    if everything:
        return f"{message}, only {_some_of(everything, folder)}. Name the files to read."
    return f"{message}; it is empty."


def _some_of(entries: list[Path], folder: Path) -> str:
    shown = ", ".join(str(entry.relative_to(folder)) for entry in entries[:3])
    rest = len(entries) - 3
    return f"{shown} and {rest} more" if rest > 0 else shown
