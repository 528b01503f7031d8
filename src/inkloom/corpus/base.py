"""What a corpus is, and how it is cut: whole documents or contiguous spans, before any window is drawn."""

import hashlib
from bisect import bisect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Literal

from inkloom.config import Config
from inkloom.errors import InkloomError


class FetchError(InkloomError):
    """A named corpus that could not be fetched: no network, or not the bytes that were meant."""


class CorpusConfig(Config):
    """All that finds a text again."""

    sources: tuple[str, ...]
    """Named corpora, files, folders, or - for standard input."""

    encoding: str | None = None
    """The files' encoding; found from the bytes where none is given."""

    documents: Literal["files", "lines", "jsonl", "csv", "tsv"] | None = None
    """What one document is; found from the sources where none is given."""

    text_column: str | None = None
    """The column or key that holds the text, in JSONL, CSV and TSV."""

    corpus_dir: str | None = None
    """A folder that may already hold a named corpus's file (also INKLOOM_CORPUS_DIR)."""


@dataclass(frozen=True)
class Part:
    """One split of a corpus: its documents in order, or one running text."""

    name: str
    texts: tuple[str, ...]
    end_chars: int = 0
    """Characters of the original text that the end of a document stands for: 1 where a document is a line."""

    documents: bool = False
    """Whether an end token follows every text (else the part is one running text)."""

    def head(self, chars: int) -> "Part":
        """The first `chars` characters, or all where there are fewer."""
        texts = []
        left = chars
        for text in self.texts:
            if left <= 0:
                break
            texts.append(text[:left])
            left -= len(text) + self.end_chars
        return replace(self, texts=tuple(texts))

    def cut(self, share: float) -> "tuple[Part, Part]":
        """The first part of the characters and the rest; documents stay whole where there are several."""
        if len(self.texts) == 1:
            place = round(len(self.texts[0]) * share)
            return replace(self, texts=(self.texts[0][:place],)), replace(self, texts=(self.texts[0][place:],))
        stops = list(accumulate(len(text) for text in self.texts))
        place = min(max(1, bisect(stops, stops[-1] * share)), len(self.texts) - 1)
        return replace(self, texts=self.texts[:place]), replace(self, texts=self.texts[place:])

    @property
    def chars(self) -> int:
        """Characters of the original text."""
        return sum(map(len, self.texts)) + self.end_chars * len(self.texts)

    @property
    def bytes(self) -> int:
        """UTF-8 bytes of the original text."""
        return sum(map(_utf8_length, self.texts)) + self.end_chars * len(self.texts)


@dataclass(frozen=True)
class Corpus:
    """A text, decoded, with its documents where it has some."""

    name: str
    config: CorpusConfig
    whole: Part
    """All the text; empty where the corpus comes with its own splits."""

    own_splits: Mapping[str, Part] = field(default_factory=dict)
    """`train`, `val` and, where it exists, `test`, for a corpus that comes cut."""

    sha256: str = ""
    """Of the decoded texts and their boundaries: the same text in another encoding is the same corpus."""

    notices: tuple[str, ...] = ()
    """What the user should be told about how the text was read."""


def _utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def fingerprint(parts: Iterable[Part]) -> str:
    """The SHA-256 of texts and their boundaries, in hexadecimal: of each part's shape, lengths and UTF-8 bytes."""
    digest = hashlib.sha256()
    for part in parts:
        lengths = ",".join(str(len(text)) for text in part.texts)
        digest.update(f"{part.name} {part.documents} {part.end_chars} {lengths}\n".encode())
        joined = part.texts[0] if len(part.texts) == 1 else "".join(part.texts)
        for start in range(0, len(joined), 1 << 20):  # by pieces: a copy of the whole text would double the memory
            digest.update(joined[start : start + (1 << 20)].encode())
    return digest.hexdigest()
