"""The index of a text that is larger than memory: made in one pass over its files, and kept in the cache.

A single file that is plain UTF-8 is read where it lies. Whatever is not (another encoding, "\\r\\n", gzip, tables,
several files) is written once, in a stream, to a file of the cache that is. A folder of the cache holds, for each part:

    NAME.rows     (D, 3) int64, little-endian: first byte, first byte behind and characters of each document
    NAME.marks    (M,) int64, little-endian: the characters before every MARK_BYTES of the text
    NAME.txt      the text, where it is not the user's own file
    index.json    the SHA-256 of the corpus, what should be announced, and the shape of each part; written last

Its name is a hash of the files' paths, sizes, times and numbers, and of how they are read.
"""

import contextlib
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from inkloom.corpus.base import CorpusConfig, Part, fingerprint
from inkloom.corpus.documents import holds_text, rows_of, whole_lines
from inkloom.corpus.large import (
    LARGEST_IN_MEMORY,
    MARK_BYTES,
    FileTexts,
    IndexedFile,
    LargePart,
    Rows,
    first_bytes,
    stamp_of,
)
from inkloom.corpus.pieces import Piece, in_batches
from inkloom.corpus.reading import NamedTexts, Origin, Reader
from inkloom.corpus.sources import TextFile
from inkloom.corpus.streams import TextStream
from inkloom.errors import InkloomError, InputError
from inkloom.files import UNFINISHED, cache_dir, forget_oldest, write_json

log = logging.getLogger("inkloom")

FORMAT = 1
FOLDER = "texts"
"""Of the cache, that holds the indexes."""

INTEGERS = np.dtype("<i8")

STREAMED_BYTES = 8_000_000
"""A file of a large corpus that is larger is copied in a stream; others are read as those of a small corpus."""


@dataclass(frozen=True)
class IndexedCorpus:
    """What `Corpus` needs of a corpus that lies in files."""

    parts: dict[str, Part]
    sha256: str
    notices: tuple[str, ...]


def is_large(origins: Iterable[Origin]) -> bool:
    """Whether a corpus is to be indexed instead of read into memory."""
    return sum(origin.size for origin in origins) > LARGEST_IN_MEMORY


def open_indexed(origins: Mapping[str, Sequence[Origin]], reader: Reader) -> IndexedCorpus:
    """The parts of a corpus, each from its origins, by the index in the cache, which is made where there is none.

    A part whose origins are blank is left out. Raises InputError as reading into memory does.
    """
    folder = cache_dir() / FOLDER / _key(origins, reader.config)
    if found := _read_index(folder, origins):
        os.utime(folder)  # used now: others are forgotten before it
        return found
    size = sum(origin.size for of_part in origins.values() for origin in of_part)
    log.info(f"Reading {size / 1e6:,.0f} MB of text. It is checked and indexed once; the index is kept.")
    with _new_folder(folder) as new:
        shapes = {name: _index_part(new, name, of_part, reader) for name, of_part in origins.items()}
        index = {
            "format": FORMAT,
            "notices": reader.notices,
            "parts": {name: shape for name, shape in shapes.items() if shape["documents"]},
        }
        sha256 = fingerprint(_open_parts(new, index, origins).values())
        write_json(new / "index.json", {**index, "sha256": sha256})
    forget_oldest(folder.parent, keep=folder)
    made = _read_index(folder, origins)
    assert made is not None, "it was written a moment ago"
    return made


def _key(origins: Mapping[str, Sequence[Origin]], config: CorpusConfig) -> str:
    """Of all that decides what an index holds."""
    signatures = [(name, [origin.signature for origin in of_part]) for name, of_part in origins.items()]
    read_as = (config.encoding, config.documents, config.text_column)
    return hashlib.sha256(json.dumps([FORMAT, signatures, read_as]).encode()).hexdigest()


