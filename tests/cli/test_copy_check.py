"""`inkloom generate --copy-check`."""

import json
import shutil

import pytest

from inkloom.cli import copies
from inkloom.cli.main import run as inkloom
from inkloom.generation.samples import Sample
from inkloom.runs.run import Run


@pytest.fixture
def quotation(text_file) -> str:
    return text_file.read_text(encoding="utf-8")[5000:5060]


@pytest.fixture
def run_that_quotes(finished_run, quotation, monkeypatch):
    """A run that writes two samples, the first with 60 characters of its train text."""
    written = [Sample(f"Gnu? {quotation}", (), "length", 0.0), Sample("Nothing is here.", (), "length", 0.0)]
    monkeypatch.setattr(Run, "generate", lambda run, prompt, **settings: written)
    return str(finished_run)


def test_quotations_are_marked_and_placed(run_that_quotes, quotation, capsys):
    assert inkloom(["generate", run_that_quotes, "--copy-check", "--num-samples", "2"]) == 0
    printed = capsys.readouterr().out
    assert f"Gnu? ⟦{quotation}⟧\n" in printed
    assert "60 characters of the training text" in printed
    assert "from character 5,000)" in printed
    assert "No span of 30 characters or more" in printed
    assert "held-out text" in printed


def test_json_has_a_copy_report_for_each_sample(run_that_quotes, quotation, text_file, capsys):
    assert inkloom(["generate", run_that_quotes, "--copy-check", "--num-samples", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    quoting, other = (sample["copy"] for sample in found["samples"])
    (span,) = quoting["spans"]
    assert (span["text"], span["start"], span["offset"]) == (quotation, 5, 5000)
    assert span["line"] == 1 + text_file.read_text(encoding="utf-8")[:5000].count("\n")
    assert quoting["novel_chars"]["15"] < 0.4 < other["novel_chars"]["15"] == 1
    assert found["held_out_copy"]["longest"] < 60


def test_a_terminal_that_lacks_the_brackets_gets_plain_ones(monkeypatch):
    class Old:
        encoding = "cp1252"

    monkeypatch.setattr(copies.sys, "stdout", Old())
    assert copies.brackets() == ("[[", "]]")


def test_a_stream_cannot_be_checked(finished_run, capsys):
    assert inkloom(["generate", str(finished_run), "--copy-check", "--stream"]) == 2
    assert "--stream" in capsys.readouterr().err


def test_the_text_of_the_run_must_be_there(finished_run, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "corpus_sha256": "another"}))
    assert inkloom(["generate", str(run), "--copy-check"]) == 2
    assert "has changed" in capsys.readouterr().err
