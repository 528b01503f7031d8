"""Trainings that were started in a browser: one at a time, each a process of its own as from the command line.

A process is stopped by SIGTERM: it saves and can go on later. SIGINT would be lost where it is ignored by inheritance
(a server that a script started with `&`), or comes while a library that catches every error is imported. A process is
started from a list of arguments, never through a shell, in a session of its own, so that Ctrl-C in the server's
terminal reaches it by `close` alone.
"""

import enum
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from inkloom.corpus.named import CORPORA
from inkloom.errors import InputError
from inkloom.models import MODELS
from inkloom.runs.directory import RUNS, RunDirectory
from inkloom.serving.studio.wording import without_paths

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LEAST_SECONDS, MOST_SECONDS = 1, 24 * 3600
MOST_SEED = 2**32 - 1

SECONDS_TO_SAVE = 20.0
"""How long the server waits, when it ends, for a training to save itself."""

INTERRUPTED = 130
INKLOOM = (sys.executable, "-m", "inkloom")


class State(enum.StrEnum):
    """Where a training stands; the values are what people read."""

    WAITING = "waiting for its turn"
    RUNNING = "training"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FINISHED = "finished"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        return self in (State.STOPPED, State.FINISHED, State.FAILED)


@dataclass(frozen=True)
class Order:
    """What to train, checked.

    name: of the run. text: a named corpus, or a stored text's path. seconds: of wall time.
    """

    name: str
    text: str | Path
    model: str
    seconds: int
    seed: int = 0

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InputError(
                f"A run cannot be called {self.name!r}. Use up to 64 letters, digits, dots, dashes and underscores, "
                "beginning with a letter or a digit."
            )
        if isinstance(self.text, str):
            CORPORA.canonical(self.text)
        MODELS.canonical(self.model)
        if not LEAST_SECONDS <= self.seconds <= MOST_SECONDS:
            raise InputError(
                f"A training takes {LEAST_SECONDS} to {MOST_SECONDS:,} seconds; {self.seconds:,} were asked for."
            )
        if not 0 <= self.seed <= MOST_SEED:
            raise InputError(f"The seed is a whole number from 0 to {MOST_SEED:,}; {self.seed:,} was given.")

    def arguments(self, out: Path) -> list[str]:
        """Of `inkloom`. Each value stands behind an equals sign or the dashes, so that none is taken for an option."""
        return [
            "train",
            "--json",
            f"--model={self.model}",
            f"--budget={self.seconds}s",
            f"--seed={self.seed}",
            f"--out={out}",
            "--",
            str(self.text),
        ]


class Training:
    """One training, from the order to its end."""

    def __init__(self, directory: RunDirectory, command: Sequence[str]) -> None:
        self.directory = directory
        self.command = command
        self.state = State.WAITING
        self.message = ""
        """Why it failed, in one line."""

        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self.directory.path.name

    def run(self) -> None:
        """Train, and wait for the end."""
        with self._lock:
            if self.state is not State.WAITING:  # stopped before its turn
                return
            self.state = State.RUNNING
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
        output, _ = self._process.communicate()
        self._end(self._process.returncode, output)

    def stop(self) -> None:
        """Save and stop; one that waits does not begin. Returns at once."""
        with self._lock:
            if self.state is State.WAITING:
                self.state = State.STOPPED
            elif self.state is State.RUNNING and self._process is not None:
                self.state = State.STOPPING
                self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Until the process has ended, at most `seconds`; then it is killed."""
        if self._process is not None:
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def _end(self, code: int, output: str) -> None:
        if code == 0:
            self.state = State.FINISHED
        elif self.state is State.STOPPING or code == INTERRUPTED:
            self.state = State.STOPPED
        else:
            self.state = State.FAILED
            self.message = without_paths(reported_error(output) or f"The training ended with exit code {code}.")


class Trainings:
    """All trainings that this server was asked for, in order; a thread runs one after the other."""

    def __init__(self, runs: Path = RUNS, program: Sequence[str] = INKLOOM) -> None:
        """program: what takes the arguments of `inkloom`."""
        self.runs = runs
        self._program = program
        self._trainings: list[Training] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def __iter__(self) -> Iterator[Training]:
        return iter(list(self._trainings))

    def find(self, name: str) -> Training | None:
        """The newest training of a run."""
        return next((training for training in reversed(self._trainings) if training.name == name), None)

    def start(self, order: Order) -> Training:
        """Queue a new run. Raises InputError where one of that name is there or is waiting."""
        out = self.runs / order.name
        if out.exists() or (self.find(order.name) is not None and not self._find_over(order.name)):
            raise InputError(f"There is a run {order.name} already. Choose another name.")
        return self._queue(RunDirectory(out), order.arguments(out))

    def resume(self, directory: RunDirectory) -> Training:
        """Queue a run that was interrupted. Raises InputError where it is at work, or finished."""
        if directory.finished:
            raise InputError(f"{directory.path.name} is finished already.")
        if not self._find_over(directory.path.name):
            raise InputError(f"{directory.path.name} is at work already.")
        return self._queue(directory, ["train", "--json", f"--resume={directory.path}"])

    def close(self) -> None:
        """Stop all: those that run save themselves."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        for training in self:
            training.stop()
        for training in self:
            training.wait(SECONDS_TO_SAVE)
        if self._thread is not None:
            self._thread.join()

    def _find_over(self, name: str) -> bool:
        training = self.find(name)
        return training is None or training.state.over

    def _queue(self, directory: RunDirectory, arguments: Sequence[str]) -> Training:
        training = Training(directory, [*self._program, *arguments])
        with self._changed:
            if self._closed:
                raise InputError("The server is stopping.")
            self._trainings.append(training)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="inkloom-trainings", daemon=True)
                self._thread.start()
            self._changed.notify()
        return training

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._next() is not None)
                training = self._next()
                if self._closed or training is None:
                    return
            training.run()

    def _next(self) -> Training | None:
        return next((training for training in self._trainings if training.state is State.WAITING), None)


def reported_error(output: str) -> str:
    """What `--json` said about an error; empty where it said nothing."""
    try:
        report = json.loads(output)
    except ValueError:
        return ""
    return str(report.get("error", "")) if isinstance(report, dict) else ""
