"""Files from the network: resumed where they broke off, checked by size and SHA-256, whole or absent.

Nothing that a server says is trusted: an answer that is a web page, or of another length than the file has, is given up
at once, one that is longer than it said is cut short, and what came counts only when its SHA-256 is the published one.
Proxies of the environment (`https_proxy`, `no_proxy`, …) hold, since urllib reads them.
"""

import contextlib
import datetime
import email.utils
import logging
import os
import shutil
import socket
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Protocol

from rich.filesize import decimal

from inkloom import __version__
from inkloom.corpus.base import FetchError
from inkloom.corpus.named.base import Remote
from inkloom.files import cache_dir, sha256_of

log = logging.getLogger("inkloom")

ATTEMPTS = 5
FIRST_WAIT = 0.5  # seconds before the second attempt; doubled before each further one, 7.5 s in all
LONGEST_WAIT = 60.0  # seconds that a server may ask to wait; where it asks for more, it is given up
TIMEOUT = 30.0  # seconds without a byte
BLOCK = 1 << 16

# An attempt that brought this much was worth it, and those before it no longer count: a line that breaks every few
# minutes still brings a file of 1.8 GB.
PROGRESS = 1 << 20

# What a connection that cannot be made ends with, as the reason of a URLError: asking again does not help then, another
# address may. A server that takes a connection and lets it time out is asked again.
NOBODY_THERE = (socket.gaierror, ssl.SSLError, ConnectionRefusedError, TimeoutError)

# The mirror of WikiText turns away urllib's own name with 403; this form is what well-behaved programs send.
USER_AGENT = f"Mozilla/5.0 (compatible; inkloom/{__version__})"


class _BrokenOffError(Exception):
    """The connection broke before the end; another attempt may go on from there."""


class _UselessError(Exception):
    """This address does not give the file; asking it again would not help."""


def download(
    remote: Remote, path: Path, *, advice: str, first_wait: float = FIRST_WAIT, timeout: float = TIMEOUT
) -> None:
    """Make `path` the remote file; nothing is fetched where it is that already.

    An unfinished download stays beside it as `<name>.part`, and the next call goes on from there. Wrong bytes are
    deleted. `advice` tells the user what to do without a network. `first_wait` and `timeout` are in seconds.
    Raises FetchError, in one line.
    """
    if remote.is_in(path):
        return
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not remote.is_in(part):  # else the program ended before it could rename it
            need_room(path.parent, remote.size - _size_of(part), f"the download of {remote.name}")
            _fetch_from_any(remote, part, advice, first_wait, timeout)
        part.replace(path)
    except OSError as error:
        raise FetchError(f"Cannot write {error.filename or path}: {error.strerror or error}.") from error


def need_room(folder: Path, size: int, purpose: str) -> None:
    """Raise FetchError where `folder`'s disk has fewer than `size` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise FetchError(
            f"{folder} has {decimal(free)} free, and {purpose} needs {decimal(size)}. "
            "Make room, or set INKLOOM_CACHE_DIR to a folder on another disk."
        )


@contextlib.contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Hold a lock of that name against other processes, which would write into the same unfinished files."""
    from filelock import FileLock, Timeout

    path = cache_dir() / "corpora" / f".{name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("Another process is fetching %s; waiting for it.", name)
            lock.acquire()
    except OSError as error:
        raise FetchError(f"Cannot write {error.filename or path}: {error.strerror or error}.") from error
    try:
        yield
    finally:
        lock.release()


def _fetch_from_any(remote: Remote, part: Path, advice: str, first_wait: float, timeout: float) -> None:
    """Fill `part` from the first address that gives the right file."""
    problems: list[str] = []
    for url in remote.urls:
        log.info("Fetching %s (%s) from %s …", remote.name, decimal(remote.size), _site(url))
        try:
            _fetch(remote, url, part, first_wait, timeout)
            return
        except _UselessError as error:
            problems.append(f"{url if len(remote.urls) == 1 else _site(url)}: {error}")
    kept = f" What came is kept and the next try goes on from there ({part})." if _size_of(part) else ""
    raise FetchError(f"Cannot fetch {remote.name} from {'; '.join(problems)}.{kept} {advice}")


def _site(url: str) -> str:
    """The address without its path."""
    scheme, host, *_ = urllib.parse.urlsplit(url)
    return f"{scheme}://{host}"


