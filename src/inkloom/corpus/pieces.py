"""Text in pieces of about a million characters, so that whoever reads it needs memory for one piece alone.

Where a text is cut depends on the text alone, not on how it is stored, and no word is cut where that can be helped: a
tokenizer gives the pieces the same tokens as the whole.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

PIECE_CHARS = 1 << 20

MOST_PIECES = 1 << 16
"""In one batch, so that documents of a few characters do not fill the memory by their number."""

# Tokenizers put white space that belongs together into one token, and some put a line's end to the sign before it. So a
# piece begins with a line, with " word" or with a run of white space: the first of these that the text has to offer.
_BEGINNINGS = tuple(map(re.compile, (r"(?<=\S\n)(?=\S)", r"(?<=\S)(?= \S)", r"(?<=\S)(?=\s)")))


class Piece(NamedTuple):
    """A stretch of one text; it `ends` with the last, which is empty where the text is."""

    text: str
    ends: bool


def cut_into_pieces(blocks: Iterable[str]) -> Iterator[Piece]:
    """One text, given as blocks of any length, in pieces of at most PIECE_CHARS characters."""
    held = ""
    for block in blocks:
        held += block
        while len(held) > PIECE_CHARS:
            place = _place_to_cut(held)
            yield Piece(held[:place], ends=False)
            held = held[place:]
    yield Piece(held, ends=True)


def in_batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Pieces in groups of PIECE_CHARS characters or a little more: of many short documents, many at once."""
    batch: list[Piece] = []
    chars = 0
    for piece in pieces:
        batch.append(piece)
        chars += len(piece.text)
        if chars >= PIECE_CHARS or len(batch) == MOST_PIECES:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def _place_to_cut(text: str) -> int:
    """The first good beginning in the last quarter of a piece, else its end."""
    for beginning in _BEGINNINGS:
        if found := beginning.search(text, PIECE_CHARS * 3 // 4, PIECE_CHARS + 1):
            return found.start()
    return PIECE_CHARS