def _read_index(folder: Path, origins: Mapping[str, Sequence[Origin]]) -> IndexedCorpus | None:
    """What a folder of the cache holds; None where it is missing or damaged, which is announced."""
    try:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        parts = _open_parts(folder, index, origins)
        return IndexedCorpus(parts, index["sha256"], tuple(index["notices"]))
    except FileNotFoundError:
        if folder.exists():
            log.info("The index of the text is not whole; the text is read anew.")
    except (OSError, ValueError, KeyError, TypeError):
        log.info("The index of the text is damaged; the text is read anew.")
    return None


def _open_parts(folder: Path, index: Mapping[str, Any], origins: Mapping[str, Sequence[Origin]]) -> dict[str, Part]:
    """The parts that an index describes. Raises OSError or ValueError where files of it are missing or cut short."""
    parts: dict[str, Part] = {}
    for name, shape in index["parts"].items():
        rows_D3 = np.memmap(folder / f"{name}.rows", INTEGERS, mode="r").reshape(-1, 3)
        marks = np.fromfile(folder / f"{name}.marks", INTEGERS)
        path = folder / f"{name}.txt" if shape["copied"] else _only_file(origins[name]).path
        size = stamp_of(path)[0]
        if (len(rows_D3), len(marks), size) != (shape["documents"], size // MARK_BYTES + 1, shape["bytes"]):
            raise ValueError(f"{folder} is cut short")
        file = IndexedFile(path, stamp_of(path), marks, f"{index.get('sha256')} {name}")
        parts[name] = LargePart(name, FileTexts(file, rows_D3), shape["end_chars"], shape["ended"])
    return parts


def _only_file(origins: Sequence[Origin]) -> TextFile:
    (file,) = origins
    assert isinstance(file, TextFile)
    return file


def _index_part(folder: Path, name: str, origins: Sequence[Origin], reader: Reader) -> dict[str, Any]:
    """Write the index of one part, and its text where it must be copied; returns its shape."""
    end_chars = reader.end_chars(origins)
    copied = not (len(origins) == 1 and isinstance(origins[0], TextFile) and not origins[0].packed)
    if not copied:
        with _Writer(folder, name, end_chars) as writer:
            copied = not _index_in_place(writer, _only_file(origins), reader)
    if copied:
        with _Writer(folder, name, end_chars, folder / f"{name}.txt") as writer:
            for origin in origins:
                _copy(writer, origin, reader)
    return {
        "copied": copied,
        "documents": writer.documents,
        "ended": reader.has_documents(writer.documents, origins),
        "end_chars": end_chars,
        "bytes": writer.size,
    }


class _NotPlainError(Exception):
    """A file cannot be read where it lies, since its text is not what its bytes say."""


def _index_in_place(writer: "_Writer", file: TextFile, reader: Reader) -> bool:
    """Index a file that is its own text, byte for byte; False where it is not."""
    stream = TextStream(file.blocks(), file.label, reader.config.encoding)

    def plain_blocks() -> Iterator[str]:
        for block in stream:
            if not stream.plain:
                raise _NotPlainError
            yield block

    try:
        match file.kind(reader.config.documents):
            case "files":
                writer.add_long(plain_blocks())
            case "lines":
                for block in whole_lines(plain_blocks()):
                    *lines, behind_the_last = block.split("\n")
                    if behind_the_last or not all(map(holds_text, lines)):
                        raise _NotPlainError
                    writer.add(lines)
            case _:
                raise _NotPlainError
    except _NotPlainError:
        return False
    if stream.blank:
        return False
    reader.announce(file, stream.notice, writer.documents, 0)
    return True


def _copy(writer: "_Writer", origin: Origin, reader: Reader) -> None:
    """Write the documents of an origin, those of a large file in a stream."""
    if isinstance(origin, NamedTexts) or origin.size <= STREAMED_BYTES:
        writer.add(reader.documents(origin))
        return
    streams: list[TextStream] = []

    def blocks() -> TextStream:
        streams.append(TextStream(origin.blocks(), origin.label, reader.config.encoding))
        return streams[-1]

    kind = origin.kind(reader.config.documents)
    before, blank_rows = writer.documents, 0
    if kind == "files":
        writer.add_long(blocks())
        if streams[0].blank:
            raise InputError(f"{origin.label} holds nothing but white space. Give a file that holds text.")
    else:
        for rows in _batches(rows_of(blocks, kind, reader.config.text_column, origin.label)):
            kept = list(filter(holds_text, rows))
            blank_rows += len(rows) - len(kept)
            writer.add(kept)
    # The first stream is the one that is read to its end; others are to find out the form of a table.
    reader.announce(origin, streams[0].notice, writer.documents - before, blank_rows)


def _batches(rows: Iterable[str]) -> Iterator[list[str]]:
    return ([piece.text for piece in batch] for batch in in_batches(Piece(row, ends=True) for row in rows))


class _Writer:
    """Takes documents one after the other and notes where they stand; writes their text, too, where it gets a path."""

    def __init__(self, folder: Path, name: str, end_chars: int, text: Path | None = None) -> None:
        self._open = contextlib.ExitStack()
        self._rows = self._open.enter_context((folder / f"{name}.rows").open("wb"))
        self._marks = self._open.enter_context((folder / f"{name}.marks").open("wb"))
        self._text = None if text is None else self._open.enter_context(text.open("wb"))
        self._end_chars = end_chars
        self.size = self.chars = self.documents = 0

    def add(self, documents: Sequence[str]) -> None:
        """Documents that fit into memory."""
        lines = [text if text.endswith("\n") and not self._end_chars else text + "\n" for text in documents]
        chars = np.fromiter(map(len, documents), np.int64, len(documents))
        joined = "".join(lines)
        sizes = chars
        if not joined.isascii():
            sizes = np.fromiter((len(text.encode()) for text in documents), np.int64, len(documents))
        on_lines = sizes + (np.fromiter(map(len, lines), np.int64, len(lines)) - chars)
        starts = self.size + np.cumsum(on_lines) - on_lines
        self._write(joined)
        self._note(np.stack([starts, starts + sizes, chars], axis=1))

    def add_long(self, blocks: Iterable[str]) -> None:
        """One document, in blocks."""
        start, chars, end = self.size, self.chars, ""
        for block in blocks:
            self._write(block)
            end = block or end
        self._note(np.array([[start, self.size, self.chars - chars]]))
        if self._text is not None and not end.endswith("\n"):
            self._write("\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._open:
            if kind is not None:
                return
            if self.size % MARK_BYTES == 0:
                self._marks.write(np.array([self.chars], INTEGERS).tobytes())
            for file in filter(None, (self._rows, self._marks, self._text)):
                file.flush()
                os.fsync(file.fileno())

    def _write(self, text: str) -> None:
        data = text.encode()
        if self._text is not None:
            self._text.write(data)
        begins = first_bytes(data)
        places = range(-self.size % MARK_BYTES, len(data), MARK_BYTES)
        marks = [self.chars + int(np.count_nonzero(begins[:place])) for place in places]
        self._marks.write(np.array(marks, INTEGERS).tobytes())
        self.size += len(data)
        self.chars += len(text)

    def _note(self, rows_D3: Rows) -> None:
        self._rows.write(rows_D3.astype(INTEGERS).tobytes())
        self.documents += len(rows_D3)


@contextlib.contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A folder that takes the place of `folder` when the block ends well, and is removed otherwise."""
    new: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=UNFINISHED))
        yield new
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
    except OSError as error:
        raise InkloomError(
            f"Cannot keep the index of the text in {folder.parent}: {error.strerror or error}. It may need as much "
            "room as the text itself. Make room there, or name another folder in INKLOOM_CACHE_DIR."
        ) from error
    finally:
        if new is not None:
            shutil.rmtree(new, ignore_errors=True)
