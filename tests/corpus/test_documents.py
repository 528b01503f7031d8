"""Documents of a file: lines, JSONL, CSV and TSV, with the line of everything that cannot be read."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.corpus.documents import ending, holds_text, kind_of, rows_of, split_documents
from inkloom.errors import InputError

# What a row can hold and come back unchanged: words with all that needs quoting.
cells = st.lists(st.text('abé,;"\t\n 😀', min_size=1).filter(lambda cell: not cell.isspace()), min_size=1)


def documents(text, kind, column=None):
    """What is read in one piece, and in blocks of three characters alike."""
    blocks = [text[start : start + 3] for start in range(0, len(text), 3)]
    in_stream = [row for row in rows_of(lambda: blocks, kind, column, "my.file") if holds_text(row)]
    assert in_stream == split_documents(text, kind, column, "my.file")[0]
    return in_stream


@pytest.mark.parametrize(
    ("name", "expected"), [("a.TXT", ".txt"), ("a.txt.gz", ".txt"), ("train.en.GZ", ".en"), ("a", ""), ("b.gz", "")]
)
def test_the_ending_is_that_of_the_content(name, expected):
    assert ending(Path(name)) == expected


def test_the_ending_says_what_a_document_is_unless_the_user_does():
    assert kind_of(Path("a.jsonl.gz"), None) == "jsonl"
    assert kind_of(Path("a.txt"), None) == "files"
    assert kind_of(Path("a.jsonl"), "lines") == "lines"


def test_lines_that_hold_text_are_documents():
    rows, blank = split_documents("one\n\n  \ntwo \n", "lines", None, "my.txt")
    assert rows == ["one", "two "]
    assert blank == 1  # the line of spaces; an empty line is no row


def test_only_newlines_end_lines():
    assert documents("a\u2028b\x0cc\nd", "lines") == ["a\u2028b\x0cc", "d"]


@given(cells)
def test_jsonl_round_trip(rows):
    text = "".join(json.dumps({"text": row}) + "\n" for row in rows)
    assert documents(text, "jsonl") == rows


def test_jsonl_takes_another_key_and_normalises_newlines():
    assert documents('{"id": 1, "body": "a\\r\\nb"}\n\n', "jsonl", "body") == ["a\nb"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"text": oops}', "no JSON"),
        ("[1, 2]", "got a list"),
        ('"text"', "got a string"),
        ('{"body": "a", "id": 3}', "no key 'text'; it has 'body', 'id'.*--text-column"),
        ('{"text": 5}', "'text' is a number; it must be a string"),
        ('{"text": null}', "'text' is null"),
        ('{"text": true}', "'text' is true or false"),
        ('{"text": {}}', "'text' is an object"),
        ('{"text": "\\ud83d"}', "half a surrogate pair"),
        ("[" * 100_000, "too deeply nested"),
    ],
)
def test_a_bad_row_of_jsonl_is_named_with_its_line(line, problem):
    with pytest.raises(InputError, match=rf"^my\.file, line 3: .*{problem}"):
        documents('{"text": "fine"}\n\n' + line + "\n", "jsonl")


@given(cells)
def test_csv_round_trip(rows):
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["id", "text"])
    writer.writerows(enumerate(rows))
    assert documents(table.getvalue(), "csv") == rows


def test_csv_takes_semicolons_where_the_header_has_them():
    assert documents("id;text\n1;hello, you\n", "csv") == ["hello, you"]


def test_a_cell_may_be_as_long_as_a_chapter():
    assert documents(f"id,text\n1,{'a' * 300_000}\n", "csv") == ["a" * 300_000]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("id,body\n1,a\n", "line 1: no column 'text'; it has 'id', 'body'"),
        ('id,text\n1,"two\nlines"\n2,b,c\n', "line 4: 3 fields, but the header names 2 columns"),
        ('id,text\n1,a\n2,"never closed\n3,b\n', "the row at line 3: unexpected end of data"),
    ],
)
def test_a_bad_row_of_csv_is_named_with_its_line(table, problem):
    with pytest.raises(InputError, match=problem):
        documents(table, "csv")


def test_lone_quotation_marks_in_a_tsv_are_text():
    assert documents('id\ttext\n1\t"I am here.\n2\tAnd so are you."\n3\t6" nails\n', "tsv") == [
        '"I am here.',
        'And so are you."',
        '6" nails',
    ]


def test_a_tsv_with_quoted_fields_is_unquoted():
    assert documents('id\ttext\n1\t"two\nlines"\n2\tplain\n', "tsv") == ["two\nlines", "plain"]
    assert documents('id\ttext\n1\t"he said ""hi"""\n', "tsv") == ['he said "hi"']


def test_a_ragged_tsv_is_refused():
    with pytest.raises(InputError, match=r"line 2: 3 fields, but the header names 2"):
        documents("id\ttext\n1\ta\tb\n", "tsv")


def test_blank_rows_are_left_out_and_counted():
    rows, blank = split_documents("id,text\n1,a\n2,\n3,  \n", "csv", None, "my.csv")
    assert (rows, blank) == (["a"], 2)
