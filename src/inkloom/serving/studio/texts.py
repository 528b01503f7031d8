"""Texts that were given in a browser: checked by the corpus reader, kept under names of the server's own."""

import hashlib
import re
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from inkloom.corpus.base import CorpusConfig
from inkloom.corpus.loading import read_corpus
from inkloom.errors import InputError
from inkloom.files import write_bytes
from inkloom.serving.studio.wording import without_paths

TEXTS = Path("texts")
"""Where they are kept, beside runs/: a run reads its text again to be resumed, evaluated or searched for copies."""

ENDINGS = (".txt", ".md", ".jsonl", ".csv", ".tsv")
MOST_BYTES = 64 << 20
LONGEST_SLUG = 40


@dataclass(frozen=True)
class StoredText:
    """A text that was given. Its name is the file's."""

    path: Path
    characters: int
    notices: tuple[str, ...] = ()
    """What its owner should know about how it was read."""

    @property
    def name(self) -> str:
        return self.path.name


class TextStore:
    """The texts of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """What has been given, in alphabetical order."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if path.suffix in ENDINGS and path.is_file())

    def path(self, name: str) -> Path:
        """The file of a stored text; InputError where there is none of that name."""
        if name not in self.names():  # so no name leads out of the folder
            raise InputError(f"There is no text {name!r}. Choose one from the list.")
        return self.folder / name

    def keep(self, file_name: str, data: bytes) -> StoredText:
        """Keep a text under a name made of its own and of its content; the same text given twice is kept once.

        Raises InputError where it is no text that a model can be trained on.
        """
        path = self.folder / stored_name(file_name, data)
        known = path.exists()
        if not known:
            write_bytes(path, data)
        try:
            corpus = read_corpus(CorpusConfig(sources=(str(path),)))
        except InputError as error:
            if not known:
                path.unlink()
            raise InputError(without_paths(str(error))) from error
        return StoredText(path, corpus.whole.chars, tuple(map(without_paths, corpus.notices)))


def stored_name(file_name: str, data: bytes) -> str:
    """`My Plays (1).TXT` as `my-plays-1-3f9a1c20.txt`. InputError for endings that no text has."""
    ending = Path(file_name).suffix.lower()
    if ending not in ENDINGS:
        shown = f"ends in {ending}" if ending else "has no ending"
        raise InputError(f"The file {shown}; the Studio takes {', '.join(ENDINGS)}. Save its text as .txt.")
    stem = unicodedata.normalize("NFKD", Path(file_name).stem).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", stem)[:LONGEST_SLUG].strip("-") or "text"
    return f"{slug}-{hashlib.sha256(data).hexdigest()[:8]}{ending}"


async def read_limited(body: AsyncIterator[bytes], most: int = MOST_BYTES) -> bytes:
    """All of a body; InputError as soon as it is longer than `most` bytes."""
    pieces: list[bytes] = []
    size = 0
    async for piece in body:
        size += len(piece)
        if size > most:
            raise InputError(f"The text is larger than {most >> 20} MB. Train larger ones by `inkloom train FILE`.")
        pieces.append(piece)
    return b"".join(pieces)
