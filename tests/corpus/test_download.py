"""Downloads against a local server that breaks off, forgets, lies, stalls and refuses."""

import email.utils
import hashlib
import io
import logging
import socket
import sys
import threading
import time

import pytest

from inkloom.corpus import download as downloading
from inkloom.corpus.base import FetchError
from inkloom.corpus.download import ATTEMPTS, download, one_at_a_time
from inkloom.corpus.named.base import Remote
from tests.corpus.server import serving

DATA = b"".join(f"line {i}\n".encode() for i in range(60_000))
ADVICE = "Put the file into --corpus-dir."


@pytest.fixture
def server():
    with serving(DATA) as server:
        yield server


def remote_of(*urls, data=DATA, name="file.txt"):
    return Remote(name, urls, len(data), hashlib.sha256(data).hexdigest())


@pytest.fixture
def fetch(server, tmp_path):
    def fetch(*urls, **options):
        path = tmp_path / "deep" / "file.txt"
        download(remote_of(*(urls or (server.url(),))), path, advice=ADVICE, first_wait=0.001, **options)
        return path

    return fetch


@pytest.fixture
def part(tmp_path):
    """Write what an earlier call has left."""

    def part(data):
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "file.txt.part").write_bytes(data)

    return part


def test_a_file_comes_whole_and_is_not_fetched_again(server, fetch):
    path = fetch()
    assert path.read_bytes() == DATA
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]
    fetch()
    assert len(server.paths) == 1


def test_the_program_says_who_it_is_and_where_it_fetches_from(server, fetch, caplog):
    caplog.set_level(logging.INFO, "inkloom")
    fetch()
    assert "inkloom/" in server.agents[0]
    assert f"Fetching file.txt (648.9 kB) from {server.url('').rstrip('/')} …" in caplog.messages


def test_a_broken_connection_goes_on_where_it_broke(server, fetch):
    server.breaks_after = (100_000, 50_000)
    assert fetch().read_bytes() == DATA
    assert server.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_a_stalled_connection_goes_on_after_the_timeout(server, fetch):
    server.stalls_after = (100_000,)
    assert fetch(timeout=0.2).read_bytes() == DATA
    assert server.ranges == [None, "bytes=100000-"]


def test_a_server_that_does_not_answer_at_first_is_asked_again(server, fetch):
    server.delays = (10,)
    assert fetch(timeout=0.2).read_bytes() == DATA


def test_attempts_that_bring_much_do_not_count(server, fetch, monkeypatch):
    monkeypatch.setattr(downloading, "PROGRESS", 50_000)
    server.breaks_after = (60_000,) * (ATTEMPTS + 3)
    assert fetch().read_bytes() == DATA
    assert len(server.paths) == ATTEMPTS + 4


def test_a_killed_download_goes_on_in_the_next_run(server, fetch, part):
    part(DATA[:1234])
    assert fetch().read_bytes() == DATA
    assert server.ranges == ["bytes=1234-"]


def test_a_part_that_is_whole_needs_no_network(server, fetch, part):
    part(DATA)
    assert fetch().read_bytes() == DATA
    assert server.paths == []


def test_a_server_without_ranges_starts_again(server, fetch):
    server.knows_ranges = False
    server.breaks_after = (100_000,)
    assert fetch().read_bytes() == DATA


@pytest.mark.parametrize("size", [1234, len(DATA), len(DATA) + 1])
def test_a_part_of_another_file_is_thrown_away(fetch, part, size):
    part(b"x" * size)
    assert fetch().read_bytes() == DATA


def test_a_part_longer_than_what_the_server_has_is_thrown_away(server, fetch, part):
    part(DATA[:5000])
    server.data = DATA[:4000]
    with pytest.raises(FetchError, match="its file has 4,000 bytes, not 648,890"):
        fetch()
    assert server.ranges == ["bytes=5000-", None]


def test_wrong_bytes_are_deleted_and_said(server, fetch, tmp_path):
    server.data = DATA.replace(b"7", b"8")
    with pytest.raises(FetchError, match=r"its file has the SHA-256 \w+…, not \w+…; it was deleted\. Put the file"):
        fetch()
    assert list((tmp_path / "deep").iterdir()) == []


@pytest.mark.parametrize("size", [100, len(DATA) + 100])
def test_a_file_of_another_length_is_given_up_before_it_is_fetched(server, fetch, tmp_path, size):
    server.data = b"x" * size
    with pytest.raises(FetchError, match=f"its file has {size:,} bytes, not 648,890"):
        fetch()
    assert len(server.paths) == 1
    assert list((tmp_path / "deep").iterdir()) == []


def test_bytes_without_end_are_not_written(server, fetch, tmp_path):
    server.data, server.says_length = DATA * 3, False
    with pytest.raises(FetchError, match="it sent more than the 648,890 bytes that were missing"):
        fetch()
    assert (tmp_path / "deep" / "file.txt.part").stat().st_size <= len(DATA)


@pytest.mark.parametrize("page", [b"\n<!DOCTYPE html><p>Log in to this hotel's network", b"<HTML>", b"Quota exceeded"])
def test_a_web_page_is_not_the_file(server, fetch, tmp_path, page):
    server.data = page
    server.says_length = False
    if not page.strip().startswith(b"<"):
        server.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(FetchError, match=r"it sent a web page instead of the file\. Put the file"):
        fetch()
    assert len(server.paths) == 1
    assert list((tmp_path / "deep").iterdir()) == []