def _size_of(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _fetch(remote: Remote, url: str, part: Path, first_wait: float, timeout: float) -> None:
    """Fill `part` with the file at `url`; raises _UselessError where that does not give it."""
    resumed = _size_of(part) > 0
    _fetch_patiently(remote, url, part, first_wait, timeout)
    if resumed and not remote.is_in(part):  # the halves may be of two files
        part.unlink()
        _fetch_patiently(remote, url, part, first_wait, timeout)
    if not remote.is_in(part):
        got = sha256_of(part)
        part.unlink()
        raise _UselessError(f"its file has the SHA-256 {got[:12]}…, not {remote.sha256[:12]}…; it was deleted")


def _fetch_patiently(remote: Remote, url: str, part: Path, first_wait: float, timeout: float) -> None:
    """Bring `part` to the file's length, in several attempts where the connection breaks."""
    attempt = 0
    while True:
        before = _size_of(part)
        try:
            _fetch_rest(remote, url, part, timeout)
            return
        except _BrokenOffError as error:
            problem, asked = str(error), 0.0
        except urllib.error.HTTPError as error:
            problem = f"the server says {error.code} {error.reason}"
            if error.code < 500 and error.code != 429:
                raise _UselessError(problem) from error
            asked = _asked_to_wait(error)
        except (urllib.error.URLError, HTTPException, ConnectionError, TimeoutError) as error:
            reason = getattr(error, "reason", error)
            problem, asked = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__, 0.0
            if reason is not error and isinstance(reason, NOBODY_THERE):
                raise _UselessError(problem) from error
        attempt = 1 if _size_of(part) >= before + PROGRESS else attempt + 1
        if asked > LONGEST_WAIT:
            raise _UselessError(f"{problem}, and asks to wait {asked:,.0f} seconds")
        if attempt >= ATTEMPTS:
            raise _UselessError(problem)
        log.info("Fetching %s: %s; trying again.", remote.name, problem)
        time.sleep(max(asked, first_wait * 2 ** (attempt - 1)))


def _asked_to_wait(error: urllib.error.HTTPError) -> float:
    """The seconds of a Retry-After header, which gives them or a date; 0 where there is none."""
    value = (error.headers.get("Retry-After") or "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - datetime.datetime.now().timestamp())
    except ValueError:
        return 0.0


def _fetch_rest(remote: Remote, url: str, part: Path, timeout: float) -> None:
    """Append to `part` what it lacks; from the start where the server does not know the place."""
    have = _size_of(part)
    if have >= remote.size:  # of another file, or damaged: as long and right would need no fetching
        part.unlink()
        have = 0
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    opener = urllib.request.build_opener()  # a new one: the default keeps the proxies that were set when it was made
    try:
        response: HTTPResponse = opener.open(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:
            raise
        error.close()
        part.unlink()  # the server has a shorter file: what is here may be of another one
        _fetch_rest(remote, url, part, timeout)
        return
    with response:
        goes_on = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        start = have if goes_on else 0
        first = _read(response)
        _refuse_what_is_not_the_file(remote, response, start, first)
        with part.open("ab" if goes_on else "wb") as file, progress(remote.name, start, remote.size) as bar:
            got = start + _copy(response, first, file, bar, remote.size - start)
    if got < remote.size:
        raise _BrokenOffError(f"the connection ended after {got:,} of {remote.size:,} bytes")


def _refuse_what_is_not_the_file(remote: Remote, response: HTTPResponse, start: int, first: bytes) -> None:
    """Raise _UselessError for a page with status 200 (a hotel's login, a quota), or a file of another length."""
    is_page = first.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))
    if is_page or response.headers.get_content_type() == "text/html":
        raise _UselessError("it sent a web page instead of the file")
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and start + int(length) != remote.size:
        raise _UselessError(f"its file has {start + int(length):,} bytes, not {remote.size:,}")


class _Bar(Protocol):
    def advance(self, size: int) -> None: ...


def _copy(response: HTTPResponse, first: bytes, file: IO[bytes], bar: _Bar, most: int) -> int:
    """Write `first` and what follows it; returns how many bytes that were. More than `most` are no part of the file."""
    size = 0
    block = first
    while block:
        size += len(block)
        if size > most:
            raise _UselessError(f"it sent more than the {most:,} bytes that were missing")
        file.write(block)
        bar.advance(len(block))
        block = _read(response)
    file.flush()
    os.fsync(file.fileno())
    return size


def _read(response: HTTPResponse) -> bytes:
    try:
        return response.read1(BLOCK)  # what there is: `read` would wait for a whole block, and lose it when that stalls
    except (OSError, HTTPException) as error:  # unlike an OSError from writing, worth another attempt
        raise _BrokenOffError(str(error) or type(error).__name__) from error


class _NoBar:
    def advance(self, size: int) -> None:
        del size


@contextlib.contextmanager
def progress(name: str, start: int, total: int | None) -> Iterator[_Bar]:
    """A bar with bytes, rate and time left on stderr where that is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield _NoBar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), expand=True) as bars:
        task = bars.add_task(name, completed=start, total=total)

        class Bar:
            def advance(self, size: int) -> None:
                bars.advance(task, size)

        yield Bar()
