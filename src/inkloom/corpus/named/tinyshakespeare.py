"""`tinyshakespeare`: 1.1 MB of Shakespeare, the text on which small character models are compared."""

from pathlib import Path

from inkloom.corpus.download import download
from inkloom.corpus.named.base import NamedCorpus
from inkloom.errors import InputError
from inkloom.files import cache_dir, sha256_of

FILE = "tinyshakespeare.txt"
URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


def find(corpus_dir: Path | None) -> Path | None:
    """The file in the user's folder, else in the cache; InputError where the user's file is another text."""
    if corpus_dir is not None and (own := corpus_dir / FILE).is_file():
        if (got := sha256_of(own)) != SHA256:
            raise InputError(
                f"{own} is not the tinyshakespeare that others compare on: its SHA-256 is {got[:12]}…, not "
                f"{SHA256[:12]}…. Give the file's path to train on it as it is, or remove it to have the real one."
            )
        return own
    cached = _cached()
    return cached if cached.is_file() and sha256_of(cached) == SHA256 else None


def read(corpus_dir: Path | None) -> tuple[str, ...]:
    """The text, in one piece."""
    path = find(corpus_dir)
    if path is None:
        path = _cached()
        download(URL, path, SHA256, advice=f"Put the file as {FILE} into a folder and name it with --corpus-dir.")
    return (path.read_bytes().decode(),)


def _cached() -> Path:
    return cache_dir() / "corpora" / FILE


CORPUS = NamedCorpus(
    name="tinyshakespeare",
    title="Parts of Shakespeare's plays, the small benchmark",
    unit="",
    licence="public domain",
    source=URL,
    citation="Andrej Karpathy. char-rnn. 2015. https://github.com/karpathy/char-rnn",
    split="contiguous spans",
    documents=1,
    characters=1_115_394,
    find=find,
    read=read,
)
