"""The documents of a decoded file: the file itself, its lines, or the rows of a table."""

import contextlib
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from inkloom.corpus.decoding import normalise_newlines
from inkloom.errors import InputError

Kind: TypeAlias = Literal["files", "lines", "jsonl", "csv", "tsv"]

TABLE_ENDINGS: dict[str, Kind] = {".jsonl": "jsonl", ".csv": "csv", ".tsv": "tsv"}
DEFAULT_COLUMN = "text"


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
    match kind:
        case "files":
            rows = [text]
        case "lines":
            rows = [line for line in text.split("\n") if line]
        case "jsonl":
            rows = list(_json_rows(text, column or DEFAULT_COLUMN, label))
        case "csv":
            rows = list(_table_rows(text, _csv_delimiter(text), True, column or DEFAULT_COLUMN, label))
        case "tsv":
            rows = _tab_separated_rows(text, column or DEFAULT_COLUMN, label)
    kept = [row for row in rows if row and not row.isspace()]
    return kept, len(rows) - len(kept)


def _json_rows(text: str, key: str, label: str) -> Iterator[str]:
    for number, line in enumerate(text.split("\n"), start=1):
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
        if key not in row:
            raise InputError(_no_column(where, "key", key, list(row)))
        value = row[key]
        if not isinstance(value, str):
            raise InputError(f"{where}: {key!r} is {_json_type(value)}; it must be a string.")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{where}: {key!r} holds half a surrogate pair, which is no character.") from error
        yield normalise_newlines(value)


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


def _csv_delimiter(text: str) -> str:
    """A comma, or the semicolon of spreadsheets in countries where the comma is in the numbers."""
    header = text[: text.find("\n")] if "\n" in text else text
    return ";" if ";" in header and "," not in header else ","


def _tab_separated_rows(text: str, column: str, label: str) -> list[str]:
    """Rows of a TSV: without quoting, as its media type has it, or with quotes, as spreadsheets and pandas write them.

    Sentence collections hold lone quotation marks, and a reader that takes those for quoting swallows rows. So quotes
    count only where plain rows do not fit the header, or where a field shows them: around it, and doubled inside.
    """
    try:
        plain: list[str] | InputError = list(_table_rows(text, "\t", False, column, label))
    except InputError as error:
        plain = error
    if isinstance(plain, InputError) or any(row[:1] == row[-1:] == '"' and '""' in row[1:-1] for row in plain):
        with contextlib.suppress(InputError):
            return list(_table_rows(text, "\t", True, column, label))
    if isinstance(plain, InputError):
        raise plain
    return plain


def _table_rows(text: str, delimiter: str, quoted: bool, column: str, label: str) -> Iterator[str]:
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        strict=True,
    )
    line = 1
    with _unlimited_fields():
        try:
            header = next(reader, [])
            if column not in header:
                raise InputError(_no_column(f"{label}, line 1", "column", column, header))
            position = header.index(column)
            line = reader.line_num + 1
            for row in reader:
                if row and len(row) != len(header):
                    raise InputError(
                        f"{label}, line {line:,}: {len(row)} fields, but the header names {len(header)} columns. "
                        "A field that holds the delimiter or a line break must stand in double quotes."
                    )
                if row:
                    yield row[position]
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


def _no_column(where: str, noun: str, got: str, known: list[str]) -> str:
    listed = ", ".join(repr(name) for name in known[:12]) + (", …" if len(known) > 12 else "")
    return (
        f"{where}: no {noun} {got!r}; it has {listed or 'none'}. Name the one that holds the text with --text-column."
    )
