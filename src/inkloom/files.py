"""Files that are whole or absent, and the places where inkloom keeps what it can make again."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from inkloom.errors import InkloomError

UNFINISHED = ".part"
"""How the name of a file ends that is being written; one that a killed program left behind is of no use."""

MOST_CACHED = 20_000_000_000
"""Bytes that a folder of the cache may take for what is made anew when it is missing."""

DAY = 24 * 60 * 60


class WriteError(InkloomError):
    """A file could not be written, for a `reason` that the system gave; it is as it was."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"Cannot write {path}: {reason}. {path.name} is unchanged.")
        self.reason = reason


@contextlib.contextmanager
def atomic_write(path: Path, *, binary: bool = False) -> Iterator[IO[Any]]:
    """Open a file that replaces `path` when the block ends well; after an error `path` is as it was.

    Text is UTF-8 with "\\n" line ends on every platform. The data is on disk before the name changes
    (temporary file in the same folder, fsync, rename), so a crash leaves the old file or the new one. Raises WriteError
    where the system refuses.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED)
        temporary = Path(name)
        with (
            os.fdopen(descriptor, "wb")
            if binary
            else os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file
        ):
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes private files; runs are shared like any other file
        temporary.replace(path)
    except OSError as error:
        raise WriteError(path, error.strerror or str(error)) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with atomic_write(path, binary=True) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    with atomic_write(path) as file:
        file.write(text)


def write_json(path: Path, value: object) -> None:
    """Write `value` to `path` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal; reads 1 MiB at a time."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class GrowingFile:
    """A text file that is appended to, and that can be cut back to where a checkpoint knew it.

    `offset` is its length in bytes. What was appended is on disk before `append` returns.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0

    def cut_back(self) -> None:
        """Forget what stands behind `offset`; an absent file becomes an empty one."""
        with self.path.open("ab") as file:
            file.truncate(self.offset)

    def append(self, text: str) -> None:
        with self.path.open("ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
            self.offset = file.tell()


def cache_dir() -> Path:
    """Where downloads and encoded texts are kept: INKLOOM_CACHE_DIR, else the platform's cache folder."""
    if chosen := os.environ.get("INKLOOM_CACHE_DIR"):
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("inkloom", appauthor=False)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; 0 for what is not there."""
    files = path.rglob("*") if path.is_dir() else [path]
    size = 0
    for file in files:
        with contextlib.suppress(OSError):  # deleted by another program meanwhile
            size += file.stat().st_size if file.is_file() else 0
    return size


def forget_oldest(folder: Path, keep: Path, most: int = MOST_CACHED) -> None:
    """Delete entries of a folder, those first whose time is oldest, until the rest takes at most `most` bytes.

    `keep` stays in any case. What was being written a day ago and never came to its end goes, too.
    """
    times = {entry: _changed(entry) for entry in folder.iterdir()}
    for entry, changed in times.items():
        if entry.suffix == UNFINISHED and time.time() - changed > DAY:
            _delete(entry)
    entries = sorted((entry for entry in times if entry.suffix != UNFINISHED), key=times.__getitem__)
    left = sum(map(size_of, entries))
    for entry in entries:
        if left <= most:
            break
        if entry != keep:
            left -= size_of(entry)
            _delete(entry)


@contextlib.contextmanager
def caching(path: Path, what: str) -> Iterator[IO[bytes]]:
    """Write a file of the cache, whole or not at all; then the oldest beside it are forgotten where they are too much.

    what: `The ids of train`, for messages. Raises InkloomError where it cannot be written.
    """
    try:
        with atomic_write(path, binary=True) as file:
            yield file
    except WriteError as error:
        raise InkloomError(
            f"{what} cannot be kept in {path.parent}: {error.reason}. Make room there, or name another folder in "
            "INKLOOM_CACHE_DIR."
        ) from error
    forget_oldest(path.parent, keep=path)


def _changed(entry: Path) -> float:
    with contextlib.suppress(OSError):
        return entry.stat().st_mtime
    return 0.0


def _delete(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):  # on Windows another program may read it; it goes the next time
            entry.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
