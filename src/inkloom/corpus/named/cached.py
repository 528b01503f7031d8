"""Folders of the cache that are whole or absent, each with a record of the texts in it."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from inkloom.corpus.base import FetchError
from inkloom.corpus.download import need_room
from inkloom.files import cache_dir, write_json

RECORD = "texts.json"
"""In each folder: where its texts come from, and under `bytes` the length of every file."""


def corpora() -> Path:
    """Where named corpora are kept."""
    return cache_dir() / "corpora"


def read_record(folder: Path) -> dict[str, Any] | None:
    """The record of a folder; None where there is none, or where a file is gone or has another length than it had."""
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        whole = all((folder / name).stat().st_size == size for name, size in record["bytes"].items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return record if whole else None


@contextlib.contextmanager
def new_folder(folder: Path, size: int, record: Mapping[str, Any], name: str) -> Iterator[Path]:
    """An empty folder that becomes `folder` when the block ends well, and is removed otherwise.

    size: bytes that the disk must have free, for what messages call `name`.
    record: what is kept beside the files' lengths; read when the block has ended.
    Raises FetchError where the disk is full or cannot be written to.
    """
    new = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(new, ignore_errors=True)  # of a process that was killed
        new.mkdir(parents=True)
        need_room(new, size, name)
        yield new
        files = sorted(path for path in new.rglob("*") if path.is_file())
        lengths = {path.relative_to(new).as_posix(): path.stat().st_size for path in files}
        write_json(new / RECORD, {**record, "bytes": lengths})
        shutil.rmtree(folder, ignore_errors=True)
        new.replace(folder)
    except OSError as error:
        raise FetchError(f"Cannot write {error.filename or new}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


@contextlib.contextmanager
def synced(path: Path) -> Iterator[IO[bytes]]:
    """A new file whose bytes are on disk when the block ends; its folder is made too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
