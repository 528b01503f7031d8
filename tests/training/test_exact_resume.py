"""A run that is killed at any moment and resumed ends as if it had never stopped: the same bytes.

What is killed or interrupted is a process of its own; what is not runs here, for PyTorch takes seconds to start.
"""

import csv
import signal
import subprocess
import sys
import time

import pytest

from inkloom.cli.main import run as inkloom

ARGUMENTS = (
    *("--steps", "400", "--batch-size", "4", "--seq-len", "16", "--seed", "3"),
    *("-o", "model.hidden_size=16", "-o", "model.embedding_size=8", "-o", "model.dropout=0.3"),
    *("-o", "training.checkpoint_seconds=0.1", "-o", "training.samples=2"),
)
AVERAGED = ("-o", "training.averaging=0.3", "-o", "model.weight_drop=0.3", "-o", "model.locked_dropout=true")


def train(*arguments):
    """`inkloom train` in this process."""
    assert inkloom(["train", *map(str, arguments)]) == 0


def start(*arguments, **options):
    """`inkloom train` in a process of its own."""
    return subprocess.Popen([sys.executable, "-m", "inkloom", "train", *map(str, arguments)], **options)


def lines(run):
    """How many metrics.csv has."""
    file = run / "metrics.csv"
    return len(file.read_text().splitlines()) if file.exists() else 0


def rows(run):
    """metrics.csv, times aside."""
    with (run / "metrics.csv").open(newline="") as file:
        return [{name: cell for name, cell in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def kill_when(process, reached):
    """SIGKILL once `reached()` holds; the process must still be at work."""
    while not reached():
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("batching", "more", "moments"),
    [("streams", (), (0, 20, 120)), ("windows", (), (120,)), ("random_streams", AVERAGED, (120,))],
)
def test_killed_runs_end_with_the_same_bytes(tmp_path, text_file, batching, more, moments):
    """moments: lines of metrics.csv after which it is killed; 0 is before PyTorch is there."""
    arguments = (text_file, *ARGUMENTS, "-o", f"training.batching={batching}", *more)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(*arguments, "--out", whole)
    order = (*arguments, "--out", cut)
    for moment in moments:
        process = start(*order, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        kill_when(process, lambda moment=moment: lines(cut) > moment if moment else (cut / "config.json").exists())
        order = ("--resume", cut)
    train(*order)
    assert (cut / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert rows(cut) == rows(whole)
    assert (cut / "samples.txt").read_bytes() == (whole / "samples.txt").read_bytes()


def test_resuming_a_finished_run_changes_nothing(finished_run):
    before = {file: file.read_bytes() for file in finished_run.rglob("*") if file.is_file()}
    train("--resume", finished_run)
    assert {file: file.read_bytes() for file in finished_run.rglob("*") if file.is_file()} == before


@pytest.fixture(scope="module")
def whole(tmp_path_factory, text_file):
    """A run that nobody has stopped."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    train(text_file, *ARGUMENTS, "--out", out)
    return out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_the_run_goes_on(tmp_path, text_file, whole, number):
    run = tmp_path / "run"
    with start(
        text_file, *ARGUMENTS, "--out", run, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        while lines(run) < 30:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.005)
        process.send_signal(number)
        _, messages = process.communicate()
    assert process.returncode == 130
    assert f"inkloom train --resume {run}" in messages.splitlines()[-1]
    assert (run / "checkpoints" / "last.ckpt").exists()
    assert (run / "model.safetensors").exists()
    assert not (run / "evaluation.json").exists()
    train("--resume", run)
    assert rows(run) == rows(whole)
