"""A folder with a run of each family."""

import shutil
from pathlib import Path

import pytest

HOSTILE = "<img src=x onerror=\"document.title='run'\">"
"""The name of a folder, as a run's."""

FAMILIES = {
    "ngram": {"model": "ngram", "overrides": ("model.order=4",)},
    "transformer": {
        "model": "transformer",
        "overrides": ("model.width=32", "model.layers=2", "model.heads=2"),
        "steps": 30,
        "batch_size": 8,
        "seq_len": 64,
    },
}


@pytest.fixture(scope="session")
def workshop(tmp_path_factory, finished_run, text_file) -> Path:
    """A folder with runs/: lstm, ngram, transformer, a mixture of two, and one whose name is HTML."""
    import inkloom

    folder = tmp_path_factory.mktemp("workshop")
    runs = folder / "runs"
    shutil.copytree(finished_run, runs / "lstm")
    for name, settings in FAMILIES.items():
        inkloom.train(text_file, out=runs / name, seed=1, **settings)
    inkloom.train(of=(str(runs / "lstm"), str(runs / "ngram")), out=runs / "mixture")
    shutil.copytree(runs / "ngram", runs / HOSTILE)
    return folder
