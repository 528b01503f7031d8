"""`inkloom demo NAME`."""

import json

from inkloom.cli.main import run as inkloom
from inkloom.corpus import load_corpus


def test_an_unknown_demo_is_refused_in_one_line(capsys):
    assert inkloom(["demo", "masks"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Did you mean mask?" in error
    assert "mask, patterns, shakespeare" in error


def test_the_mask_demo_tells_what_it_measured(text_file, tmp_path, monkeypatch, capsys):
    corpus = load_corpus(text_file)
    monkeypatch.setattr("inkloom.api.load_corpus", lambda *_: corpus)
    monkeypatch.chdir(tmp_path)
    assert inkloom(["demo", "mask", "--budget", "1s", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"masked", "unmasked", "report"} <= told.keys()
    assert (tmp_path / told["report"]).exists()
    assert inkloom(["demo", "mask", "--budget", "1s"]) == 0
    printed = capsys.readouterr().out
    assert f"{told['unmasked']['training_loss']:.4f}" in printed
    assert "report.html" in printed
