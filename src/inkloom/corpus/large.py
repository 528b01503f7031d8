"""Parts of a text that is larger than memory: it lies in a UTF-8 file, of which an index knows what stands where.

Documents lie in the file one after the other, each on lines of its own: a newline that does not belong to a document
follows it where it does not end with one. So the file is also the documents as one running text.

Shapes: D documents; an index row is (first byte, first byte behind, characters) of a document.
"""

import codecs
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, overload

import numpy as np
from numpy.typing import NDArray

from inkloom.corpus.base import Part
from inkloom.corpus.pieces import Piece, cut_into_pieces
from inkloom.errors import InputError

Rows = NDArray[np.int64]

LARGEST_IN_MEMORY = 64_000_000
"""Bytes of a corpus that is read into memory: as Python strings it may take four times that."""

MARK_BYTES = 1 << 16
"""Between two marks: what is read to find a character's byte, some 20 µs, at 8 bytes of index for each."""

READ_BYTES = 1 << 20
"""Read at once; a document of this size is one piece."""

ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True, eq=False)
class IndexedFile:
    """A UTF-8 file with its index.

    stamp: its size, time and number when it was indexed; another file in its place is refused.
    marks: the characters before byte 0, MARK_BYTES, 2 * MARK_BYTES, ….
    identity: tells this text from any other.
    """

    path: Path
    stamp: tuple[int, int, int]
    marks: NDArray[np.int64]
    identity: str

    def open(self) -> BinaryIO:
        """The file, to be read. Raises InputError where it is gone or another one."""
        try:
            if stamp_of(self.path) != self.stamp:
                raise InputError(f"{self.path} has changed while it was in use. Restore the text, or start anew.")
            return self.path.open("rb")
        except OSError as error:
            raise InputError(f"Cannot read {self.path}: {error.strerror or error}.") from error

    def whole(self) -> Rows:
        """The row of all documents as one running text."""
        size = self.stamp[0]
        with self.open() as file:
            return np.array([[0, size, self.chars_before(file, size)]])

    def chars_before(self, file: BinaryIO, byte: int) -> int:
        """How many characters begin before a byte of the file."""
        mark = byte // MARK_BYTES
        between = read(file, mark * MARK_BYTES, byte)
        return int(self.marks[mark]) + int(np.count_nonzero(first_bytes(between)))

    def byte_of(self, file: BinaryIO, char: int) -> int:
        """Where a character of the file begins; its end for the number of its characters."""
        mark = int(np.searchsorted(self.marks, char, side="right")) - 1
        start = mark * MARK_BYTES
        stop = min(start + MARK_BYTES, self.stamp[0])
        places = np.flatnonzero(first_bytes(read(file, start, stop)))
        behind = char - int(self.marks[mark])
        return start + int(places[behind]) if behind < len(places) else stop


