"""The command, as a user meets it: a process, a port, curl and Ctrl-C."""

import json
import re
import shlex
import signal
import subprocess
import urllib.request

import pytest

from inkloom.cli.main import run as inkloom

from .process import Serving


@pytest.fixture(scope="module")
def serving(finished_run):
    server = Serving(finished_run)
    yield server
    server.kill()


def test_it_says_what_is_served_and_where(serving):
    assert "tiny" in serving.printed
    assert "lstm" in serving.printed
    assert re.search(r"[\d,]+ parameters", serving.printed)


def test_its_example_works_as_it_stands(serving):
    (command,) = [line for line in serving.printed.splitlines() if line.startswith("curl ")]
    answer = subprocess.run([*shlex.split(command), "-sS"], capture_output=True, check=True)
    assert json.loads(answer.stdout)["usage"]["completion_tokens"] > 0


def test_a_taken_port_is_one_line(serving, finished_run, capsys):
    port = serving.url.rpartition(":")[2]
    assert inkloom(["serve", str(finished_run), "--port", port]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"Error: Port {port} of 127.0.0.1 is taken, perhaps by another `inkloom serve`. Give another --port."


def test_text_streams_while_it_is_written(serving):
    body = {"prompt": "The ", "max_tokens": 50, "stream": True, "seed": 1}
    request = urllib.request.Request(
        f"{serving.url}/v1/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as reply:
        lines = [line for line in reply if line.strip()]
    assert lines[-1] == b"data: [DONE]\n"
    assert "".join(json.loads(line[6:])["choices"][0]["text"] for line in lines[:-1])


def test_ctrl_c_stops_at_once_whatever_is_being_written(finished_run):
    server = Serving(finished_run, INKLOOM_API_KEY="secret")
    assert "secret" not in server.printed
    body = {"prompt": "The ", "max_tokens": 8000, "stream": True, "logit_bias": {"1": -100}}
    head = ["-H", "Content-Type: application/json", "-H", "Authorization: Bearer secret"]
    command = ["curl", "-sSN", f"{server.url}/v1/completions", *head, "-d", json.dumps(body)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as curl:
        assert curl.stdout.readline().startswith("data: ")
        errors, seconds = server.stop()
        rest = curl.stdout.read()
    assert errors == "Stopped.\n"
    assert server.process.returncode == 130
    assert seconds < 20  # of a busy machine; it is about 0.3
    assert "The server is stopping." in rest


def test_it_is_stopped_even_where_ctrl_c_is_ignored(finished_run):
    """As in a script that starts it with `&`."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        server = Serving(finished_run)
        urllib.request.urlopen(f"{server.url}/health").close()  # before it listens, the signal is still ignored
        errors, _ = server.stop()
    finally:
        signal.signal(signal.SIGINT, before)
    assert errors == "Stopped.\n"
    assert server.process.returncode == 130


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "Runs there:"),
        (["RUN", "RUN"], "Two runs are called tiny"),
        (["RUN", "--port", "70000"], "serve.port"),
        (["RUN", "--max-concurrency", "0"], "serve.max_concurrency"),
        (["RUN", "--host", "192.0.2.1"], "--host"),
    ],
)
def test_wrong_input_is_one_line(finished_run, capsys, arguments, words):
    assert inkloom(["serve", *(str(finished_run) if one == "RUN" else one for one in arguments)]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert words in errors[0]


def test_without_a_run_and_without_a_studio_there_is_nothing_to_serve(monkeypatch, capsys):
    monkeypatch.setattr("inkloom.serving.studio.installed", lambda: False)
    assert inkloom(["serve"]) == 2
    assert "inkloom[studio]" in capsys.readouterr().err
