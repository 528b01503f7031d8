"""A run that is killed at any moment and resumed ends as if it had never stopped: the same bytes."""

import csv
import signal
import subprocess
import sys
import time

import pytest

ARGUMENTS = (
    *("--steps", "400", "--batch-size", "4", "--seq-len", "16", "--seed", "3"),
    *("-o", "model.hidden_size=16", "-o", "model.embedding_size=8", "-o", "model.dropout=0.3"),
    *("-o", "training.checkpoint_seconds=0.1", "-o", "training.samples=2"),
)


def command(*arguments):
    return [sys.executable, "-m", "inkloom", "train", *map(str, arguments)]


def rows(run):
    """metrics.csv, times aside."""
    with (run / "metrics.csv").open(newline="") as file:
        return [{name: cell for name, cell in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def kill_when(process, reached):
    """SIGKILL once `reached()` holds; returns whether the process was still at work."""
    while process.poll() is None:
        if reached():
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.005)
    return False


AVERAGED = ("-o", "training.averaging=0.3", "-o", "model.weight_drop=0.3", "-o", "model.locked_dropout=true")


@pytest.mark.parametrize(("batching", "more"), [("streams", ()), ("windows", ()), ("random_streams", AVERAGED)])
def test_killed_runs_end_with_the_same_bytes(tmp_path, text_file, batching, more):
    arguments = (*ARGUMENTS, "-o", f"training.batching={batching}", *more)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    subprocess.run(command(text_file, *arguments, "--out", whole), check=True, capture_output=True)

    def lines():
        file = cut / "metrics.csv"
        return len(file.read_text().splitlines()) if file.exists() else 0

    kills = 0
    process = subprocess.Popen(command(text_file, *arguments, "--out", cut), stderr=subprocess.DEVNULL)
    # Before PyTorch is there, after the first rows, and in the middle.
    for reached in ((cut / "config.json").exists, lambda: lines() > 20, lambda: lines() > 120):
        kills += kill_when(process, reached)
        process = subprocess.Popen(command("--resume", cut), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    assert process.wait() == 0
    assert kills == 3
    assert (cut / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert rows(cut) == rows(whole)
    assert (cut / "samples.txt").read_bytes() == (whole / "samples.txt").read_bytes()


def test_resuming_a_finished_run_changes_nothing(finished_run):
    before = {file: file.read_bytes() for file in finished_run.rglob("*") if file.is_file()}
    ended = subprocess.run(command("--resume", finished_run), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert {file: file.read_bytes() for file in finished_run.rglob("*") if file.is_file()} == before


def test_ctrl_c_saves_and_the_run_goes_on(tmp_path, text_file):
    run = tmp_path / "run"
    process = subprocess.Popen(
        command(text_file, *ARGUMENTS, "--out", run), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    while not (run / "metrics.csv").exists() or len((run / "metrics.csv").read_text().splitlines()) < 30:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate()
    assert process.returncode == 130
    assert f"inkloom train --resume {run}" in messages.splitlines()[-1]
    assert (run / "checkpoints" / "last.ckpt").exists()
    assert (run / "model.safetensors").exists()
    assert not (run / "evaluation.json").exists()
    whole = tmp_path / "whole"
    subprocess.run(command("--resume", run), check=True, capture_output=True)
    subprocess.run(command(text_file, *ARGUMENTS, "--out", whole), check=True, capture_output=True)
    assert rows(run) == rows(whole)
