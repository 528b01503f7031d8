"""`python-docs`: the language reference that Python's own `help()` shows. It needs no network.

Of its 79 topics (Python 3.11) 22 are chapters of longer ones: "if" stands in "compound" word for word. Those are left
out, since two thirds of a held-out part could be read in train otherwise.
"""

from collections.abc import Mapping
from pathlib import Path

from inkloom.corpus.base import FetchError
from inkloom.corpus.named.base import NamedCorpus


def find(corpus_dir: Path | None) -> Path | None:
    """The standard library's module that holds the text; None in a Python that comes without it."""
    del corpus_dir  # it comes with Python alone
    try:
        import pydoc_data.topics
    except ImportError:  # some Linux distributions package the standard library without its texts
        return None
    return Path(pydoc_data.topics.__file__)


def read(corpus_dir: Path | None) -> tuple[str, ...]:
    """The topics that are not part of a longer one, in alphabetical order of their names."""
    if find(corpus_dir) is None:
        raise FetchError("This Python comes without pydoc_data, which holds python-docs. Give a text file of your own.")
    from pydoc_data.topics import topics

    return tuple(topics[name] for name in sorted(without_repeats(topics)))


def without_repeats(topics: Mapping[str, str]) -> list[str]:
    """The names of the topics less than half of whose characters are in lines that longer ones have."""
    kept: list[str] = []
    known: set[str] = set()
    for name in sorted(topics, key=lambda name: len(topics[name]), reverse=True):
        lines = topics[name].split("\n")
        if sum(len(line) for line in lines if line in known) < 0.5 * sum(map(len, lines)):
            kept.append(name)
            known.update(lines)
    return kept


CORPUS = NamedCorpus(
    name="python-docs",
    title="Python's reference",
    unit="topics",
    licence="PSF-2.0, examples in it 0BSD",
    source="pydoc_data.topics in the standard library of the Python that runs inkloom",
    citation="Python Software Foundation. The Python Language Reference.",
    split="whole topics by a seeded draw",
    documents=None,
    characters=None,
    find=find,
    read=read,
)
