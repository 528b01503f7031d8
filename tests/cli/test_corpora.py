"""`inkloom corpora list|show|fetch`: tables for people, one JSON object for programs."""

import json

import pytest
from typer.testing import CliRunner

from inkloom.cli.corpora import app
from inkloom.corpus.named import fortunes, tinyshakespeare
from inkloom.errors import InputError
from tests.corpus.publishing import publish
from tests.corpus.server import serving

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


def test_list_names_every_corpus_with_size_and_licence(corpora):
    shown = output(corpora("list"))
    for name in ("shakespeare", "python-docs", "tinyshakespeare", "fortunes", "text8", "enwik8"):
        assert name in shown
    assert "wikitext-103 542.0 MB no CC BY-SA 3.0 and GFDL" in shown
    assert "lm1b 4.2 GB no none stated" in shown
    assert "python-docs" in shown
    assert "yes PSF-2.0" in shown


def test_list_json(corpora):
    rows = {row["name"]: row for row in one_object(corpora("list", "--json"))["corpora"]}
    assert rows["python-docs"]["path"].endswith(".py")
    assert rows["python-docs"]["characters"] > 100_000
    assert rows["python-docs"]["bytes"] >= rows["python-docs"]["characters"]
    assert rows["tinyshakespeare"]["characters"] == 1_115_394
    assert rows["shakespeare"]["documents"] == 38
    assert rows["lm1b"]["download"]["bytes"] == 1_792_209_805
    assert rows["lm1b"]["path"] is None
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


def test_show_of_a_corpus_that_is_not_here_fetches_nothing(corpora):
    shown = output(corpora("show", "WikiText103"))
    for words in (
        "It is not here. `inkloom corpora fetch WikiText103` brings it, a download of 190.2 MB.",
        "about 542.0 MB",
        "190,229,076 bytes, SHA-256 242ba0f20b329cfdf1ccc61e9e9e5b59becf189db7f7a81cd2a0e2fc31539590",
        "arXiv 1609.07843",
        "its own three files",
    ):
        assert words in shown
    facts = one_object(corpora("show", "lm1b", "--json"))
    assert facts["path"] is None
    assert facts["documents"] == 30_313_309


def test_a_file_goes_before_a_named_corpus(corpora, tmp_path):
    (tmp_path / "enwik8").write_text("my own text\n" * 100)
    assert one_object(corpora("show", "enwik8", "--json"))["characters"] == 1200


def test_show_of_a_large_text_leaves_out_what_takes_minutes(corpora, monkeypatch):
    monkeypatch.setattr("inkloom.cli.corpora.LARGE", 1000)
    facts = one_object(corpora("show", "proverbs.txt", "--json"))
    assert facts["characters"] == sum(len(line) + 1 for line in PROVERBS)
    assert facts["distinct_characters"] is None
    assert "leaks" not in facts
    assert "alphabet" not in output(corpora("show", "proverbs.txt"))


def test_fetch_says_where_the_texts_lie(corpora, tmp_path, monkeypatch):
    (tmp_path / "tinyshakespeare.txt").write_bytes(b"First Citizen:\n")
    publish(monkeypatch, tinyshakespeare, b"First Citizen:\n")
    with serving(b"Don't panic.\n") as server:
        publish(monkeypatch, fortunes, server.data, server.url())
        asked = ("fetch", "tinyshakespeare", "fortunes", "python_docs", "--corpus-dir", ".")
        facts = one_object(corpora(*asked, "--json"))["corpora"]
    assert [row["name"] for row in facts] == ["tinyshakespeare", "fortunes", "python-docs"]
    assert facts[0]["path"] == str(tmp_path / "tinyshakespeare.txt")
    assert facts[1]["path"].endswith("/corpora/fortunes.txt")
    shown = corpora(*asked).stdout
    assert f"tinyshakespeare: 1.1 MB, in {tmp_path / 'tinyshakespeare.txt'}" in shown
    assert facts[1]["path"] in shown


def test_an_unknown_name_is_refused_before_anything_is_fetched(corpora, monkeypatch):
    with serving(b"Don't panic.\n") as server:
        publish(monkeypatch, fortunes, server.data, server.url())
        assert "'fortune' is no named corpus" in str(corpora("fetch", "fortunes", "fortune").exception)
        assert server.paths == []


def test_show_of_a_dataset_of_the_hub_that_is_not_here_asks_nobody(corpora):
    shown = output(corpora("show", "hf:wise/sayings:short", "--text-column", "saying"))
    assert "`inkloom corpora fetch hf:wise/sayings:short` brings it." in shown
    assert "source https://huggingface.co/datasets/wise/sayings" in shown
    assert "one running text" not in shown
    assert "names no dataset of the hub" in str(corpora("show", "hf:wise").exception)
