"""`scenes`: small pictures of one or two coloured shapes, and what they show, such as "a small red circle left of a
large blue square". They are drawn here from a seed, so there is nothing to fetch.

Train never shows fifteen of the sixty combinations of a size, a colour and a shape: it has large red stars, small blue
stars and small red crosses, but no small red star. Each picture of val and test has at least one that is held out for
it. Who names these pictures has understood what each word means; memory of whole names does not help.

A scene of two has two true captions, one from the view of each shape. Shapes are drawn by NumPy as signed distances to
their outline, in pixels: half a pixel to either side the colour fades, which is anti-aliasing without drawing larger
first. Pillow, which only writes the files, has none of its own, and resamples differently from version to version.

Shapes of arrays: S pixels of a side.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from inkloom.corpus.download import one_at_a_time
from inkloom.corpus.named.base import NamedCorpus
from inkloom.corpus.named.cached import corpora, new_folder, read_record

SIDE = 48
"""Pixels of a picture's side: a small star, 9 pixels wide, still shows its points."""

COUNTS = {"train": 6_000, "val": 500, "test": 1_000}
"""Pictures in each split. So many of test tell 97 % from 95.5 % with a confidence of 95 %."""

ALONE = 0.2
"""Share of pictures with a single shape."""

SEED = 20_261_122
VERSION = 1
"""Of the pictures; a change of what is drawn is a new one, and the cache keeps them apart."""

SIZES = {"small": (4.0, 5.5), "large": (7.0, 9.0)}
"""Radii in pixels of the circle around a shape."""

COLOURS = {
    "red": (214, 48, 49),
    "orange": (240, 137, 30),
    "yellow": (241, 208, 48),
    "green": (46, 158, 77),
    "blue": (45, 99, 207),
    "purple": (142, 68, 173),
}

COLOUR_JITTER = 25
"""How far each channel may be off, to either side."""

BACKGROUND = (222, 250)
"""Greys from the darkest to the lightest."""

MOST_TURN = np.pi / 15
"""How far a shape may be turned from upright, to either side: 12 degrees, so that no square is a diamond."""

CLEARANCE = 1.5
"""Pixels between two shapes, at least."""

SLANT = 0.5
"""The offset across a relation's direction, as a share of that along it, at most: 27 degrees off, so that "left of" is
never "above"."""

TRIES = 64
"""Pairs of places that are drawn together; one in 9 to 21 is as it should be."""

Array: TypeAlias = NDArray[np.float64]


def _circle(x: Array, y: Array) -> Array:
    return np.asarray(np.hypot(x, y) - 0.9)


def _square(x: Array, y: Array) -> Array:
    return np.asarray(np.maximum(abs(x), abs(y)) - 0.8)


def _triangle(x: Array, y: Array) -> Array:
    angles = np.pi / 2 + np.arange(3) * 2 * np.pi / 3  # of the sides' normals; y points down
    sides = [x * np.cos(angle) + (y - 0.1) * np.sin(angle) for angle in angles]
    return np.asarray(np.maximum.reduce(sides) - 0.55)


def _star(x: Array, y: Array) -> Array:
    """A pentagram is what lies within at least four of its five lines."""
    angles = np.pi / 2 + np.arange(5) * 2 * np.pi / 5
    distances = [x * np.cos(angle) + y * np.sin(angle) for angle in angles]
    return np.asarray(np.partition(distances, 3, axis=0)[3] - 0.34)


def _cross(x: Array, y: Array) -> Array:
    x, y = abs(x), abs(y)
    return np.minimum(np.maximum(x - 0.95, y - 0.32), np.maximum(x - 0.32, y - 0.95))


SHAPES: dict[str, Callable[[Array, Array], Array]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "cross": _cross,
}
"""Signed distance to the outline, negative inside, in radii of the circle around the shape; y points down."""

RELATIONS = {"left of": (-1, 0), "right of": (1, 0), "above": (0, -1), "below": (0, 1)}
"""Where the first shape lies, seen from the second."""

OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}

Kind: TypeAlias = tuple[str, str, str]
"""A size, a colour and a shape."""

HELD_OUT: dict[str, tuple[Kind, ...]] = {
    "val": (
        ("large", "purple", "triangle"),
        ("small", "orange", "square"),
        ("large", "yellow", "circle"),
        ("small", "red", "cross"),
        ("large", "green", "star"),
    ),
    "test": (
        ("small", "red", "star"),
        ("large", "green", "triangle"),
        ("small", "blue", "circle"),
        ("large", "yellow", "cross"),
        ("small", "purple", "square"),
        ("large", "orange", "star"),
        ("small", "green", "cross"),
        ("large", "red", "circle"),
        ("small", "yellow", "triangle"),
        ("large", "blue", "square"),
    ),
}
"""What no other split shows: 15 of 60. Train shows each of these in the other size."""

SEEN = tuple(kind for kind in product(SIZES, COLOURS, SHAPES) if not any(kind in kinds for kinds in HELD_OUT.values()))
"""What train shows."""


@dataclass(frozen=True)
class Thing:
    """A shape in a picture: what its caption calls it, and where it is, in pixels."""

    size: str
    colour: str
    shape: str
    radius: float
    x: float
    y: float

    @property
    def name(self) -> str:
        return f"a {self.size} {self.colour} {self.shape}"


@dataclass(frozen=True)
class Scene:
    """One picture."""

    pixels_SS3: NDArray[np.uint8]
    captions: tuple[str, ...]


def scenes(split: str, count: int | None = None) -> Iterator[Scene]:
    """The first `count` scenes of a split, or all that the corpus has. Each depends on its number alone."""
    for generator, things, captions in _plans(split, COUNTS[split] if count is None else count):
        yield Scene(_paint(generator, things), captions)


def _plans(split: str, count: int) -> Iterator[tuple[np.random.Generator, list[Thing], tuple[str, ...]]]:
    """What each scene holds and what is said of it, with the random numbers for its painting."""
    for number in range(count):
        generator = np.random.default_rng([SEED, list(COUNTS).index(split), number])
        kinds = _choose_kinds(generator, split)
        if len(kinds) == 1:
            (thing,) = _place(generator, kinds, (0, 0))
            yield generator, [thing], (thing.name,)
            continue
        relation = _one_of(generator, tuple(RELATIONS))
        first, second = _place(generator, kinds, RELATIONS[relation])
        captions = f"{first.name} {relation} {second.name}", f"{second.name} {OPPOSITE[relation]} {first.name}"
        yield generator, [first, second], captions


def _choose_kinds(generator: np.random.Generator, split: str) -> list[Kind]:
    """One kind or two different ones; in val and test one at least is held out for them."""
    held_out = HELD_OUT.get(split, ())
    first = (held_out or SEEN)[generator.integers(len(held_out or SEEN))]
    if generator.random() < ALONE:
        return [first]
    others = [kind for kind in (*SEEN, *held_out) if kind != first]
    kinds = [first, others[generator.integers(len(others))]]
    return kinds if generator.random() < 0.5 else kinds[::-1]


def _place(generator: np.random.Generator, kinds: list[Kind], direction: tuple[int, int]) -> list[Thing]:
    """Shapes at random places inside the picture: the first of two lies in `direction`, seen from the second."""
    radii = np.array([generator.uniform(*SIZES[size]) for size, _, _ in kinds])
    places = _apart(generator, radii, np.array(direction)) if len(kinds) == 2 else _anywhere(generator, radii, 1)[0]
    return [
        Thing(*kind, float(radius), float(x), float(y))
        for kind, radius, (x, y) in zip(kinds, radii, places, strict=True)
    ]


