"""Corpora that have a name; one line each in the table."""

from inkloom.corpus.named.base import NamedCorpus
from inkloom.registry import Registry

CORPORA: Registry[NamedCorpus] = Registry(
    "named corpus",
    {
        "shakespeare": "inkloom.corpus.named.shakespeare:CORPUS",
        "python_docs": "inkloom.corpus.named.python_docs:CORPUS",
        "tinyshakespeare": "inkloom.corpus.named.tinyshakespeare:CORPUS",
        "fortunes": "inkloom.corpus.named.fortunes:CORPUS",
        "wikitext_2": "inkloom.corpus.named.wikitext:WIKITEXT_2",
        "wikitext_103": "inkloom.corpus.named.wikitext:WIKITEXT_103",
        "text8": "inkloom.corpus.named.mahoney:TEXT8",
        "enwik8": "inkloom.corpus.named.mahoney:ENWIK8",
        "lm1b": "inkloom.corpus.named.lm1b:CORPUS",
        "scenes": "inkloom.corpus.named.scenes:CORPUS",
    },
)

__all__ = ["CORPORA", "NamedCorpus"]
