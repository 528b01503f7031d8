"""An n-gram run as an ARPA file and back."""

import json

import pytest

import inkloom
from inkloom.cli.main import run as command


@pytest.fixture(scope="module")
def ngram_run(tmp_path_factory, text_file):
    out = tmp_path_factory.mktemp("runs") / "ngram"
    return inkloom.train(text_file, model="ngram", overrides=["model.order=3"], out=out)


def test_the_way_out_and_back_keeps_every_score(ngram_run, text_file, tmp_path, capsys):
    file = tmp_path / "model.arpa"
    assert command(["export", str(ngram_run.directory.path), "--to", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == file.stat().st_size
    assert file.read_text(encoding="utf-8").startswith("\\data\\\nngram 1=")
    back = inkloom.train(text_file, model="ngram", overrides=[f"model.arpa={file}"], out=tmp_path / "back")
    assert back.model.order == 3
    for split in ("val", "test"):
        expected = ngram_run.summary()[split]["nats_per_char"]
        assert back.summary()[split]["nats_per_char"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "model.bin"], "ends in .arpa"),
        (["--to", "there.arpa"], "there already"),
    ],
)
def test_what_cannot_be_written_is_refused(ngram_run, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.arpa").write_text("mine")
    assert command(["export", str(ngram_run.directory.path), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert (tmp_path / "there.arpa").read_text() == "mine"


def test_a_network_has_no_arpa_form(finished_run, tmp_path, capsys):
    assert command(["export", str(finished_run), "--to", str(tmp_path / "a.arpa")]) == 2
    assert "only ngram" in capsys.readouterr().err
