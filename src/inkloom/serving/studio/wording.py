"""How the Studio says things: errors without paths, numbers as people read them, tokens that cannot be seen."""

import re
from urllib.parse import urlencode

from inkloom.pages.page import count, decimal, duration
from inkloom.runs.facts import RunFacts

FOLDERS = re.compile(r"(?<![\w.])(?:~|[A-Za-z]:)?(?:[\\/][^\s'\"`\\/]+)+[\\/](?=[^\s\\/])")
"""The folders of an absolute path, up to its last separator."""

FAMILIES = {
    "lstm": "LSTM",
    "gru": "GRU",
    "rnn": "Simple RNN",
    "transformer": "Transformer",
    "ngram": "N-gram",
    "mixture": "Mixture",
    "unmasked": "Transformer without its mask",
    "gan": "GAN",
    "seq2seq": "Translator",
    "captioner": "Captioner",
    "classifier": "Classifier",
}


def without_paths(message: str) -> str:
    """A message with file names instead of absolute paths, which would tell how the server's disk is laid out."""
    return FOLDERS.sub("", message)


def family(name: str | None) -> str:
    """A family's name as people write it."""
    return FAMILIES.get(name or "?", name or "?")


def in_short(facts: RunFacts) -> str:
    """A run in half a line: `LSTM on my-text, 2.13 bits per character`."""
    told = f"{family(facts.model)} on {facts.text}" if facts.text else family(facts.model)
    if facts.bits_per_char is not None:
        return f"{told}, {decimal(facts.bits_per_char, 2)} bits per character"
    return f"{told}, {facts.state}"


def parameters(facts: RunFacts) -> str:
    """1234567 as `1,234,567`; a dash for models that have none."""
    return count(facts.parameters or None)


def trained_for(facts: RunFacts) -> str:
    return duration(facts.seconds)


def readable(token: str) -> str:
    """A token in a line of text: what cannot be seen has a sign."""
    shown = token.replace("\n", "↵").replace("\t", "⇥")
    return "⎵" * len(shown) if shown.isspace() else shown


def address(page: str, run: str) -> str:
    """A page of the Studio for one run."""
    return f"{page}?{urlencode({'run': run})}"
