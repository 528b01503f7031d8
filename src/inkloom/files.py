"""Files that are whole or absent, and the places where inkloom keeps what it can make again."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from inkloom.errors import InkloomError

UNFINISHED = ".part"
"""How the name of a file ends that is being written; one that a killed program left behind is of no use."""


@contextlib.contextmanager
def atomic_write(path: Path, *, binary: bool = False) -> Iterator[IO[Any]]:
    """Open a file that replaces `path` when the block ends well; after an error `path` is as it was.

    Text is UTF-8 with "\\n" line ends on every platform. The data is on disk before the name changes
    (temporary file in the same folder, fsync, rename), so a crash leaves the old file or the new one.
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
        raise InkloomError(f"Cannot write {path}: {error.strerror or error}. {path.name} is unchanged.") from error
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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
