"""What a named corpus is: where its text comes from, under which licence, and how it is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from inkloom.corpus.base import CorpusConfig
from inkloom.corpus.documents import Kind
from inkloom.files import sha256_of


@dataclass(frozen=True)
class Remote:
    """A file that is published, and how its bytes are known.

    name: its file name, in the cache and in a folder of the user's. urls: where it lies, tried in this order.
    size: in bytes. sha256: in hexadecimal.
    """

    name: str
    urls: tuple[str, ...]
    size: int
    sha256: str

    def is_in(self, path: Path) -> bool:
        """Whether the file at `path` has these very bytes."""
        return path.is_file() and path.stat().st_size == self.size and sha256_of(path) == self.sha256


@dataclass(frozen=True)
class CorpusFiles:
    """The text of a named corpus as files, for texts that may be larger than memory.

    whole: its files, in order. splits: those of each part, for a corpus that comes cut, instead of `whole`.
    documents: what a document is where the user does not say.
    again: what finds these very files again, where that is more than the corpus's name.
    notices: what the user should be told about where they come from.
    """

    whole: tuple[Path, ...] = ()
    splits: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    documents: Kind | None = None
    again: str | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NamedCorpus:
    """A text that has a name. It is `read` as strings or, where it may be large, handed over as `files`.

    All three functions take the folder that may hold the corpus's file already; None where the user named none.
    """

    name: str
    title: str
    unit: str
    """What a document is, in the plural: plays, topics; empty for one running text."""
    licence: str
    source: str
    citation: str
    split: str
    """How it is cut."""
    documents: int | None
    characters: int | None
    """How many the text has; None, like `documents`, where that depends on what is installed or is not published."""
    bytes: int | None = None
    """Of the text as UTF-8; to within a percent where it comes in an archive of which no exact figure is published."""
    table: bool = False
    """Whether it has columns, of which `text_column` may name one."""
    remote: Remote | None = None
    """What is downloaded; None where nothing is, or pip does it."""

    find: Callable[[Path | None], Path | None]
    """The file or folder on this machine that holds the text; None where it is not here yet."""
    read: Callable[[Path | None], tuple[str, ...]] | None = None
    """The documents; fetches them where they are not here yet. Raises FetchError where that fails."""
    files: Callable[[CorpusConfig, Path | None], CorpusFiles] | None = None
    """The files; fetches them where they are not here yet. Raises FetchError where that fails."""
    pictures: Callable[[], Path] | None = None
    """The folder of its pictures and captions, as `corpus.captions` reads it; drawn or fetched where it is not here."""
