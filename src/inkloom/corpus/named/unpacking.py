"""The wanted files of an archive, in a stream.

Names in the archive are compared with the wanted ones and never used as paths, so no entry can choose where it is
written. Memory stays at one block, whatever the archive's size; a file that grows beyond what it may have is refused.
"""

import contextlib
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from inkloom.corpus.base import FetchError

BLOCK = 1 << 20


def unpack(archive: Path, wanted: Mapping[str, int]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The wanted files of a ZIP or tar.gz archive, as (name, blocks); each is to be read before the next is asked for.

    wanted: the names inside the archive, and how many bytes each may have at most.
    Raises FetchError for an archive that cannot be read, that lacks a wanted file, or in which one is larger, a link,
    locked with a password or there twice.
    """
    with _damage_as_fetch_error(archive):
        yield from _unzip(archive, wanted) if zipfile.is_zipfile(archive) else _untar(archive, wanted)


def _unzip(archive: Path, wanted: Mapping[str, int]) -> Iterator[tuple[str, Iterator[bytes]]]:
    with zipfile.ZipFile(archive) as packed:
        entries = [entry for entry in packed.infolist() if entry.filename in wanted]
        names = [entry.filename for entry in entries]
        if missing := set(wanted).difference(names):
            raise _odd(archive, min(missing), "is missing")
        if len(names) > len(wanted):
            raise _odd(archive, max(names, key=names.count), "stands in it twice")
        for entry in entries:
            kind = stat.S_IFMT(entry.external_attr >> 16)  # of Unix; 0 where whoever packed it did not say
            if entry.flag_bits & 0x1 or kind not in (0, stat.S_IFREG):
                raise _odd(archive, entry.filename, "is no plain file")
            with packed.open(entry) as stream:
                yield entry.filename, _blocks(stream, archive, entry.filename, wanted[entry.filename])


def _untar(archive: Path, wanted: Mapping[str, int]) -> Iterator[tuple[str, Iterator[bytes]]]:
    missing = set(wanted)
    with tarfile.open(archive, "r|gz") as packed:
        for entry in packed:
            name = entry.name.removeprefix("./")
            if name not in wanted:
                continue
            if name not in missing:
                raise _odd(archive, name, "stands in it twice")
            missing.remove(name)
            stream = packed.extractfile(entry) if entry.isreg() else None
            if stream is None:
                raise _odd(archive, name, "is no plain file")
            yield name, _blocks(stream, archive, name, wanted[name])
    if missing:
        raise _odd(archive, min(missing), "is missing")


def _blocks(stream: IO[bytes], archive: Path, name: str, most: int) -> Iterator[bytes]:
    size = 0
    with _damage_as_fetch_error(archive):
        while block := stream.read(BLOCK):
            size += len(block)
            if size > most:
                raise _odd(archive, name, f"unpacks to more than {most:,} bytes")
            yield block


def _odd(archive: Path, name: str, what: str) -> FetchError:
    return FetchError(f"{archive} is not the archive that was meant: {name} {what}. Nothing was unpacked; remove it.")


@contextlib.contextmanager
def _damage_as_fetch_error(archive: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError) as error:
        raise FetchError(f"{archive} is a damaged archive: {error}. Remove it, and it is fetched again.") from error
