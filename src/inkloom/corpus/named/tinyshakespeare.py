"""`tinyshakespeare`: 1.1 MB of Shakespeare, the text on which small character models are compared."""

from inkloom.corpus.named.base import NamedCorpus, Remote
from inkloom.corpus.named.published import PlainFile

URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"

FILE = PlainFile(
    Remote(
        name="tinyshakespeare.txt",
        urls=(URL,),
        size=1_115_394,
        sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    )
)

CORPUS = NamedCorpus(
    name="tinyshakespeare",
    title="Shakespeare, parts",
    unit="",
    licence="public domain",
    source=URL,
    citation="Andrej Karpathy. char-rnn. 2015. https://github.com/karpathy/char-rnn",
    split="contiguous spans",
    documents=1,
    characters=1_115_394,
    bytes=1_115_394,
    remote=FILE.remote,
    find=FILE.find,
    files=FILE.files,
)
