"""The application behind a socket, from start to Ctrl-C."""

import errno
import json
import shlex
import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from inkloom.errors import InputError, InterruptedByUserError
from inkloom.serving.engine import Engine
from inkloom.serving.settings import ServerSettings

BACKLOG = 2048
LAST_SECONDS = 3
"""How long open connections are waited for at the end. Texts end at once; this is for what else there may be."""

EXAMPLE_PROMPTS = ("Once upon a time", "The ", "")


def listen(settings: ServerSettings) -> socket.socket:
    """The socket to serve at. InputError where the address cannot be had: bind first, load models later."""
    host, port = settings.host, settings.port
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"Port {port} of {host} is taken, perhaps by another `inkloom serve`. Give another --port."
        elif error.errno == errno.EACCES:
            message = f"Port {port} is reserved for the system. Give a --port from 1024 on."
        else:
            message = f"Cannot listen at {host}: {error.strerror or error}. Give --host an address of this machine."
        raise InputError(message) from error


def address(listening: socket.socket) -> str:
    """Where a server that listens there is reached from this machine."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def example(engine: Engine, url: str, with_key: bool) -> str:
    """A curl command that works."""
    prompt = next(text for text in EXAMPLE_PROMPTS if engine.vocabulary.knows(text))
    body = json.dumps({"model": engine.name, "prompt": prompt, "max_tokens": 100})
    key = ' -H "Authorization: Bearer $INKLOOM_API_KEY"' if with_key else ""
    return f"curl {url}/v1/completions -H 'Content-Type: application/json'{key} -d {shlex.quote(body)}"


def run(app: FastAPI, listening: socket.socket) -> None:
    """Serve until a signal ends it. Raises InterruptedByUserError after Ctrl-C."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=LAST_SECONDS,
    )
    server = _Server(config, app)
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        raise InterruptedByUserError("Stopped.") from None
    if server.interrupted:  # by a SIGINT that does not raise, since the server was started with it ignored
        raise InterruptedByUserError("Stopped.")


class _Server(uvicorn.Server):
    """Ends all texts as soon as it is to stop: uvicorn would wait until they are finished."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._engines = app.state.engines
        self.interrupted = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.interrupted |= sig == signal.SIGINT
        super().handle_exit(sig, frame)
        self._engines.close()
