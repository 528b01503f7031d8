"""`text8` and `enwik8`: 100 MB of Wikipedia, the large benchmarks of character models (Mahoney 2006).

enwik8 is the first 10^8 bytes of a dump with its markup, text8 is clean text of the letters a to z and the blank. Their
convention is 90 MB to train, 5 MB to validate and 5 MB to test, in this order. In enwik8, a bound inside a character
moves behind it, at most three bytes.

Sizes and SHA-256 of the archives: enwik8's are those in huggingface/datasets (datasets/enwik8/dataset_infos.json);
text8's size stands in TensorFlow's word2vec tutorial, its SHA-256 in many projects that pin it. The SHA-1 of enwik8's
text and the MD5 of text8's are the author's own, on his page.
"""

from inkloom.corpus.named.base import NamedCorpus, Remote
from inkloom.corpus.named.published import Archive, Member

PAGE = "http://mattmahoney.net/dc/textdata.html"
MIRRORS = (
    "https://mattmahoney.net/dc",
    "http://mattmahoney.net/dc",
    "https://cs.fit.edu/~mmahoney/compression",
    "https://data.deepai.org",
)
SIZE = 100_000_000
CUT = {"train": 90_000_000, "val": 5_000_000, "test": 5_000_000}


def _archive(name: str, *, packed: int, sha256: str, digest: str) -> Archive:
    remote = Remote(f"{name}.zip", tuple(f"{mirror}/{name}.zip" for mirror in MIRRORS), packed, sha256)
    return Archive(name=name, remote=remote, parts={"all": (Member(name, SIZE, digest),)}, size=SIZE, cut=CUT)


CLEAN = _archive(
    "text8",
    packed=31_344_016,
    sha256="a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232",
    digest="md5:3bea1919949baf155f99411df5fada7e",
)
MARKUP = _archive(
    "enwik8",
    packed=36_445_475,
    sha256="547994d9980ebed1288380d652999f38a14fe291a6247c157c3d33d4932534bc",
    digest="sha1:57b8363b814821dc9d47aa4d41f58733519076b2",
)

TEXT8 = NamedCorpus(
    name="text8",
    title="Wikipedia, only a to z",
    unit="",
    licence="CC BY-SA 3.0 and GFDL",
    source=f"{MIRRORS[0]}/text8.zip",
    citation=f"Matt Mahoney. About the test data. 2006. {PAGE}",
    split="its convention: 90 MB, 5 MB, 5 MB",
    documents=None,
    characters=SIZE,
    bytes=SIZE,
    remote=CLEAN.remote,
    find=CLEAN.find,
    files=CLEAN.files,
)
ENWIK8 = NamedCorpus(
    name="enwik8",
    title="Wikipedia with markup",
    unit="",
    licence="CC BY-SA 3.0 and GFDL",
    source=f"{MIRRORS[0]}/enwik8.zip",
    citation=f"Matt Mahoney. Large Text Compression Benchmark. 2006. {PAGE}",
    split="its convention: 90 MB, 5 MB, 5 MB",
    documents=None,
    characters=None,
    bytes=SIZE,
    remote=MARKUP.remote,
    find=MARKUP.find,
    files=MARKUP.files,
)
