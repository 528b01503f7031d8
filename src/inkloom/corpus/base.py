"""What a corpus is, and how it is cut: whole documents or contiguous spans, before any window is drawn."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inkloom.config import Config
from inkloom.corpus.pieces import PIECE_CHARS, Piece, cut_into_pieces
from inkloom.errors import InkloomError

LENGTHS_AT_ONCE = 1 << 16
"""Documents whose lengths go into a hash together; there may be many millions."""


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

    reader: str = "text"
    """What the sources hold, a name of `inkloom.corpus.readers`."""

    label_column: str | None = None
    """The column or key that holds the label of a row, where texts have labels."""

    source_name: str | None = None
    """Where texts are pairs: what the files of sources end in, such as de, or the column that holds them."""

    target_name: str | None = None
    """The same of the targets."""

    lowercase: bool = False
    """Where texts are pairs: whether both sides are read in small letters."""


@dataclass(frozen=True)
class Part:
    """One split of a corpus: its documents in order, or one running text.

    Read it by `pieces`: then a part that is larger than memory (`LargePart`) is read like any other.
    """

    name: str
    texts: Sequence[str]
    """Whole documents, or the running text: only for what is known to be small."""

    end_chars: int = 0
    """Characters of the original text that the end of a document stands for: 1 where a document is a line."""

    documents: bool = False
    """Whether an end token follows every text (else the part is one running text)."""

    conditions: Sequence[str] | None = None
    """What each document goes with, where it does: the sentence it translates, its label, the image it describes."""

    # What the other operations are made of; a part that lies in a file has its own.

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """(texts,): the characters of each."""
        return np.fromiter(map(len, self.texts), np.int64, len(self.texts))

    @property
    def text_bytes(self) -> int:
        """UTF-8 bytes of all texts."""
        return sum(map(_utf8_length, self.texts))

    @property
    def identity(self) -> str:
        """A hash that tells the texts from any others."""
        return fingerprint([self])

    def pieces(self) -> Iterator[Piece]:
        """Every text in pieces, in order; the last of each text ends it."""
        for text in self.texts:
            if len(text) <= PIECE_CHARS:
                yield Piece(text, ends=True)
            else:
                yield from cut_into_pieces(
                    text[start : start + PIECE_CHARS] for start in range(0, len(text), PIECE_CHARS)
                )

    def utf8(self) -> Iterator[bytes]:
        """The UTF-8 bytes of all texts in blocks, their boundaries left out."""
        text = self.texts[0] if len(self.texts) == 1 else "".join(self.texts)
        for block in _blocks(text):
            yield block.encode()

    def excerpt(self, number: int, start: int, stop: int) -> str:
        """Characters of one text, as a slice of it."""
        return self.texts[number][start:stop]

    def select(self, numbers: NDArray[np.int64]) -> "Part":
        """The documents of these numbers, with what they go with."""
        chosen = numbers.tolist()
        conditions = None if self.conditions is None else tuple(self.conditions[number] for number in chosen)
        return replace(self, texts=tuple(self.texts[number] for number in chosen), conditions=conditions)

    def spans(self, bounds: Iterable[tuple[int, int]]) -> "Part":
        """Slices of a running text, by their first characters and those behind them: together one running text."""
        return replace(self, texts=tuple(self.texts[0][start:stop] for start, stop in bounds))

    def joined(self) -> "Part":
        """The documents as one running text, each on lines of its own."""
        if len(self.texts) == 1:
            return Part(self.name, self.texts)
        lines = (text if text.endswith("\n") and not self.end_chars else text + "\n" for text in self.texts)
        return Part(self.name, ("".join(lines),))

    # The same for every part.

    @property
    def chars(self) -> int:
        """Characters of the original text."""
        return int(self.lengths.sum()) + self.end_chars * len(self.texts)

    @property
    def bytes(self) -> int:
        """UTF-8 bytes of the original text."""
        return self.text_bytes + self.end_chars * len(self.texts)

    def renamed(self, name: str) -> "Part":
        """The same text under another name."""
        return replace(self, name=name)

    def head(self, chars: int) -> "Part":
        """The first `chars` characters, or all where there are fewer; in memory."""
        texts = []
        left = chars
        for number, length in enumerate(self.lengths):
            if left <= 0:
                break
            texts.append(self.excerpt(number, 0, left))
            left -= int(length) + self.end_chars
        conditions = None if self.conditions is None else self.conditions[: len(texts)]
        return Part(self.name, tuple(texts), self.end_chars, self.documents, conditions)


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


def _blocks(text: str) -> Iterator[str]:
    """A text in slices, since a copy of the whole in another form would double the memory."""
    return (text[start : start + PIECE_CHARS] for start in range(0, len(text), PIECE_CHARS))


def _utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def fingerprint(parts: Iterable[Part]) -> str:
    """The SHA-256 of texts and their boundaries, in hexadecimal: of each part's shape, lengths and UTF-8 bytes."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part.name} {part.documents} {part.end_chars} ".encode())
        for start in range(0, len(part.texts), LENGTHS_AT_ONCE):
            lengths = ",".join(map(str, part.lengths[start : start + LENGTHS_AT_ONCE].tolist()))
            digest.update(f"{',' if start else ''}{lengths}".encode())
        digest.update(b"\n")
        for block in part.utf8():
            digest.update(block)
        for condition in part.conditions or ():
            digest.update(f"\0{condition}".encode())
    return digest.hexdigest()
