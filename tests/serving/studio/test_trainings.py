"""The queue of trainings, with a stand-in for `inkloom` whose behaviour is known."""

import json
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from inkloom.errors import InputError
from inkloom.runs.directory import RunDirectory
from inkloom.serving.studio.trainings import MOST_SECONDS, Order, State, Trainings, reported_error

STAND_IN = """
import json, pathlib, signal, sys, time
arguments = sys.argv[1:]
out = next(a.partition("=")[2] for a in arguments if a.startswith(("--out=", "--resume=")))
name = pathlib.Path(out).name
pathlib.Path(out).mkdir(parents=True, exist_ok=True)
def stop(*_):
    (pathlib.Path(out) / "saved").write_text("")
    sys.exit(130)
signal.signal(signal.SIGTERM, stop)
(pathlib.Path(out) / "config.json").write_text("{}")
(pathlib.Path(out) / "arguments.json").write_text(json.dumps(arguments))
if name.startswith("fails"):
    print(json.dumps({"error": "The text /home/anna/x.txt is too short."}))
    sys.exit(2)
if name.startswith("crashes"):
    sys.exit(9)
while name.startswith("lasts"):
    time.sleep(0.02)
(pathlib.Path(out) / "evaluation.json").write_text("{}")
"""


@pytest.fixture
def trainings(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(STAND_IN)
    trainings = Trainings(tmp_path / "runs", (sys.executable, str(program)))
    yield trainings
    trainings.close()


def order(name: str) -> Order:
    return Order(name, "python_docs", "lstm", seconds=60, seed=3)


def until(happened, seconds=30.0) -> None:
    """Wait until something has happened."""
    tick = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if happened():
            return
        tick.wait(0.02)
    raise AssertionError("it never happened")


def test_a_training_runs_to_its_end(trainings):
    training = trainings.start(order("short"))
    until(lambda: training.state.over)
    assert (training.state, training.message) == (State.FINISHED, "")
    given = json.loads((trainings.runs / "short" / "arguments.json").read_text())
    assert given[:2] == ["train", "--json"]
    assert given[-2:] == ["--", "python_docs"]
    assert "--budget=60s" in given
    assert "--seed=3" in given


def test_one_runs_and_the_others_wait(trainings):
    first, second = trainings.start(order("lasts")), trainings.start(order("short"))
    until(lambda: first.directory.config_file.exists())
    assert (first.state, second.state) == (State.RUNNING, State.WAITING)
    first.stop()
    until(lambda: second.state.over)
    assert [training.state for training in trainings] == [State.STOPPED, State.FINISHED]


def test_one_that_is_stopped_has_saved_itself_and_goes_on(trainings):
    training = trainings.start(order("lasts"))
    until(training.directory.config_file.exists)
    training.stop()
    assert training.state is State.STOPPING
    until(lambda: training.state.over)
    assert training.state is State.STOPPED
    assert (training.directory.path / "saved").exists()
    again = trainings.resume(training.directory)
    until(lambda: again.state is State.RUNNING and "--resume" in (again.directory.path / "arguments.json").read_text())
    assert trainings.find("lasts") is again


def test_one_is_stopped_right_at_its_start_even_where_ctrl_c_is_ignored(trainings):
    """As in a server that a script has started with `&`: what ignores SIGINT hands that on to its processes."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        training = trainings.start(order("lasts"))
        until(lambda: training.state is State.RUNNING)
        training.stop()
        until(lambda: training.state.over)
    finally:
        signal.signal(signal.SIGINT, before)
    assert training.state is State.STOPPED


def test_one_that_waits_does_not_begin_when_it_is_stopped(trainings):
    first, second = trainings.start(order("lasts")), trainings.start(order("short"))
    until(first.directory.config_file.exists)
    second.stop()
    first.stop()
    until(lambda: first.state.over)
    assert second.state is State.STOPPED
    assert not second.directory.path.exists()


def test_an_error_is_told_without_the_folders_it_names(trainings):
    training = trainings.start(order("fails"))
    until(lambda: training.state.over)
    assert (training.state, training.message) == (State.FAILED, "The text x.txt is too short.")


def test_a_crash_is_told_too(trainings):
    training = trainings.start(order("crashes"))
    until(lambda: training.state.over)
    assert "exit code 9" in training.message


def test_a_name_that_is_taken_is_refused(trainings):
    trainings.start(order("lasts"))
    trainings.start(order("waits"))
    for name in ("lasts", "waits"):
        with pytest.raises(InputError, match="already"):
            trainings.start(order(name))
    (trainings.runs / "there").mkdir(parents=True)
    with pytest.raises(InputError, match="already"):
        trainings.start(order("there"))


def test_neither_a_running_nor_a_finished_one_is_resumed(trainings):
    running = trainings.start(order("lasts"))
    with pytest.raises(InputError, match="at work"):
        trainings.resume(running.directory)
    done = RunDirectory(trainings.runs / "done")
    done.path.mkdir(parents=True, exist_ok=True)
    done.evaluation_file.write_text("{}")
    with pytest.raises(InputError, match="finished"):
        trainings.resume(done)


def test_when_the_server_ends_a_training_saves_itself(trainings):
    training, waiting = trainings.start(order("lasts")), trainings.start(order("short"))
    until(training.directory.config_file.exists)
    trainings.close()
    assert (training.directory.path / "saved").exists()
    assert (training.state, waiting.state) == (State.STOPPED, State.STOPPED)
    with pytest.raises(InputError, match="stopping"):
        trainings.start(order("late"))


@pytest.mark.skipif(sys.platform == "win32", reason="sessions are POSIX's")
def test_ctrl_c_in_the_servers_terminal_does_not_reach_a_training(trainings):
    training = trainings.start(order("lasts"))
    until(training.directory.config_file.exists)
    assert os.getsid(training._process.pid) != os.getsid(0)


@pytest.mark.parametrize(
    "name", ["", "../up", "a/b", ".hidden", "-option", "with space", "<script>", "a" * 65, "ünïcode", "a\nb", "a\0"]
)
def test_names_that_are_no_plain_folder_are_refused(name):
    with pytest.raises(InputError, match="cannot be called"):
        order(name)


def test_what_is_not_there_is_refused_before_anything_starts():
    with pytest.raises(InputError, match="named corpus"):
        Order("x", "--overwrite", "lstm", 60)
    with pytest.raises(InputError, match="model"):
        Order("x", "python_docs", "--help", 60)
    for seconds in (0, -1, MOST_SECONDS + 1):
        with pytest.raises(InputError, match="seconds"):
            Order("x", "python_docs", "lstm", seconds)
    with pytest.raises(InputError, match="seed"):
        Order("x", "python_docs", "lstm", 60, seed=-1)


def test_no_value_can_be_taken_for_an_option():
    arguments = Order("x", Path("/texts/-rf.txt"), "lstm", 60).arguments(Path("runs/x"))
    assert arguments[arguments.index("--") + 1 :] == ["/texts/-rf.txt"]


@pytest.mark.parametrize(
    ("output", "said"), [("", ""), ("no json", ""), ("[1]", ""), ('{"error": "E"}', "E"), ("{}", "")]
)
def test_what_json_reports_of_an_error(output, said):
    assert reported_error(output) == said
