"""Downloads against a local server that breaks off, forgets, lies and refuses."""

import hashlib
import io
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from inkloom.corpus import load_corpus
from inkloom.corpus.base import FetchError
from inkloom.corpus.download import ATTEMPTS, download
from inkloom.corpus.named import tinyshakespeare

DATA = b"".join(f"line {i}\n".encode() for i in range(60_000))
SHA256 = hashlib.sha256(DATA).hexdigest()
ADVICE = "Put the file into --corpus-dir."


class Server(ThreadingHTTPServer):
    """Serves `data`; tests set how it misbehaves."""

    data = DATA
    knows_ranges = True
    says_length = True
    breaks_after: tuple[int, ...] = ()  # bytes sent in the first answers, before the connection ends
    statuses: tuple[int, ...] = ()  # what the first answers are instead
    ranges: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        server = self.server
        answer = len(server.ranges)
        server.ranges.append(self.headers["Range"])
        if answer < len(server.statuses):
            self.send_error(server.statuses[answer])
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
        self.end_headers()
        self.wfile.write(body[: server.breaks_after[answer]] if answer < len(server.breaks_after) else body)

    def log_message(self, *arguments):
        del arguments


@pytest.fixture
def server():
    server = Server(("127.0.0.1", 0), Handler)
    server.ranges = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def fetch(server, tmp_path):
    def fetch(sha256=SHA256):
        path = tmp_path / "deep" / "file.txt"
        download(f"http://127.0.0.1:{server.server_port}/file.txt", path, sha256, advice=ADVICE, first_wait=0.001)
        return path

    return fetch


def test_a_file_comes_whole_and_is_not_fetched_again(server, fetch):
    path = fetch()
    assert path.read_bytes() == DATA
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]
    fetch()
    assert len(server.ranges) == 1


def test_a_broken_connection_goes_on_where_it_broke(server, fetch):
    server.breaks_after = (100_000, 50_000)
    assert fetch().read_bytes() == DATA
    assert server.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_a_killed_download_goes_on_in_the_next_run(server, fetch, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file.txt.part").write_bytes(DATA[:1234])
    assert fetch().read_bytes() == DATA
    assert server.ranges == ["bytes=1234-"]


def test_a_part_that_is_whole_needs_no_network(server, fetch, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file.txt.part").write_bytes(DATA)
    assert fetch().read_bytes() == DATA
    assert server.ranges == []


def test_a_server_without_ranges_starts_again(server, fetch):
    server.knows_ranges = False
    server.breaks_after = (100_000,)
    assert fetch().read_bytes() == DATA


@pytest.mark.parametrize("part", [b"x" * 1234, b"x" * (len(DATA) + 1)])
def test_a_part_of_another_file_is_thrown_away(server, fetch, tmp_path, part):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file.txt.part").write_bytes(part)
    assert fetch().read_bytes() == DATA


def test_wrong_bytes_are_deleted_and_said(server, fetch, tmp_path):
    server.data = b"<html>Please log in to this hotel's network</html>"
    with pytest.raises(FetchError, match=r"sent a file with the SHA-256 \w+…, not \w+…; it was deleted\. Put the file"):
        fetch()
    assert list((tmp_path / "deep").iterdir()) == []


def test_a_wrong_file_that_lies_there_is_replaced(fetch, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file.txt").write_bytes(b"damaged")
    assert fetch().read_bytes() == DATA


def test_a_server_that_recovers_is_asked_again(server, fetch):
    server.statuses = (503, 429)
    assert fetch().read_bytes() == DATA


def test_a_missing_file_is_not_asked_for_again(server, fetch):
    server.statuses = (404,) * 9
    with pytest.raises(FetchError, match=r"the server says 404 Not Found\. Put the file into --corpus-dir\.$"):
        fetch()
    assert len(server.ranges) == 1


def test_what_came_before_giving_up_is_kept(server, fetch, tmp_path):
    server.breaks_after = (1000,) * 99
    with pytest.raises(FetchError, match=r"the connection ended after 5,000 of .* What came is kept") as caught:
        fetch()
    assert "\n" not in str(caught.value)
    assert len(server.ranges) == ATTEMPTS
    assert (tmp_path / "deep" / "file.txt.part").read_bytes() == DATA[:5000]


def test_an_unstated_length_is_settled_by_the_hash(server, fetch):
    server.says_length = False
    assert fetch().read_bytes() == DATA


def test_without_a_network_one_line_says_what_to_do(tmp_path):
    with pytest.raises(
        FetchError, match=r"^Cannot fetch http://name.invalid/f.*Put the file into --corpus-dir"
    ) as caught:
        download("http://name.invalid/f", tmp_path / "f", SHA256, advice=ADVICE, first_wait=0.001)
    assert "\n" not in str(caught.value)


def test_a_place_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(FetchError, match=r"^Cannot write"):
        download(f"http://127.0.0.1:{server.server_port}/f", tmp_path / "file" / "f", SHA256, advice=ADVICE)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_progress_and_a_file_does_not(fetch, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    path = fetch()
    assert "file.txt" in sys.stderr.getvalue()
    path.unlink()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    fetch()
    assert sys.stderr.getvalue() == ""


def test_tinyshakespeare_is_downloaded_once(server, tmp_path, monkeypatch):
    monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(tinyshakespeare, "URL", f"http://127.0.0.1:{server.server_port}/input.txt")
    monkeypatch.setattr(tinyshakespeare, "SHA256", SHA256)
    assert load_corpus("tinyshakespeare").whole.texts == (DATA.decode(),)
    assert load_corpus("tinyshakespeare").name == "tinyshakespeare"
    assert len(server.ranges) == 1
