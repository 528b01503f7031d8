"""A small folder of drawn scenes, and a captioner trained on it for a moment, which many tests look at."""

from inkloom.corpus.named.scenes import scenes, write_scenes

SIZES = {"train": 24, "val": 6, "test": 6}

TINY = ("model.channels=8,8,8", "model.width=16", "model.heads=2", "training.validations=2", "training.samples=1")
"""Settings under which a training takes a second."""


def make_folder(path):
    """Scenes in the layout of Flickr8k, with splits of their own."""
    for split, count in SIZES.items():
        write_scenes(path / split, scenes(split, count))
    return path