def _apart(generator: np.random.Generator, radii: Array, direction: NDArray[np.int64]) -> Array:
    """The places of two shapes, (2, 2), the first in `direction`, seen from the second, and clear of it."""
    while True:
        tries = _anywhere(generator, radii, TRIES)
        offsets = tries[:, 0] - tries[:, 1]
        along, across = offsets @ direction, abs(offsets @ direction[::-1])
        good = np.flatnonzero((along >= radii.sum() + CLEARANCE) & (across <= SLANT * along))
        if len(good):
            return np.asarray(tries[good[0]])


def _anywhere(generator: np.random.Generator, radii: Array, tries: int) -> Array:
    """Places inside the picture, x and y, (tries, shapes, 2)."""
    margins = radii[:, None] + 1
    return margins + generator.random((tries, len(radii), 2)) * (SIDE - 2 * margins)


def _one_of(generator: np.random.Generator, names: tuple[str, ...]) -> str:
    return names[generator.integers(len(names))]


def _paint(generator: np.random.Generator, things: list[Thing]) -> NDArray[np.uint8]:
    """The picture, (S, S, 3)."""
    y_S1, x_1S = np.mgrid[:SIDE, :SIDE].astype(np.float64) + 0.5
    pixels_SS3 = np.full((SIDE, SIDE, 3), generator.uniform(*BACKGROUND))
    for thing in things:
        turn = generator.uniform(-MOST_TURN, MOST_TURN)
        x, y = (x_1S - thing.x) / thing.radius, (y_S1 - thing.y) / thing.radius
        x, y = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        covered_SS1 = (0.5 - thing.radius * SHAPES[thing.shape](x, y)).clip(0, 1)[:, :, None]
        colour_3 = COLOURS[thing.colour] + generator.uniform(-COLOUR_JITTER, COLOUR_JITTER, size=3)
        pixels_SS3 += covered_SS1 * (colour_3 - pixels_SS3)
    return np.asarray(np.rint(pixels_SS3).clip(0, 255), np.uint8)


def captions(corpus_dir: Path | None) -> tuple[str, ...]:
    """What is said of every picture, a document each, its captions a line each: the corpus as a text."""
    del corpus_dir  # it is drawn here
    return tuple("\n".join(of_picture) for split in COUNTS for _, _, of_picture in _plans(split, COUNTS[split]))


def find(corpus_dir: Path | None) -> Path | None:
    """The folder of the pictures where they have been drawn already, else this module, which draws them."""
    del corpus_dir
    return _folder() if read_record(_folder()) is not None else Path(__file__)


def pictures() -> Path:
    """The folder of the pictures, one for each split in it; they are drawn where they are not there yet.

    Raises FetchError where they cannot be written.
    """
    with one_at_a_time(_folder().name):
        if read_record(_folder()) is None:
            with new_folder(_folder(), 40_000_000, {"version": VERSION}, "scenes") as new:
                for split in COUNTS:
                    write_scenes(new / split, scenes(split))
    return _folder()


def write_scenes(folder: Path, drawn: Iterator[Scene]) -> None:
    """Scenes as a folder of PNG files and captions.txt, in the layout of Flickr8k."""
    import csv

    from PIL import Image

    (folder / "Images").mkdir(parents=True)
    with (folder / "captions.txt").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["image", "caption"])
        for number, scene in enumerate(drawn):
            name = f"{number:05}.png"
            Image.fromarray(scene.pixels_SS3).save(folder / "Images" / name)
            table.writerows([name, caption] for caption in scene.captions)


def _folder() -> Path:
    return corpora() / f"scenes-{VERSION}"


CORPUS = NamedCorpus(
    name="scenes",
    title="captioned pictures of shapes",
    unit="pictures",
    licence="Apache-2.0, as inkloom",
    source="drawn by inkloom from a seed",
    citation="inkloom.corpus.named.scenes",
    split="pictures by combinations of size, colour and shape; as a text, whole pictures by a seeded draw",
    documents=sum(COUNTS.values()),
    characters=605_809,
    bytes=605_809,
    find=find,
    read=captions,
    pictures=pictures,
)
