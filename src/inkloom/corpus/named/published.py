"""Corpora as their authors publish them: one file to fetch, and the texts in it.

A `PlainFile` is the text itself. An `Archive` is unpacked once, to one file for each split in `corpora/<name>` of the
cache, and is deleted then: a large text is read where it lies, if it is one file. Where the user's own folder holds the
download, or what comes out of it, nothing is fetched.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from inkloom.corpus.base import CorpusConfig
from inkloom.corpus.documents import Kind
from inkloom.corpus.download import download, need_room, one_at_a_time, progress
from inkloom.corpus.named.base import CorpusFiles, Remote
from inkloom.corpus.named.cached import corpora, new_folder, read_record, synced
from inkloom.corpus.named.unpacking import unpack
from inkloom.errors import InputError

BLOCK = 1 << 20


@dataclass(frozen=True)
class PlainFile:
    """A corpus that is published as one text file. documents: what a document of it is."""

    remote: Remote
    documents: Kind | None = None

    def find(self, corpus_dir: Path | None) -> Path | None:
        """The file in the user's folder, else in the cache; None where neither has it."""
        places = [self._cached] if corpus_dir is None else [corpus_dir / self.remote.name, self._cached]
        return next((path for path in places if self.remote.is_in(path)), None)

    def files(self, config: CorpusConfig, corpus_dir: Path | None) -> CorpusFiles:
        """The file; fetched where it is not here.

        Raises FetchError, and InputError where the user's folder holds another text of that name.
        """
        del config
        if corpus_dir is not None and (own := corpus_dir / self.remote.name).is_file():
            _refuse_another(own, f"sha256:{self.remote.sha256}")
        path = self.find(corpus_dir)
        if path is None:
            path = self._cached
            with one_at_a_time(self.remote.name):
                download(self.remote, path, advice=_advice(self.remote))
        return CorpusFiles(whole=(path,), documents=self.documents)

    @property
    def _cached(self) -> Path:
        return corpora() / self.remote.name