def test_a_wrong_file_that_lies_there_is_replaced(fetch, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file.txt").write_bytes(b"damaged")
    assert fetch().read_bytes() == DATA


def test_a_server_that_recovers_is_asked_again(server, fetch):
    server.statuses = (503, 429)
    assert fetch().read_bytes() == DATA


@pytest.mark.parametrize(("asked", "waited"), [("0.1 Beers", 0.001), ("1", 1.0), ("date", 1.0)])
def test_a_busy_server_is_given_the_time_it_asks_for(server, fetch, monkeypatch, asked, waited):
    slept = []
    monkeypatch.setattr(downloading.time, "sleep", slept.append)
    server.statuses = (429,)
    soon = email.utils.formatdate(time.time() + 2, usegmt=True)  # whole seconds: between 1 and 2 from now
    server.headers = {"Retry-After": soon if asked == "date" else asked}
    fetch()
    assert len(slept) == 1
    assert waited <= slept[0] <= 2


def test_a_server_that_asks_for_an_hour_is_given_up(server, fetch):
    server.statuses = (429,) * 2
    server.headers = {"Retry-After": "3600"}
    with pytest.raises(FetchError, match="429 Too Many Requests, and asks to wait 3,600 seconds"):
        fetch()
    assert len(server.paths) == 1


@pytest.mark.parametrize(("status", "times"), [(404, 1), (403, 1), (500, ATTEMPTS)])
def test_a_refusal_is_asked_again_where_that_may_help(server, fetch, status, times):
    server.statuses = (status,) * 9
    with pytest.raises(FetchError, match=rf"the server says {status} .*\. Put the file into --corpus-dir\.$"):
        fetch()
    assert len(server.paths) == times


def test_a_redirect_is_followed_and_so_is_its_range(server, fetch):
    server.redirects = {"/old.txt": server.url("new.txt")}
    server.breaks_after = (0, 1000)
    assert fetch(server.url("old.txt")).read_bytes() == DATA
    assert server.paths == ["/old.txt", "/new.txt"] * 2
    assert server.ranges[2:] == ["bytes=1000-"] * 2


def test_what_came_before_giving_up_is_kept(server, fetch, tmp_path):
    server.breaks_after = (1000,) * 99
    with pytest.raises(FetchError, match=r"the connection ended after 5,000 of .* What came is kept") as caught:
        fetch()
    assert "\n" not in str(caught.value)
    assert len(server.paths) == ATTEMPTS
    assert (tmp_path / "deep" / "file.txt.part").read_bytes() == DATA[:5000]


def test_an_unstated_length_is_settled_by_size_and_hash(server, fetch):
    server.says_length = False
    assert fetch().read_bytes() == DATA


def unused_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_mirrors_are_asked_in_order_until_one_has_the_file(server, fetch):
    server.statuses = (403,)
    closed = f"http://127.0.0.1:{unused_port()}/file.txt"
    assert fetch(server.url("first"), closed, server.url("second"), server.url("third")).read_bytes() == DATA
    assert server.paths == ["/first", "/second"]


def test_a_mirror_goes_on_with_what_another_began(server, fetch):
    server.breaks_after = (1000,) * ATTEMPTS
    assert fetch(server.url("first"), server.url("second")).read_bytes() == DATA
    assert server.ranges[ATTEMPTS] == "bytes=5000-"


def test_where_every_mirror_fails_each_is_named(server, fetch):
    server.statuses = (403,)
    with pytest.raises(
        FetchError, match=r"^Cannot fetch file.txt from http://127.*: the server says 403.*; http://name.invalid: "
    ):
        fetch(server.url(), "http://name.invalid/file.txt")


def test_proxies_of_the_environment_hold(server, fetch, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url("").rstrip("/"))
    assert fetch("http://name.invalid/file.txt").read_bytes() == DATA
    assert server.paths == ["http://name.invalid/file.txt"]


def test_without_a_network_one_line_says_what_to_do(tmp_path):
    with pytest.raises(
        FetchError, match=r"^Cannot fetch file.txt from http://name.invalid/f: .*\. Put the file into --corpus-dir"
    ) as caught:
        download(remote_of("http://name.invalid/f"), tmp_path / "f", advice=ADVICE, first_wait=0.001)
    assert "\n" not in str(caught.value)


def test_a_place_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(FetchError, match=r"^Cannot write"):
        download(remote_of(server.url()), tmp_path / "file" / "f", advice=ADVICE)


def test_a_disk_without_room_is_named_before_anything_is_fetched(server, tmp_path):
    huge = Remote("file.txt", (server.url(),), 1 << 60, "0" * 64)
    with pytest.raises(
        FetchError, match=r"free, and the download of file.txt needs 1\.2 EB\. Make room, or set INKLOOM"
    ):
        download(huge, tmp_path / "f", advice=ADVICE)
    assert server.paths == []


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


def test_one_process_at_a_time_fetches(caplog):
    caplog.set_level(logging.INFO, "inkloom")
    order = []

    def second():
        with one_at_a_time("text"):
            order.append("second")

    with one_at_a_time("text"):
        waiting = threading.Thread(target=second)
        waiting.start()
        while "waiting for it" not in caplog.text:
            time.sleep(0.01)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]
