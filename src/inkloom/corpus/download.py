"""Files from the network: resumed where they broke off, checked against their SHA-256, whole or absent."""

import contextlib
import logging
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Protocol

from inkloom import __version__
from inkloom.corpus.base import FetchError
from inkloom.files import sha256_of

log = logging.getLogger("inkloom")

ATTEMPTS = 5
FIRST_WAIT = 0.5  # seconds before the second attempt; doubled before each further one, 7.5 s in all
TIMEOUT = 30.0  # seconds without a byte
BLOCK = 1 << 16


class _BrokenOffError(Exception):
    """The connection broke before the end; another attempt may go on from there."""


def download(url: str, path: Path, sha256: str, *, advice: str, first_wait: float = FIRST_WAIT) -> None:
    """Make `path` the file at `url`; nothing is fetched where it already has the right SHA-256.

    An unfinished download stays beside it as `<name>.part`, and the next call goes on from there. Wrong bytes are
    deleted. `advice` tells the user what to do without a network. Raises FetchError, in one line.
    """
    if path.is_file() and sha256_of(path) == sha256:
        return
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        resumed = part.exists()
        if resumed and sha256_of(part) == sha256:  # whole: the program ended before it could rename it
            part.replace(path)
            return
        _fetch(url, part, advice, first_wait)
        if resumed and sha256_of(part) != sha256:  # the file may have changed between the two halves
            part.unlink()
            _fetch(url, part, advice, first_wait)
        if (got := sha256_of(part)) != sha256:
            part.unlink()
            wrong = f"with the SHA-256 {got[:12]}…, not {sha256[:12]}…; it was deleted"
            raise FetchError(f"{url} sent a file {wrong}. {advice}")
        part.replace(path)
    except OSError as error:
        raise FetchError(f"Cannot write {error.filename or path}: {error.strerror or error}.") from error


def _fetch(url: str, part: Path, advice: str, first_wait: float) -> None:
    """Fill `part` with the whole file, in several attempts where the connection breaks."""
    problem = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            log.info("Fetching %s: %s; trying again.", url, problem)
            time.sleep(first_wait * 2 ** (attempt - 1))
        try:
            _fetch_rest(url, part)
            return
        except urllib.error.HTTPError as error:
            problem = f"the server says {error.code} {error.reason}"
            if error.code < 500 and error.code != 429:  # asking again would not help
                break
        except (urllib.error.URLError, HTTPException, ConnectionError, TimeoutError, _BrokenOffError) as error:
            reason = getattr(error, "reason", error)
            problem = str(reason) or type(reason).__name__
            if isinstance(reason, socket.gaierror):  # no network, as a rule: say so at once
                break
    kept = f" What came is kept and the next try goes on from there ({part})." if part.exists() else ""
    raise FetchError(f"Cannot fetch {url}: {problem}.{kept} {advice}")


def _fetch_rest(url: str, part: Path) -> None:
    """Append to `part` what it lacks; from the start where the server does not know the place."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": f"inkloom/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        response: HTTPResponse = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:
            raise
        error.close()
        part.unlink()  # longer than the file: it is of another one
        _fetch_rest(url, part)
        return
    with response:
        goes_on = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        length = response.headers.get("Content-Length")
        start = have if goes_on else 0
        total = start + int(length) if length is not None else None
        with (
            part.open("ab" if goes_on else "wb") as file,
            _progress(part.name.removesuffix(".part"), start, total) as bar,
        ):
            got = start + _copy(response, file, bar)
    if total is not None and got < total:
        raise _BrokenOffError(f"the connection ended after {got:,} of {total:,} bytes")


class _Bar(Protocol):
    def advance(self, size: int) -> None: ...


def _copy(response: HTTPResponse, file: IO[bytes], bar: _Bar) -> int:
    size = 0
    while block := _read(response):
        file.write(block)
        size += len(block)
        bar.advance(len(block))
    file.flush()
    os.fsync(file.fileno())
    return size


def _read(response: HTTPResponse) -> bytes:
    try:
        return response.read(BLOCK)
    except (OSError, HTTPException) as error:  # unlike an OSError from writing, worth another attempt
        raise _BrokenOffError(str(error) or type(error).__name__) from error


class _NoBar:
    def advance(self, size: int) -> None:
        del size


@contextlib.contextmanager
def _progress(name: str, start: int, total: int | None) -> Iterator[_Bar]:
    """A progress bar on stderr where that is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield _NoBar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, completed=start, total=total)

        class Bar:
            def advance(self, size: int) -> None:
                progress.advance(task, size)

        yield Bar()
