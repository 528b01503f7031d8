"""`fortunes`: 6,666 short sayings, one a line, with the odd bytes that real text has."""

from inkloom.corpus.named.base import NamedCorpus, Remote
from inkloom.corpus.named.published import PlainFile

# One commit of the repository, whose blob 9a76fe59 has this size and SHA-256.
URL = (
    "https://raw.githubusercontent.com/gmongaras/PyTorch_TextGen/a5ef21d6723b4e71a435ee3f995d23f303a6b869/"
    "data/Fortunes/data.txt"
)

FILE = PlainFile(
    Remote(
        name="fortunes.txt",
        urls=(URL,),
        size=638_792,
        sha256="a043f7ddb9866a5adcd9f5cbbcf5a5c69cc5bb1a3d1a9de0a4fa61e9bf60fbb7",
    ),
    documents="lines",
)

CORPUS = NamedCorpus(
    name="fortunes",
    title="sayings, one a line",
    unit="sayings",
    licence="BSD (the collection)",
    source=f"{URL}, after https://github.com/ruanyf/fortunes",
    citation="Ruan Yifeng. fortunes. https://github.com/ruanyf/fortunes; as lines: gmongaras/PyTorch_TextGen, 2022",
    split="whole sayings by a seeded draw",
    documents=6_666,
    characters=638_766,
    bytes=638_792,
    remote=FILE.remote,
    find=FILE.find,
    files=FILE.files,
)
