"""Images with captions: a folder of images and captions.txt, in the layout of Flickr8k.

captions.txt is a table of two columns, `image,caption`, with a row for each caption; an image may have several. The
images lie beside it or in a folder `Images`. A folder that holds such folders named train, val and, where there is one,
test keeps its own splits.

A document is an image: its captions are the lines of the text, and what it goes with is the image's path below the
corpus's folder. So all captions of an image stay in one split, and a corpus that is moved is still the same.

Images that are not there are left out, counted and announced. Whether the others can be read shows when they are, in
`data.images`: a header alone does not tell.
"""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from inkloom.corpus.base import Corpus, CorpusConfig, Part, fingerprint
from inkloom.corpus.decoding import decode
from inkloom.corpus.named import CORPORA
from inkloom.errors import InputError

TABLE = "captions.txt"
COLUMNS = ["image", "caption"]

PLACES = ("", "Images", "images")
"""Where images lie, below the folder of captions.txt."""

SPLITS = ("train", "val", "test")

SHOWN = 3
"""Names in an announcement."""

LAYOUT = (
    "A captioner is trained on a folder of images with captions.txt in it, a table with the columns image and caption, "
    "or on scenes."
)


def read_captions(config: CorpusConfig) -> Corpus:
    """The corpus that a config describes: its parts have the path of an image for every text in `conditions`.

    Raises InputError, in one line, for what is no folder of images with captions, and where no image is there.
    """
    folder = image_folder(config)
    if config.documents or config.text_column:
        option = "--documents" if config.documents else "--text-column"
        raise InputError(f"{option} is for texts; {TABLE} has the columns image and caption. Leave it out.")
    tables = {name: folder / name for name in SPLITS if (folder / name / TABLE).is_file()}
    if tables and not {"train", "val"} <= tables.keys():
        lacking = "train" if "train" not in tables else "val"
        raise InputError(f"{folder} has {' and '.join(tables)} with a {TABLE} each, but no {lacking}. Add it.")
    if not tables and not (folder / TABLE).is_file():
        raise InputError(f"{folder} has no {TABLE}. {LAYOUT}")
    read = {name: _read(place, folder, config.encoding) for name, place in (tables or {"all": folder}).items()}
    parts = {name: captioned.part(name) for name, captioned in read.items()}
    (source,) = config.sources
    named = source in CORPORA and not Path(source).expanduser().exists()
    return Corpus(
        name=CORPORA.load(source).name if named else folder.name,
        config=config.replace(sources=(CORPORA.load(source).name if named else str(folder),)),
        whole=parts.pop("all", Part("all", ())),
        own_splits=parts,
        sha256=_hash(read),
        notices=tuple(notice for captioned in read.values() for notice in captioned.notices),
    )


def image_folder(config: CorpusConfig) -> Path:
    """The folder below which the paths of a corpus's images lie. Raises InputError where there is none."""
    if len(config.sources) != 1 or not config.sources[0]:
        got = f"{len(config.sources)} sources" if any(config.sources) else "no source"
        raise InputError(f"Got {got}. {LAYOUT}")
    (source,) = config.sources
    path = Path(source).expanduser()
    if path.is_dir():
        return path.resolve()
    if path.is_file():
        if path.name == TABLE:
            return path.resolve().parent
        raise InputError(f"{source} is a file without images. {LAYOUT}")
    if source in CORPORA:
        named = CORPORA.load(source)
        if named.pictures is None:
            raise InputError(f"{named.name} is a text without images. {LAYOUT}")
        return named.pictures()
    raise InputError(f"No such folder: {source}. {LAYOUT}")


@dataclass(frozen=True)
class _Captioned:
    """What one captions.txt holds. images: paths below the corpus's folder. captions: of each, at least one."""

    images: Sequence[Path]
    captions: Sequence[Sequence[str]]
    folder: Path
    notices: Sequence[str]

    def part(self, name: str) -> Part:
        """A document for every image: its captions, a line each."""
        texts = tuple("\n".join(of_image) for of_image in self.captions)
        return Part(name, texts, documents=True, conditions=tuple(image.as_posix() for image in self.images))


def _read(place: Path, folder: Path, encoding: str | None) -> _Captioned:
    """The images and captions of `place`, which is `folder` or below it."""
    label = (place / TABLE).relative_to(folder.parent).as_posix()
    try:
        decoded = decode((place / TABLE).read_bytes(), label, encoding)
    except OSError as error:
        raise InputError(f"Cannot read {label}: {error.strerror or error}.") from error
    by_image: dict[str, list[str]] = {}
    blank = 0
    for image, caption in _rows(decoded.text, label):
        if caption:
            by_image.setdefault(image, []).append(caption)
        else:
            blank += 1
    found = {image: _find(place, image, label) for image in by_image}
    missing = [image for image, path in found.items() if path is None]
    if len(missing) == len(found):
        what = f"none of its {len(found):,} images is there" if found else "it has no row with a caption"
        raise InputError(f"{label}: {what}. {LAYOUT}")
    notices = [decoded.notice] if decoded.notice else []
    if blank:
        notices.append(f"{label}: {blank:,} row{'s'[: blank != 1]} without a caption left out.")
    if missing:
        notices.append(f"{label}: {some_of(missing, len(found))} not there; left out with what is said of them.")
    return _Captioned(
        images=[path.relative_to(folder) for path in found.values() if path is not None],
        captions=[captions for image, captions in by_image.items() if found[image] is not None],
        folder=folder,
        notices=notices,
    )


def some_of(images: Sequence[str], total: int) -> str:
    """`3 of 8,091 images (a.jpg, b.jpg, c.jpg) are`: the subject of a sentence about some images."""
    shown = ", ".join(images[:SHOWN]) + (", …" if len(images) > SHOWN else "")
    return f"{len(images):,} of {total:,} images ({shown}) {'is' if len(images) == 1 else 'are'}"


def _rows(text: str, label: str) -> Iterator[tuple[str, str]]:
    """(image, caption) of each row; white space in a caption is single spaces.

    A row is a line, whatever its quotes: a caption that begins with a lone quotation mark swallows no others. Flickr8k
    has captions with commas that are in no quotes, so all that follows the first comma is the caption.
    """
    header, *lines = text.split("\n")
    if [column.strip().lower() for column in header.split(",")] != COLUMNS:
        raise InputError(f"{label} begins with {header[:60] or 'nothing'!r}; its first line is to be image,caption.")
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        try:
            image, *caption = next(csv.reader([line]))
        except csv.Error as error:
            raise InputError(f"{label}, line {number:,}: {error}.") from error
        if not caption:
            raise InputError(f"{label}, line {number:,}: {image[:60]!r} has no comma before its caption.")
        yield image.strip(), " ".join(",".join(caption).split())


def _find(place: Path, image: str, label: str) -> Path | None:
    """The file of an image; None where it is not there. A name that leads out of the folder is refused."""
    name = PurePosixPath(image.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or not name.parts or Path(image).is_absolute():
        raise InputError(f"{label} names the image {image[:100]!r}; images are named by their place below the folder.")
    candidates = (place / below / name for below in PLACES)
    return next((path for path in candidates if path.is_file()), None)


def _hash(read: dict[str, _Captioned]) -> str:
    """What tells a corpus from others: its captions, and the names and lengths in bytes of its images."""
    digest = hashlib.sha256(fingerprint(captioned.part(name) for name, captioned in read.items()).encode())
    for captioned in read.values():
        sizes = ((captioned.folder / image).stat().st_size for image in captioned.images)
        digest.update(",".join(map(str, sizes)).encode())
    return digest.hexdigest()
