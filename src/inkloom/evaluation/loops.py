"""Whether a text ends in an endless loop: what greedy decoding falls into when the likeliest continuation of a phrase
is the phrase itself (Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration")."""

LOOP_CHARS = 50
"""So many characters at the end repeat. Refrains and rows of equal lines, which honest text has, are seldom longer."""


def loop_period(text: str) -> int | None:
    """The shortest period, in characters, of the loop that a text ends in; None where it ends in none.

    A text ends in a loop of period p where each of its last max(p, 50) characters is the one that stands p places
    before it. So the text ends with two whole rounds or more of the same p characters, and the repeats alone, without
    the first round, are at least 50 characters long.
    """
    for period in range(1, len(text) // 2 + 1):
        length = max(period, LOOP_CHARS)
        if length + period > len(text):
            break
        if text[-length:] == text[-length - period : -period]:
            return period
    return None
