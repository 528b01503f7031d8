"""`wikitext-2` and `wikitext-103`: Wikipedia articles as words, with rare ones as <unk> (Merity et al. 2016).

Sizes and SHA-256 of the archives are those in huggingface/datasets (datasets/wikitext/dataset_infos.json); DataDeps
registrations in Julia's CorpusLoaders name the same. The SHA-1 of the texts are those in gluon-nlp (src/gluonnlp/data/
corpora/wikitext.py). The authors' bucket has answered 403 since 2024; one of them serves the archives himself.
"""

from inkloom.corpus.named.base import NamedCorpus, Remote
from inkloom.corpus.named.published import Archive, Member

MIRRORS = (
    "https://wikitext.smerity.com",
    "https://s3.amazonaws.com/research.metamind.io/wikitext",
)
LICENCE = "CC BY-SA 3.0 and GFDL"
CITATION = (
    "Stephen Merity, Caiming Xiong, James Bradbury, Richard Socher. Pointer Sentinel Mixture Models. 2016. "
    "arXiv 1609.07843"
)
SPLIT = "its own three files: train, val and test"


def _archive(folder: str, *, packed: int, sha256: str, size: int, sha1: dict[str, str]) -> Archive:
    """The archive `<folder>-v1.zip`. packed: its bytes; size: about those of its texts; sha1: of each text."""
    file = f"{folder}-v1.zip"
    members = {
        part: (Member(f"{folder}/wiki.{name}.tokens", most=2 * size, digest=f"sha1:{sha1[part]}"),)
        for part, name in (("train", "train"), ("val", "valid"), ("test", "test"))
    }
    remote = Remote(file, tuple(f"{mirror}/{file}" for mirror in MIRRORS), packed, sha256)
    return Archive(name=folder, remote=remote, parts=members, size=size)


SMALL = _archive(
    "wikitext-2",
    packed=4_475_746,
    sha256="92675f1d63015c1c8b51f1656a52d5bdbc33aafa60cc47a218a66e7ee817488c",
    size=13_200_000,
    sha1={
        "train": "863f29c46ef9d167fff4940ec821195882fe29d1",
        "val": "0418625c8b4da6e4b5c7a0b9e78d4ae8f7ee5422",
        "test": "c7b8ce0aa086fb34dab808c5c49224211eb2b172",
    },
)
LARGE = _archive(
    "wikitext-103",
    packed=190_229_076,
    sha256="242ba0f20b329cfdf1ccc61e9e9e5b59becf189db7f7a81cd2a0e2fc31539590",
    size=542_000_000,
    sha1={
        "train": "b7497e2dfe77e72cfef5e3dbc61b7b53712ac211",
        "val": "c326ac59dc587676d58c422eb8a03e119582f92b",
        "test": "8a5befc548865cec54ed4273cf87dbbad60d1e47",
    },
)

WIKITEXT_2 = NamedCorpus(
    name="wikitext-2",
    title="Wikipedia, 2.6 M words",
    unit="",
    licence=LICENCE,
    source=MIRRORS[0],
    citation=CITATION,
    split=SPLIT,
    documents=None,
    characters=None,
    bytes=SMALL.size,
    remote=SMALL.remote,
    find=SMALL.find,
    files=SMALL.files,
)
WIKITEXT_103 = NamedCorpus(
    name="wikitext-103",
    title="Wikipedia, 104 M words",
    unit="",
    licence=LICENCE,
    source=MIRRORS[0],
    citation=CITATION,
    split=SPLIT,
    documents=None,
    characters=None,
    bytes=LARGE.size,
    remote=LARGE.remote,
    find=LARGE.find,
    files=LARGE.files,
)
