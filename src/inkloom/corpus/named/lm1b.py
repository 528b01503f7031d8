"""`lm1b`: the One Billion Word benchmark, sentences of news in random order (Chelba et al. 2013).

Size and SHA-256 of the archive are those in tensorflow/datasets (datasets/lm1b/checksums.tsv); huggingface/datasets has
the same. Nobody publishes checksums of its unpacked files. The first author's own set-up tests on the held-out shard 0
(6,075 sentences) and validates on shard 1 (6,206); there is no training shard 0, since that was the held-out one.
"""

from inkloom.corpus.named.base import NamedCorpus, Remote
from inkloom.corpus.named.published import Archive, Member

FOLDER = "1-billion-word-language-modeling-benchmark-r13output"
URL = f"https://www.statmt.org/lm-benchmark/{FOLDER}.tar.gz"
MOST = 100_000_000
"""Bytes of a shard; those for training have about 42 million."""


def _training(number: int) -> Member:
    return Member(f"{FOLDER}/training-monolingual.tokenized.shuffled/news.en-{number:05}-of-00100", MOST)


def _held_out(number: int) -> Member:
    return Member(f"{FOLDER}/heldout-monolingual.tokenized.shuffled/news.en.heldout-{number:05}-of-00050", MOST)


ARCHIVE = Archive(
    name="lm1b",
    remote=Remote(
        name=f"{FOLDER}.tar.gz",
        urls=(URL, URL.replace("https", "http", 1)),
        size=1_792_209_805,
        sha256="01ba60381110baf7f189dfd2b8374de371e8c9a340835793f190bdae9e90a34e",
    ),
    parts={
        "train": tuple(_training(number) for number in range(1, 100)),
        "val": (_held_out(1),),
        "test": (_held_out(0),),
    },
    documents="lines",
    size=4_150_000_000,
)

CORPUS = NamedCorpus(
    name="lm1b",
    title="news, 0.8 billion words",
    unit="sentences",
    licence="none stated",
    source=URL,
    citation=(
        "Ciprian Chelba, Tomas Mikolov, Mike Schuster, Qi Ge, Thorsten Brants, Phillipp Koehn. One Billion Word "
        "Benchmark for Measuring Progress in Statistical Language Modeling. 2013. arXiv 1312.3005"
    ),
    split="its training shards; held-out shards 1 (val) and 0 (test)",
    documents=30_301_028 + 6_206 + 6_075,
    characters=None,
    bytes=ARCHIVE.size,
    remote=ARCHIVE.remote,
    find=ARCHIVE.find,
    files=ARCHIVE.files,
)
