"""TEXT: named corpora, files, folders, standard input; decoding, documents, splits and the leak check."""

from inkloom.corpus import leaks
from inkloom.corpus.base import Corpus, CorpusConfig, FetchError, Part
from inkloom.corpus.loading import load_corpus, open_corpus
from inkloom.corpus.named import CORPORA, NamedCorpus
from inkloom.corpus.splits import split_corpus

__all__ = [
    "CORPORA",
    "Corpus",
    "CorpusConfig",
    "FetchError",
    "NamedCorpus",
    "Part",
    "leaks",
    "load_corpus",
    "open_corpus",
    "split_corpus",
]
