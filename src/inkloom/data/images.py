"""Images as pixels: decoded, brought to one size, and kept in the cache, where batches read them as they need them.

An image is scaled to fit into a square, its sides' proportions kept, and what is left of the square is grey: nothing
that a caption may name is cut off or stretched. Nothing is decoded whose header says more than MOST_PIXELS: a file of
some kilobytes can unpack to gigabytes.

A store is a file of pixels, which ends with JSON that says which images are broken, and the length of that. Its name is
a hash of the images' names, lengths and times. It is written whole or not at all.

Shapes: N images, S pixels of a side.
"""

import contextlib
import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inkloom.data.progress import progress
from inkloom.errors import InputError
from inkloom.files import cache_dir, caching
from inkloom.threads import available_cores, in_order

if TYPE_CHECKING:
    from PIL.Image import Image
    from rich.console import Console

MOST_PIXELS = 50_000_000
"""Of an image that is decoded: 150 MB. Cameras of telephones take 12 to 50 million."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""What Pillow may take a file for. It knows forty more, some of which start other programs."""

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")
"""Of the files that count as images in a folder."""

ACCEPTED = "Give a JPEG, PNG, WebP, GIF or BMP file."

GREY = 128
"""Around an image that is no square: the middle, which encoders take for 0."""

AT_ONCE = 64
"""Images that are being decoded or wait to be written."""

FOLDER = "images"
"""Of the cache, that holds the stores."""

LENGTH_BYTES = 8
"""At a store's end: how long the JSON before them is, little-endian."""

Pixels = NDArray[np.uint8]


class BrokenImageError(InputError):
    """An image that cannot be shown to a model, for a `reason` such as "it is truncated"."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}. {ACCEPTED}")
        self.reason = reason


def read_image(path: Path, side: int) -> Pixels:
    """An image as RGB, scaled to fit into a square: (S, S, 3) with S = `side`. Transparent parts are white.

    Raises BrokenImageError, in one line, for what is not there, is no image, is damaged or is larger than MOST_PIXELS.
    """
    with _without_warnings():
        return _read(path, side)


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Those of Pillow, about damaged metadata and about sizes that are checked here, help nobody.

    Not for threads that run side by side: what is to be shown is a setting of the process.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _read(path: Path, side: int) -> Pixels:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise BrokenImageError(
                    path, f"it has {width:,} x {height:,} pixels; at most {MOST_PIXELS:,} are decoded"
                )
            image.draft("RGB", (2 * side, 2 * side))  # a JPEG is decoded no larger than is needed
            upright = ImageOps.exif_transpose(image)
            return np.array(ImageOps.pad(_opaque(upright), (side, side), color=(GREY, GREY, GREY)))
    except FileNotFoundError as error:
        raise BrokenImageError(path, "there is no such file") from error
    except UnidentifiedImageError as error:
        raise BrokenImageError(path, "it is no image, or of another kind") from error
    except Image.DecompressionBombError as error:
        raise BrokenImageError(path, f"it has more pixels than the {MOST_PIXELS:,} that are decoded") from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, ArithmeticError) as error:
        # What Pillow raises for damaged files is not documented; these are what its decoders do raise.
        reason = getattr(error, "strerror", None) or str(error).strip().rstrip(".") or type(error).__name__
        raise BrokenImageError(path, f"it cannot be decoded ({reason})") from error


def _opaque(image: "Image") -> "Image":
    """The image in RGB, on white where it is transparent."""
    from PIL import Image

    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


@dataclass(frozen=True)
class Images:
    """Images of one size, by number.

    pixels_NSS3: lies in a file and is read where it is touched. What is there of broken images means nothing.
    broken: why an image cannot be shown, by its number.
    """

    pixels_NSS3: Pixels
    broken: Mapping[int, str]


def decode_images(paths: Sequence[Path], side: int, console: "Console | None" = None) -> Images:
    """All images, from the cache where they have been decoded before.

    console: where to show how far that is. Raises InkloomError where the cache has no room.
    """
    store = _Store(cache_dir() / FOLDER / f"{_hash(paths, side)}.rgb", len(paths), side)
    found = store.read()
    if found is None:
        with (
            progress(console, "Decoding images", len(paths), "images") as advance,
            caching(store.path, "The decoded images") as file,
        ):
            broken = {}
            for number, decoded in enumerate(_decoded(paths, side)):
                if isinstance(decoded, str):
                    broken[number] = decoded
                file.write(bytes(side * side * 3) if isinstance(decoded, str) else decoded.tobytes())
                advance(1)
            store.finish(file, broken)
        found = store.read()
        assert found is not None, "it was written a moment ago"
    return found


def _decoded(paths: Sequence[Path], side: int) -> Iterator[Pixels | str]:
    """The pixels of every image, or why there are none."""
    with _without_warnings(), ThreadPoolExecutor(available_cores()) as pool:  # Pillow lets go of the interpreter's lock
        yield from in_order(pool, lambda path: _pixels_or_reason(path, side), paths, AT_ONCE)


def _pixels_or_reason(path: Path, side: int) -> Pixels | str:
    try:
        return _read(path, side)
    except BrokenImageError as error:
        return error.reason


def _hash(paths: Sequence[Path], side: int) -> str:
    """What tells these files from others, and from themselves when they are changed."""
    digest = hashlib.sha256(f"1 {side} {GREY}".encode())
    for path in paths:
        stamp = (0, 0)
        with contextlib.suppress(OSError):
            stat = path.stat()
            stamp = stat.st_size, stat.st_mtime_ns
        digest.update(f"\0{path} {stamp}".encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class _Store:
    """Where the pixels of some images lie."""

    path: Path
    images: int
    side: int

    def read(self) -> Images | None:
        """The images, mapped into memory; None where there are none, or where the file is damaged."""
        shape = (self.images, self.side, self.side, 3)
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(size - LENGTH_BYTES)
                length = int.from_bytes(file.read(LENGTH_BYTES), "little")
                if size != int(np.prod(shape)) + length + LENGTH_BYTES:
                    return None
                file.seek(size - LENGTH_BYTES - length)
                broken = {int(number): str(reason) for number, reason in json.loads(file.read(length)).items()}
        except (OSError, ValueError, AttributeError):
            return None
        self.path.touch()  # used now: others are forgotten before it
        return Images(np.memmap(self.path, np.uint8, mode="r", shape=shape).view(np.ndarray), broken)

    def finish(self, file: IO[bytes], broken: Mapping[int, str]) -> None:
        """What stands behind the pixels."""
        header = json.dumps(broken).encode()
        file.write(header + len(header).to_bytes(LENGTH_BYTES, "little"))
