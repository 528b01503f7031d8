"""Files and named corpora as documents in memory, and what should be announced about how they were read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from inkloom.corpus.base import CorpusConfig, Part, fingerprint
from inkloom.corpus.documents import Kind, split_documents
from inkloom.corpus.sources import TextFile
from inkloom.errors import InputError

# A folder may hold hundreds of files in one legacy encoding; the first few notices say what there is to say.
MOST_NOTICES = 4


@dataclass(frozen=True)
class NamedTexts:
    """The texts of a named corpus that hands over strings."""

    name: str
    texts: tuple[str, ...]

    def kind(self, documents: Kind | None) -> Kind:
        """What a document is, where the user chose `documents`."""
        return documents or "files"

    @property
    def size(self) -> int:
        """Characters."""
        return sum(map(len, self.texts))

    @property
    def signature(self) -> tuple[str, str]:
        """What tells these texts from others."""
        return self.name, fingerprint([Part(self.name, self.texts)])


Origin: TypeAlias = TextFile | NamedTexts
"""Where text comes from."""


class Reader:
    """Reads origins as a corpus's config says, and gathers what should be announced."""

    def __init__(self, config: CorpusConfig) -> None:
        self.config = config
        self._decoding: list[str] = []
        self._left_out: list[str] = []

    def part(self, name: str, origins: Sequence[Origin]) -> Part | None:
        """All the text of the origins; None where it is blank."""
        texts = [text for origin in origins for text in self.documents(origin)]
        if not texts:
            return None
        return Part(name, tuple(texts), self.end_chars(origins), self.has_documents(len(texts), origins))

    def end_chars(self, origins: Iterable[Origin]) -> int:
        """How many characters the end of a document stands for."""
        return int(self._kinds(origins) == {"lines"})

    def has_documents(self, texts: int, origins: Iterable[Origin]) -> bool:
        """Whether so many texts are documents, not one running text."""
        return texts > 1 or self._kinds(origins) != {"files"} or self.config.documents == "files"

    def documents(self, origin: Origin) -> list[str]:
        """The documents of an origin that fits into memory; none where it is a blank file of a folder."""
        kind = origin.kind(self.config.documents)
        if isinstance(origin, NamedTexts):
            return [row for text in origin.texts for row in split_documents(text, kind, None, origin.name)[0]]
        decoded = origin.read(self.config.encoding)
        if not decoded.text or decoded.text.isspace():
            problem = "is empty" if not decoded.text else "holds nothing but white space"
            if not origin.from_folder:
                raise InputError(f"{origin.label} {problem}. Give a file that holds text.")
            self._left_out.append(f"{origin.label} {problem}; left out.")
            return []
        texts, blank = split_documents(decoded.text, kind, self.config.text_column, origin.label)
        self.announce(origin, decoded.notice, len(texts), blank)
        return texts

    def announce(self, file: TextFile, decoding: str, rows: int, blank_rows: int) -> None:
        """Take note of how a file was decoded and of rows left out. Raises InputError where no row holds text."""
        if not rows:
            raise InputError(f"{file.label} has no row that holds text. Each row is to hold one document.")
        if decoding:
            self._decoding.append(decoding)
        if blank_rows:
            blank = "1 blank row" if blank_rows == 1 else f"{blank_rows:,} blank rows"
            self._left_out.append(f"{file.label}: {blank} left out.")

    @property
    def notices(self) -> list[str]:
        """What should be announced, a few lines at most."""
        notices = self._decoding[:MOST_NOTICES]
        if len(self._decoding) > MOST_NOTICES:
            notices.append(f"{len(self._decoding) - MOST_NOTICES:,} further files were no plain UTF-8 either.")
        return notices + self._left_out

    def _kinds(self, origins: Iterable[Origin]) -> set[Kind]:
        return {origin.kind(self.config.documents) for origin in origins}
