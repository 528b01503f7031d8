"""A local HTTP server with the faults that real ones have."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer(ThreadingHTTPServer):
    """Serves `data` under every path; tests set how it misbehaves, and find what was asked for."""

    def __init__(self, data: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.data = data
        self.headers: dict[str, str] = {}
        """Sent with every answer."""
        self.knows_ranges = True
        self.says_length = True
        self.breaks_after: tuple[int, ...] = ()
        """Bytes sent in the first answers, before the connection ends."""
        self.stalls_after: tuple[int, ...] = ()
        """The same, before nothing more comes."""
        self.delays: tuple[float, ...] = ()
        """Seconds of silence that the first answers are instead."""
        self.statuses: tuple[int, ...] = ()
        """What the first answers are instead."""
        self.redirects: dict[str, str] = {}
        """From a path to another."""
        self.ranges: list[str | None] = []
        self.paths: list[str] = []
        self.agents: list[str] = []
        self.over = threading.Event()

    def url(self, path: str = "file.txt") -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        server = self.server
        answer = len(server.paths)
        server.paths.append(self.path)
        server.ranges.append(self.headers["Range"])
        server.agents.append(self.headers["User-Agent"])
        if answer < len(server.delays):
            server.over.wait(server.delays[answer])
            return
        if self.path in server.redirects:
            self.send_response(302)
            self.send_header("Location", server.redirects[self.path])
            self.end_headers()
            return
        if answer < len(server.statuses):
            self.send_response(server.statuses[answer])
            self._end_headers()
            return
        start = int(self.headers["Range"][len("bytes=") : -1]) if self.headers["Range"] and server.knows_ranges else 0
        if start and start >= len(server.data):
            self.send_error(416)
            return
        body = server.data[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.data) - 1}/{len(server.data)}")
        if server.says_length:
            self.send_header("Content-Length", str(len(body)))
        self._end_headers()
        for faults in (server.breaks_after, server.stalls_after):
            if answer < len(faults):
                body = body[: faults[answer]]
        with contextlib.suppress(ConnectionError):  # a client that has seen enough leaves
            self.wfile.write(body)
        if answer < len(server.stalls_after):
            server.over.wait(10)

    def _end_headers(self) -> None:
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        del arguments


@contextlib.contextmanager
def serving(data: bytes) -> Iterator[FileServer]:
    """A server of `data` while the block runs."""
    server = FileServer(data)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
