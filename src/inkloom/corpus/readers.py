"""How sources become a corpus: as texts, or as texts each of which goes with something."""

from typing import Protocol

from inkloom.corpus.base import Corpus, CorpusConfig
from inkloom.registry import Registry


class ReadsCorpus(Protocol):
    """Reads sources of one kind."""

    def __call__(self, config: CorpusConfig) -> Corpus:
        """The corpus that a config describes, its announcements in `notices`.

        Its own config finds it again from any folder. Raises InputError, in one line, for sources of another kind.
        """
        ...


READERS: Registry[ReadsCorpus] = Registry(
    "reader",
    {
        "text": "inkloom.corpus.loading:read_corpus",
        "captions": "inkloom.corpus.captions:read_captions",
        "labelled": "inkloom.corpus.labelled:read_labelled",
        "pairs": "inkloom.corpus.pairs:read_pairs",
    },
)