class FileTexts(Sequence[str]):
    """The documents of some rows of an indexed file, read when they are asked for.

    numbers: which of the rows, ascending; all where none are given.
    """

    def __init__(self, file: IndexedFile, rows_D3: Rows, numbers: NDArray[np.int64] | None = None) -> None:
        self.file = file
        self._rows_D3 = rows_D3
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._rows_D3 if self._numbers is None else self._numbers)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        if isinstance(place, slice):
            return tuple(self[number] for number in range(*place.indices(len(self))))
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        start, stop, _ = self.rows(place % len(self), place % len(self) + 1)[0].tolist()
        with self.file.open() as file:
            return read(file, start, stop).decode()

    def __iter__(self) -> Iterator[str]:
        begun: list[str] = []
        for piece in self.pieces():
            begun.append(piece.text)
            if piece.ends:
                yield "".join(begun)
                begun = []

    def rows(self, start: int, stop: int) -> Rows:
        """The rows of some of the documents."""
        if self._numbers is None:
            return np.asarray(self._rows_D3[start:stop])
        return np.asarray(self._rows_D3[self._numbers[start:stop]])

    def rows_in_chunks(self) -> Iterator[Rows]:
        """All rows, some at a time: there may be many millions."""
        return (self.rows(start, start + ROWS_AT_ONCE) for start in range(0, len(self), ROWS_AT_ONCE))

    def pieces(self) -> Iterator[Piece]:
        """As `Part.pieces`."""
        with self.file.open() as file:
            for rows in self._neighbours():
                start, stop = int(rows[0, 0]), int(rows[-1, 1])
                if stop - start > READ_BYTES:
                    yield from cut_into_pieces(_decoded(_blocks(file, start, stop)))
                    continue
                data = read(file, start, stop)
                yield from (Piece(data[first:behind].decode(), ends=True) for first, behind in _within(rows))

    def utf8(self) -> Iterator[bytes]:
        """As `Part.utf8`."""
        with self.file.open() as file:
            for rows in self._neighbours():
                start, stop = int(rows[0, 0]), int(rows[-1, 1])
                if stop - start > READ_BYTES:
                    yield from _blocks(file, start, stop)
                    continue
                data = read(file, start, stop)
                yield b"".join(data[first:behind] for first, behind in _within(rows))

    def excerpt(self, number: int, start: int, stop: int) -> str:
        """As `Part.excerpt`, for places from 0 on."""
        row = self.rows(number, number + 1)[0]
        with self.file.open() as file:
            first, behind = (self._byte_of(file, row, min(place, int(row[2]))) for place in (start, stop))
            return read(file, first, behind).decode()

    def spans(self, bounds: Iterable[tuple[int, int]]) -> "FileTexts":
        """As `Part.spans`."""
        row = self.rows(0, 1)[0]
        with self.file.open() as file:
            rows = [[*(self._byte_of(file, row, place) for place in bound), bound[1] - bound[0]] for bound in bounds]
        return FileTexts(self.file, np.array(rows))

    def select(self, numbers: NDArray[np.int64]) -> "FileTexts":
        """As `Part.select`; the numbers are ascending."""
        own = numbers if self._numbers is None else self._numbers[numbers]
        return FileTexts(self.file, self._rows_D3, own)

    @property
    def identity(self) -> str:
        """A hash that tells these documents from any others."""
        digest = hashlib.sha256(self.file.identity.encode())
        for rows in self.rows_in_chunks():
            digest.update(rows.tobytes())
        return digest.hexdigest()

    def _byte_of(self, file: BinaryIO, row: Rows, place: int) -> int:
        """Where a character of a document begins in the file."""
        start, stop, chars = row.tolist()
        if stop - start == chars:  # ASCII
            return int(start + place)
        return self.file.byte_of(file, self.file.chars_before(file, start) + place)

    def _neighbours(self) -> Iterator[Rows]:
        """All rows in groups that lie within READ_BYTES of each other; a longer document alone."""
        for rows in self.rows_in_chunks():
            first = 0
            while first < len(rows):
                behind = int(np.searchsorted(rows[:, 1], rows[first, 0] + READ_BYTES, side="right"))
                yield rows[first : max(behind, first + 1)]
                first = max(behind, first + 1)


@dataclass(frozen=True)
class LargePart(Part):
    """A part that lies in a file."""

    texts: FileTexts

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        return np.concatenate([rows[:, 2] for rows in self.texts.rows_in_chunks()])

    @property
    def text_bytes(self) -> int:
        return sum(int((rows[:, 1] - rows[:, 0]).sum()) for rows in self.texts.rows_in_chunks())

    @property
    def identity(self) -> str:
        return self.texts.identity

    def pieces(self) -> Iterator[Piece]:
        return self.texts.pieces()

    def utf8(self) -> Iterator[bytes]:
        return self.texts.utf8()

    def excerpt(self, number: int, start: int, stop: int) -> str:
        return self.texts.excerpt(number, start, stop)

    def select(self, numbers: NDArray[np.int64]) -> "LargePart":
        return LargePart(self.name, self.texts.select(numbers), self.end_chars, self.documents)

    def spans(self, bounds: Iterable[tuple[int, int]]) -> "LargePart":
        return LargePart(self.name, self.texts.spans(bounds), self.end_chars, self.documents)

    def joined(self) -> "LargePart":
        if len(self.texts) == 1:
            return LargePart(self.name, self.texts)
        return LargePart(self.name, FileTexts(self.texts.file, self.texts.file.whole()))


def stamp_of(path: Path) -> tuple[int, int, int]:
    """What tells that a file is still the one that was read: size in bytes, time of the last change, number."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def first_bytes(data: bytes) -> NDArray[np.bool_]:
    """Which bytes of UTF-8 begin a character: all but 0x80 to 0xBF."""
    return np.frombuffer(data, np.int8) >= -64


def read(file: BinaryIO, start: int, stop: int) -> bytes:
    """The bytes from `start` to `stop`; InputError where the file ends before."""
    file.seek(start)
    data = file.read(stop - start)
    if len(data) < stop - start:
        raise InputError(f"{file.name} was cut short while it was in use. Restore the text, or start anew.")
    return data


def _blocks(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    return (read(file, place, min(place + READ_BYTES, stop)) for place in range(start, stop, READ_BYTES))


def _decoded(blocks: Iterator[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for block in blocks:
        yield decoder.decode(block)


def _within(rows: Rows) -> list[list[int]]:
    """First byte and first behind of each document, counted from the first byte of all."""
    places: list[list[int]] = (rows[:, :2] - rows[0, 0]).tolist()
    return places
