"""Words, for the measures that count them.

A word is a run of letters, digits and combining marks, with apostrophes inside it; an ideograph or kana is a word of
its own. Punctuation, symbols and white space only stand between words. Thai, Lao and Khmer write no spaces between
words, so that a phrase counts as one.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

from inkloom.tokenizers.letters import ALONE, COMBINING, LETTER

_WORD = re.compile(rf"{ALONE}|{LETTER}+(?:{COMBINING}+{LETTER}*|['’]{LETTER}+)*")
_SPACE = re.compile(r"\s")

_CHUNK = 1 << 20

Item = TypeVar("Item")


def words(text: str) -> list[str]:
    """The words of a text, in order, as they are written."""
    return _WORD.findall(text)


def words_of_large_text(text: str) -> Iterator[list[str]]:
    """`words` by pieces of about a million characters, so that the words of a large text never stand in memory."""
    start = 0
    while start < len(text):
        space = _SPACE.search(text, start + _CHUNK)  # where no word is cut
        stop = space.start() if space else len(text)
        yield words(text[start:stop])
        start = stop


def ngrams(items: Sequence[Item], order: int) -> list[tuple[Item, ...]]:
    """Every run of `order` items, in order; none where there are fewer."""
    return list(zip(*(items[start:] for start in range(order)), strict=False))
