"""Corpora that have a name, one a file, one line each in the table."""

from inkloom.corpus.named.base import NamedCorpus
from inkloom.registry import Registry

CORPORA: Registry[NamedCorpus] = Registry(
    "named corpus",
    {
        "shakespeare": "inkloom.corpus.named.shakespeare:CORPUS",
        "python_docs": "inkloom.corpus.named.python_docs:CORPUS",
        "tinyshakespeare": "inkloom.corpus.named.tinyshakespeare:CORPUS",
    },
)

__all__ = ["CORPORA", "NamedCorpus"]
