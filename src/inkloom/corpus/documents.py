"""The documents of a decoded file: the file itself, its lines, or the rows of a table."""

import contextlib
import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from inkloom.corpus.decoding import normalise_newlines
from inkloom.errors import InputError

Kind: TypeAlias = Literal["files", "lines", "jsonl", "csv", "tsv"]

Blocks: TypeAlias = Callable[[], Iterable[str]]
"""Gives a decoded file from its beginning on; more than once where its form is to be found out first."""

TABLE_ENDINGS: dict[str, Kind] = {".jsonl": "jsonl", ".csv": "csv", ".tsv": "tsv"}
DEFAULT_COLUMN = "text"


class Column(NamedTuple):
    """A column of a table, or a key of its JSON rows, and how messages speak of it."""

    name: str
    holds: str = "the text"
    option: str = "--text-column"
    numbers: bool = False
    """Whether JSON may hold whole numbers there, too."""


def ending(path: Path) -> str:
    """The file name's ending in small letters, that of the content where the file is compressed: .txt of a.TXT.gz."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def kind_of(path: Path, documents: Kind | None) -> Kind:
    """What a document of this file is: what the user chose, else what its ending says."""
    return documents or TABLE_ENDINGS.get(ending(path), "files")


def split_documents(text: str, kind: Kind, column: str | None, label: str) -> tuple[list[str], int]:
    """The documents of a decoded file, and how many rows were left out because their text is blank.

    kind: what a document is. Blank lines between documents are no rows.
    column: the key or column that holds the text; `text` where none is given.
    label: what messages call the file.
    Raises InputError for a row that cannot be read, with its line.
    """
    rows = list(rows_of(lambda: [text], kind, column, label))
    kept = [row for row in rows if holds_text(row)]
    return kept, len(rows) - len(kept)


def rows_of(blocks: Blocks, kind: Kind, column: str | None, label: str) -> Iterator[str]:
    """What `split_documents` splits, blank rows included, in a stream: at most a block is in memory, and a row."""
    match kind:
        case "files":
            yield "".join(blocks())
        case "lines":
            for block in whole_lines(blocks()):
                yield from (line for line in block.split("\n") if line)
        case _:
            yield from (text for (text,) in fields_of(blocks, kind, [Column(column or DEFAULT_COLUMN)], label))


def fields_of(
    blocks: Blocks, kind: Literal["jsonl", "csv", "tsv"], columns: Sequence[Column], label: str
) -> Iterator[tuple[str, ...]]:
    """Some columns of a table, row by row in a stream, blank fields included.

    Raises InputError for a column that is not there, and for a row that cannot be read, with its line.
    """
    match kind:
        case "jsonl":
            yield from _json_rows(_lines(blocks()), columns, label)
        case "csv":
            yield from _table_rows(_lines(blocks()), _csv_delimiter(blocks), True, columns, label)
        case "tsv":
            yield from _table_rows(_lines(blocks()), "\t", _is_quoted(blocks, columns, label), columns, label)


def holds_text(row: str) -> bool:
    """Whether a row is more than white space."""
    return bool(row) and not row.isspace()


def whole_lines(blocks: Iterable[str]) -> Iterator[str]:
    """The same text in blocks that end where lines do."""
    held = ""
    for block in blocks:
        line_end = block.rfind("\n") + 1
        if line_end:
            yield held + block[:line_end]
            held = ""
        held += block[line_end:]
    if held:
        yield held


def _lines(blocks: Iterable[str]) -> Iterator[str]:
    """Line by line, each with its end."""
    for block in whole_lines(blocks):
        yield from io.StringIO(block, newline="\n")


def _json_rows(lines: Iterable[str], columns: Sequence[Column], label: str) -> Iterator[tuple[str, ...]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{label}, line {number:,}"
        try:
            row = json.loads(line)
        except ValueError as error:
            problem = getattr(error, "msg", str(error))
            raise InputError(f"{where}: no JSON ({problem}). JSONL takes one JSON object a line.") from error
        except RecursionError as error:
            raise InputError(f"{where}: JSON too deeply nested. JSONL takes one plain JSON object a line.") from error
        if not isinstance(row, dict):
            raise InputError(f"{where}: got {_json_type(row)}. JSONL takes one JSON object a line.")
        yield tuple(_json_field(row, column, where) for column in columns)


def _json_field(row: Mapping[str, object], column: Column, where: str) -> str:
    key = column.name
    if key not in row:
        raise InputError(_no_column(where, "key", column, list(row)))
    value = row[key]
    if column.numbers and isinstance(value, int):
        return json.dumps(value)
    if not isinstance(value, str):
        raise InputError(f"{where}: {key!r} is {_json_type(value)}; it must be a string.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{where}: {key!r} holds half a surrogate pair, which is no character.") from error
    return normalise_newlines(value)


def _json_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


def _csv_delimiter(blocks: Blocks) -> str:
    """A comma, or the semicolon of spreadsheets in countries where the comma is in the numbers."""
    header = next(_lines(blocks()), "")
    return ";" if ";" in header and "," not in header else ","


def _is_quoted(blocks: Blocks, columns: Sequence[Column], label: str) -> bool:
    """Whether a TSV is written with quotes, as spreadsheets and pandas do, or without, as its media type has it.

    Sentence collections hold lone quotation marks, and a reader that takes those for quoting swallows rows. So quotes
    count only where plain rows do not fit the header, or where a field shows them: around it, and doubled inside; and
    where all rows can be read so.
    """
    plain = _table_rows(_lines(blocks()), "\t", False, columns, label)
    try:
        if not any(_shows_quoting(field) for row in plain for field in row):
            return False
    except InputError:
        pass
    try:
        for _ in _table_rows(_lines(blocks()), "\t", True, columns, label):
            pass
    except InputError:
        return False
    return True


def _shows_quoting(field: str) -> bool:
    return field[:1] == field[-1:] == '"' and '""' in field[1:-1]


def _table_rows(
    lines: Iterable[str], delimiter: str, quoted: bool, columns: Sequence[Column], label: str
) -> Iterator[tuple[str, ...]]:
    reader = csv.reader(
        lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE, strict=True
    )
    line = 1
    with _unlimited_fields():
        try:
            header = next(reader, [])
            for column in columns:
                if column.name not in header:
                    raise InputError(_no_column(f"{label}, line 1", "column", column, header))
            places = [header.index(column.name) for column in columns]
            line = reader.line_num + 1
            for row in reader:
                if row and len(row) != len(header):
                    raise InputError(
                        f"{label}, line {line:,}: {len(row)} fields, but the header names {len(header)} columns. "
                        "A field that holds the delimiter or a line break must stand in double quotes."
                    )
                if row:
                    yield tuple(row[place] for place in places)
                line = reader.line_num + 1
        except csv.Error as error:
            raise InputError(f"{label}, the row at line {line:,}: {error}.") from error


@contextlib.contextmanager
def _unlimited_fields() -> Iterator[None]:
    """Lift the csv module's limit of 131,072 characters a field, which a chapter of a book exceeds."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _no_column(where: str, noun: str, column: Column, known: list[str]) -> str:
    listed = ", ".join(repr(name) for name in known[:12]) + (", …" if len(known) > 12 else "")
    return (
        f"{where}: no {noun} {column.name!r}; it has {listed or 'none'}. "
        f"Name the one that holds {column.holds} with {column.option}."
    )
