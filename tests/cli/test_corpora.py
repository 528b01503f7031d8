"""`inkloom corpora list|show|fetch`: tables for people, one JSON object for programs."""

import hashlib
import json

import pytest
from typer.testing import CliRunner

from inkloom.cli.corpora import app
from inkloom.corpus.named import tinyshakespeare
from inkloom.errors import InputError

PROVERBS = [f"Proverb number {number} says more than a thousand words." for number in range(200)]


@pytest.fixture
def corpora(tmp_path, monkeypatch):
    """Run the command in a folder with a text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "proverbs.txt").write_text("".join(line + "\n" for line in PROVERBS))

    def corpora(*arguments):
        return CliRunner().invoke(app, arguments, catch_exceptions=True)

    return corpora


def output(result):
    """What was printed, without the table's line breaks."""
    assert result.exception is None, result.exception
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    return " ".join(result.stdout.split())


def one_object(result):
    assert result.exception is None, result.exception
    assert result.stdout.count("\n") == 1
    return json.loads(result.stdout)


def test_list_names_every_corpus(corpora):
    shown = output(corpora("list"))
    for name in ("shakespeare", "python-docs", "tinyshakespeare"):
        assert name in shown
    assert "4,966,810" in shown
    assert "38 plays" in shown


def test_list_json(corpora):
    rows = {row["name"]: row for row in one_object(corpora("list", "--json"))["corpora"]}
    assert rows["python-docs"]["path"].endswith(".py")
    assert rows["python-docs"]["characters"] > 100_000
    assert rows["tinyshakespeare"]["characters"] == 1_115_394
    assert rows["shakespeare"]["documents"] == 38
    assert all(row["licence"] and row["citation"] and row["source"] for row in rows.values())


def test_show_a_file(corpora):
    shown = output(corpora("show", "proverbs.txt"))
    assert "corpus proverbs" in shown
    assert f"{sum(len(line) + 1 for line in PROVERBS):,} characters" in shown
    assert "one running text" in shown
    assert PROVERBS[0] in shown


def test_show_json_of_documents(corpora):
    facts = one_object(corpora("show", "proverbs.txt", "--documents", "lines", "--split", "80,20", "--json"))
    text = "".join(line + "\n" for line in PROVERBS)
    assert facts["characters"] == facts["bytes"] == len(text)
    assert facts["distinct_characters"] == len(set(text) - {"\n"})
    assert facts["documents"] == 200
    assert list(facts["split"]) == ["train", "val"]
    assert sum(part["documents"] for part in facts["split"].values()) == 200
    assert facts["first_lines"][0] == PROVERBS[0]
    assert facts["notices"] == []
    assert facts["leaks"][0]["split"] == "val"


def test_show_says_how_the_text_was_read(corpora, tmp_path):
    (tmp_path / "old.txt").write_bytes(("Die Straße führt über die große Brücke.\n" * 50).encode("cp1252"))
    assert "old.txt: not UTF-8 (0xdf at byte 8, line 1); read as cp1252" in output(corpora("show", "old.txt"))


def test_show_a_named_corpus(corpora):
    shown = output(corpora("show", "python-docs"))
    for words in ("licence PSF-2.0", "citation Python Software Foundation", "whole topics by a seeded draw", "test "):
        assert words in shown


def test_show_names_leaks(corpora, tmp_path):
    (tmp_path / "twice.txt").write_text(("\n".join(PROVERBS[:60]) + "\n") * 2)
    assert "100.00% of val" in output(corpora("show", "twice.txt"))


def test_show_a_text_too_short_to_split(corpora, tmp_path):
    (tmp_path / "tiny.txt").write_text("hi")
    assert "too few to split 90,5,5" in output(corpora("show", "tiny.txt"))
    facts = one_object(corpora("show", "tiny.txt", "--json"))
    assert facts["split"] is None


def test_show_does_not_act_on_the_terminal(corpora, tmp_path):
    (tmp_path / "log.txt").write_text("\x1b[31mred\x1b[0m [bold]plain[/bold] :smile:\n" * 40)
    shown = corpora("show", "log.txt").stdout
    assert "\x1b" not in shown
    assert "·[31mred·[0m [bold]plain[/bold] :smile:" in shown


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("show", "nothing.txt"), "No such file or folder: nothing.txt"),
        (("show", "proverbs.txt", "--split", "90,20"), "sums to 110"),
        (("show", "proverbs.txt", "--encoding", "utf-9"), "no text encoding"),
        (("fetch", "tinyshakespear"), "Did you mean tinyshakespeare"),
        (("fetch", "python-docs", "--corpus-dir", "nowhere"), "no folder"),
    ],
)
def test_bad_input_is_refused(corpora, arguments, problem):
    result = corpora(*arguments)
    assert isinstance(result.exception, InputError)
    assert problem in str(result.exception)
    assert result.stdout == ""


def test_own_splits_take_no_other_split(corpora, tmp_path):
    (tmp_path / "cut").mkdir()
    for name in ("train", "val"):
        (tmp_path / "cut" / f"{name}.txt").write_text(f"{name} " * 100)
    assert one_object(corpora("show", "cut", "--json"))["split"]["val"]["characters"] == 400
    assert "its own splits" in str(corpora("show", "cut", "--split", "80,20").exception)


def test_fetch_says_where_the_text_lies(corpora, tmp_path, monkeypatch):
    (tmp_path / "tinyshakespeare.txt").write_bytes(b"First Citizen:\n")
    monkeypatch.setattr(tinyshakespeare, "SHA256", hashlib.sha256(b"First Citizen:\n").hexdigest())
    facts = one_object(corpora("fetch", "tinyshakespeare", "--corpus-dir", ".", "--json"))
    assert facts["path"] == str(tmp_path / "tinyshakespeare.txt")
    result = corpora("fetch", "tinyshakespeare", "--corpus-dir", ".")
    assert str(tmp_path / "tinyshakespeare.txt") in result.stdout
