"""`inkloom compare` as a user types it."""

import json
import re

import pytest

from inkloom.cli.compare import compact
from inkloom.cli.main import run as inkloom
from tests.experiments.comparisons import TINY

OPTIONS = ["--models", "rnn,gru", "--tokens", "640", "--seeds", "1"]
WINDOW = ["-o", "training.seq_len=16"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def arguments(text_file):
    overrides = [part for override in TINY for part in ("-o", override)]
    return ["compare", str(text_file), *OPTIONS, *overrides]


def test_json_is_one_object_with_the_promised_keys(arguments, capsys, tmp_path):
    assert inkloom([*arguments, *WINDOW, "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1
    found = json.loads(printed.out)
    assert found["report"] == "comparisons/reference/report.html"
    assert (tmp_path / found["report"]).is_file()
    for row in found["rows"]:
        assert row.keys() >= {"model", "seq_len", "bits_per_char", "seconds", "parameters", "tokens_seen"}
        assert row["bits_per_char"].keys() == {"mean", "low", "high"}
        assert row["seq_len"] == 16
    assert "Run 2 of 2" in printed.err
    assert "Leak check" in printed.err


def test_the_table_fits_80_columns(arguments, capsys, monkeypatch):
    monkeypatch.setattr("inkloom.cli.terminal.WIDTH_WHEN_PIPED", 80)
    assert inkloom([*arguments, "--models", "rnn", "--seq-lens", "4,16", "--out", "out"]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    ranks = re.findall(r"^(\d)  rnn (4|16) ", printed, re.MULTILINE)
    assert [rank for rank, _ in ranks] == ["1", "2"]
    assert "peak memory" in printed
    assert "Report: out/report.html" in printed


def test_bad_input_is_one_line_and_nothing_is_written(text_file, capsys, tmp_path):
    assert inkloom(["compare", str(text_file), "--models", "lstm,trafo", "--json"]) == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"].startswith("'trafo' is no model.")
    assert len([line for line in printed.err.splitlines() if line.startswith("Error: ")]) == 1
    assert list(tmp_path.iterdir()) == []


def test_help(capsys):
    assert inkloom(["compare", "--help"]) == 0
    printed = capsys.readouterr().out
    for option in (
        "--models",
        "--recipe",
        "--seq-lens",
        "--budget",
        "--tokens",
        "--epochs",
        "--parameters",
        "--seeds",
        "--out",
    ):
        assert option in printed


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0"), (999, "999"), (999.6, "1k"), (1234, "1.23k"), (999_600, "1M"), (1_234_567, "1.23M"), (5e9, "5G")],
)
def test_compact_numbers(value, expected):
    assert compact(value) == expected
