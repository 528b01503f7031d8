"""What the user reads: messages and progress on stderr, results on stdout, colours that vanish when piped."""

import json
import logging
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

WIDTH_WHEN_PIPED = 100


def messages() -> Console:
    """The console of everything that is not a result."""
    return _console(sys.stderr)


def results() -> Console:
    """The console of what was asked for."""
    return _console(sys.stdout)


def print_json(value: Mapping[str, Any]) -> None:
    """The one JSON object of `--json`. Text outside ASCII is escaped, so it survives any terminal's encoding."""
    print(json.dumps(value, allow_nan=False))


def say(message: str) -> None:
    """One line on stderr; markup in it is text."""
    messages().print(Text(message), soft_wrap=True)


def say_error(message: str) -> None:
    """One line on stderr that is marked as an error."""
    messages().print(Text.assemble(("Error: ", "bold red"), " ".join(message.split())), soft_wrap=True)


class _ToConsole(logging.Handler):
    """The log of the program, as plain lines on stderr; markup in a message is text."""

    def emit(self, record: logging.LogRecord) -> None:
        style = "yellow" if record.levelno >= logging.WARNING else ""
        label = "Note: " if record.levelno >= logging.WARNING else ""
        messages().print(Text.assemble((label, style), record.getMessage()), soft_wrap=True)


def show_log(level: int = logging.INFO) -> None:
    """Send what the packages announce to stderr."""
    log = logging.getLogger("inkloom")
    log.handlers[:] = [_ToConsole()]
    log.setLevel(level)
    log.propagate = False


def _console(file: Any) -> Console:
    return Console(file=file, highlight=False, width=None if file.isatty() else WIDTH_WHEN_PIPED)