@dataclass(frozen=True)
class Member:
    """A text in an archive.

    path: in the archive, and below a folder that it was unpacked in; with "/".
    most: how many bytes it may have. digest: "sha1:…" or "sha256:…" of the text, where somebody publishes it.
    """

    path: str
    most: int
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A corpus with its own splits that is published as a ZIP or tar.gz archive.

    name: of its folder in the cache. parts: the texts of train, val and test.
    cut: where the archive holds one text (under `all` in `parts`), the bytes of it that go into each split.
    documents: what a document is. size: bytes of all texts together, to within some percent.
    """

    name: str
    remote: Remote
    parts: Mapping[str, tuple[Member, ...]]
    size: int
    cut: Mapping[str, int] = field(default_factory=dict)
    documents: Kind | None = None

    def find(self, corpus_dir: Path | None) -> Path | None:
        """The user's unpacked folder, else the cache's, else the user's archive; None where none of them is here."""
        if corpus_dir is not None and (unpacked := self._unpacked_in(corpus_dir)) is not None:
            return unpacked
        if self._is_cached():
            return self._cached
        own = None if corpus_dir is None else corpus_dir / self.remote.name
        return own if own is not None and own.is_file() else None

    def files(self, config: CorpusConfig, corpus_dir: Path | None) -> CorpusFiles:
        """The texts of each split; fetched, unpacked and cut where they are not here.

        Raises FetchError, and InputError where the user's folder holds other texts or another archive.
        """
        del config
        unpacked = None if corpus_dir is None else self._unpacked_in(corpus_dir)
        if unpacked is not None and not self.cut:
            notices = self._check(unpacked)
            splits = {part: tuple(unpacked / text.path for text in texts) for part, texts in self.parts.items()}
            return CorpusFiles(splits=splits, documents=self.documents, notices=notices)
        if not self._is_cached():
            with one_at_a_time(self.name):
                if not self._is_cached():  # else another process has brought it meanwhile
                    self._bring(corpus_dir, unpacked)
        splits = {part: (self._cached / f"{part}.txt",) for part in self.cut or self.parts}
        return CorpusFiles(splits=splits, documents=self.documents)

    @property
    def _members(self) -> dict[str, Member]:
        """All texts by their path in the archive."""
        return {member.path: member for members in self.parts.values() for member in members}

    @property
    def _cached(self) -> Path:
        return corpora() / self.name

    def _unpacked_in(self, corpus_dir: Path) -> Path | None:
        """The folder that the archive was unpacked in: the user's, or the one above where theirs came out of it."""
        inside = all(path.startswith(f"{corpus_dir.name}/") for path in self._members)
        for folder in (corpus_dir, corpus_dir.parent) if inside else (corpus_dir,):
            if all((folder / path).is_file() for path in self._members):
                return folder
        return None

    def _check(self, unpacked: Path) -> tuple[str, ...]:
        """Refuse texts of the user's that are others than the published ones; a notice where nobody can tell."""
        for path, member in self._members.items():
            if member.digest:
                _refuse_another(unpacked / path, member.digest)
        if all(member.digest for member in self._members.values()):
            return ()
        return (f"{self.name} is read from {unpacked} as it is: checksums of its unpacked files are not published.",)

    def _is_cached(self) -> bool:
        record = read_record(self._cached)
        return record is not None and record.get("archive_sha256") == self.remote.sha256

    def _bring(self, corpus_dir: Path | None, unpacked: Path | None) -> None:
        """Make the cache's folder, from what the user has unpacked, the user's archive or a download."""
        if unpacked is not None:
            self._check(unpacked)
            with self._new_folder() as folder:
                self._cut_up(unpacked / next(iter(self._members)), folder)
            return
        own = None if corpus_dir is None else corpus_dir / self.remote.name
        if own is not None and own.is_file():
            _refuse_another(own, f"sha256:{self.remote.sha256}")
            self._unpack(own)
            return
        archive = corpora() / self.remote.name
        if not archive.exists():
            need_room(corpora(), self.remote.size + self.size, f"{self.name}, packed and unpacked,")
        download(self.remote, archive, advice=_advice(self.remote))
        self._unpack(archive)
        archive.unlink()

    def _unpack(self, archive: Path) -> None:
        wanted = {path: member.most for path, member in self._members.items()}
        with self._new_folder() as folder, tempfile.TemporaryDirectory(dir=folder) as whole:
            with progress(f"Unpacking {self.name}", 0, self.size) as bar:
                for path, blocks in unpack(archive, wanted):
                    with synced(Path(whole, path)) as file:
                        for block in blocks:
                            file.write(block)
                            bar.advance(len(block))
            if self.cut:
                self._cut_up(Path(whole, next(iter(wanted))), folder)
            else:
                for part, members in self.parts.items():
                    _join([Path(whole, member.path) for member in members], folder / f"{part}.txt")

    def _cut_up(self, whole: Path, folder: Path) -> None:
        """Write one file for each split. A bound inside a character moves behind it, so that every part is UTF-8."""
        with whole.open("rb") as text:
            for part, size in self.cut.items():
                with synced(folder / f"{part}.txt") as file:
                    for start in range(0, size, BLOCK):
                        file.write(text.read(min(BLOCK, size - start)))
                    while (byte := text.read(1)) and 0x80 <= byte[0] < 0xC0:  # inside a UTF-8 character
                        file.write(byte)
                text.seek(-len(byte), os.SEEK_CUR)

    def _new_folder(self) -> AbstractContextManager[Path]:
        """What becomes the cache's folder. While a text is cut up, it lies there twice."""
        size = self.size * (2 if self.cut else 1)
        return new_folder(self._cached, size, {"archive_sha256": self.remote.sha256}, f"{self.name}, unpacked,")


def _join(files: Sequence[Path], whole: Path) -> None:
    """Make `whole` of the files one after the other; each is deleted when it is in it."""
    first, *others = files
    with first.open("ab") as out:
        for path in others:
            with path.open("rb") as file:
                shutil.copyfileobj(file, out, BLOCK)
            path.unlink()
        out.flush()
        os.fsync(out.fileno())
    first.replace(whole)


def _refuse_another(own: Path, digest: str) -> None:
    """Raise InputError where the user's file has another digest, "sha256:…" or "sha1:…", than the published one."""
    algorithm, _, expected = digest.partition(":")
    with own.open("rb") as file:
        got = hashlib.file_digest(file, algorithm).hexdigest()
    if got != expected:
        raise InputError(
            f"{own} is not the {own.name} that others compare on: its {algorithm.upper()} is {got[:12]}…, not "
            f"{expected[:12]}…. Give the file's path to train on it as it is, or remove it to have the real one."
        )


def _advice(remote: Remote) -> str:
    """What to do where a file cannot be fetched."""
    return (
        f"Fetch {remote.urls[0]} by other means, put it as {remote.name} into a folder and name that with --corpus-dir."
    )
