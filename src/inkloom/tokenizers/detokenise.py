"""Tokens of words to readable text, one by one: what stands between them, and their capital letters.

Text that was tokenised before, in which commas stand apart, is put together by rules: no space before closing
punctuation and after opening, marks such as @-@ undone, and a straight quotation mark opens and closes in turn, anew in
each line. All other text gets the gaps and the capital letters that are most usual in train between such tokens.

Nothing waits for what comes next: the gap before a token follows from it and from those before.
"""

from typing import Protocol

from inkloom.tokenizers.layout import CaseModel, GapModel
from inkloom.tokenizers.units import (
    AT_LINE_END,
    FIRST_MARK,
    LINE_END,
    NO_GAP,
    PUNCTUATION,
    SPACE,
    in_case,
    unit_of,
)

CLOSING = frozenset([*",.;:!?)]}%…”’»", "...", "'s", "'S", "'t", "n't", "'re", "'ve", "'ll", "'d", "'m"])
OPENING = frozenset("([{“‘«„$£€#")
JOINING = {"@-@": "-", "@,@": ",", "@.@": "."}
"""Marks that WikiText sets apart, and what they read as between two tokens."""

_BRACKETS = [FIRST_MARK + PUNCTUATION.index(mark) for mark in "([{“‘«„"]


class Writer(Protocol):
    """Writes the tokens of one text, in order."""

    def write(self, token: str, number: int) -> str:
        """The token, by its text and its id, as it reads behind those before, with its gap."""
        ...


class RuleWriter:
    """Writes tokens of text that was tokenised before."""

    def __init__(self) -> None:
        self._before = LINE_END
        self._attached = True
        self._open: set[str] = set()

    def write(self, token: str, number: int) -> str:
        del number
        opens, closes = self._quotes(token)
        joins = token in JOINING
        gap = "" if self._attached or closes or joins or token in CLOSING or token == LINE_END else " "
        self._attached = opens or joins or token in OPENING or token == LINE_END
        self._before = token
        return gap + JOINING.get(token, token)

    def _quotes(self, token: str) -> tuple[bool, bool]:
        """Whether a token is a straight quotation mark that opens, or one that closes."""
        if token == LINE_END:
            self._open.clear()
        if token not in ('"', "'"):
            return False, False
        if token in self._open:
            self._open.remove(token)
            return False, True
        if token == "'" and self._before.endswith("s"):  # the horses ' hooves
            return False, True
        self._open.add(token)
        return True, False


class UsualWriter:
    """Writes tokens as is most usual in train."""

    def __init__(self, gaps: GapModel, cases: CaseModel) -> None:
        self._gaps = gaps
        self._cases = cases
        self._kind_before = AT_LINE_END
        self._gap_before = NO_GAP
        self._in_quotes = False

    def write(self, token: str, number: int) -> str:
        kind = unit_of(token, "basic").kind
        gap = self._gaps.usual(self._kind_before, self._gap_before, kind)
        if token == '"':
            after_opening = self._kind_before in (AT_LINE_END, *_BRACKETS)
            gap = NO_GAP if self._in_quotes or after_opening else SPACE
            self._in_quotes = not self._in_quotes
        written = in_case(token, self._cases.usual(number, self._kind_before))
        self._gap_before = NO_GAP if kind == AT_LINE_END else SPACE if self._kind_before == AT_LINE_END else gap
        self._kind_before = kind
        self._in_quotes = self._in_quotes and kind != AT_LINE_END
        return f" {written}" if gap == SPACE else written
