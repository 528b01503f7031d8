"""What many tests share: one thread, a cache of their own, a real text and a small finished run."""

import itertools
import logging
import os
import pydoc_data.topics
from pathlib import Path

import pytest
import torch

from tests import captions
from tests.captions import make_folder

# Tests run side by side, one a core; more threads would only wait for each other.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(autouse=True)
def _private_folders(monkeypatch, tmp_path_factory):
    """No test reads or writes the user's cache, corpora or terminal settings."""
    monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("INKLOOM_CORPUS_DIR", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.fixture(autouse=True)
def _no_announcements_left_on():
    """A command that ran in this process shows announcements on stderr; the next test begins without."""
    log = logging.getLogger("inkloom")
    before = log.handlers[:], log.level, log.propagate
    yield
    log.handlers[:], log.level, log.propagate = before


@pytest.fixture(scope="session")
def real_text() -> str:
    """English text of 40,000 characters that every Python brings: its language reference."""
    topics = pydoc_data.topics.topics
    return "\n".join(topics[name] for name in sorted(topics))[:40_000]


@pytest.fixture(scope="session")
def text_file(tmp_path_factory, real_text) -> Path:
    """The same as a file."""
    file = tmp_path_factory.mktemp("text") / "reference.txt"
    file.write_text(real_text, encoding="utf-8")
    return file


TINY = ("-o", "model.hidden_size=32", "-o", "model.embedding_size=16", "--batch-size", "8", "--seq-len", "32")
"""Settings under which a training takes a second."""


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory, text_file) -> Path:
    """The folder of a small LSTM, trained and scored. Tests that change a run copy it first."""
    import inkloom

    out = tmp_path_factory.mktemp("runs") / "tiny"
    inkloom.train(text_file, out=out, steps=60, seed=1, overrides=TINY[1:4:2], batch_size=8, seq_len=32)
    return out


@pytest.fixture(scope="session")
def translator_run(tmp_path_factory) -> Path:
    """The folder of a small translator, trained and scored. Tests that change a run copy it first."""
    import inkloom
    from tests.translators import SETTINGS, write_folder

    folder = tmp_path_factory.mktemp("translator")
    inkloom.train(write_folder(folder / "pairs"), out=folder / "run", steps=120, batch_size=16, seq_len=32, **SETTINGS)
    return folder / "run"


@pytest.fixture(scope="session")
def scenes_folder(tmp_path_factory) -> Path:
    """A few drawn scenes with their captions, as a folder with splits of its own."""
    return make_folder(tmp_path_factory.mktemp("scenes") / "drawn")


@pytest.fixture(scope="session")
def finished_captioner(tmp_path_factory, scenes_folder) -> Path:
    """The folder of a small captioner, trained and scored. Tests that change a run copy it first."""
    import inkloom

    out = tmp_path_factory.mktemp("runs") / "captioner"
    with pytest.MonkeyPatch.context() as patched:  # made before `_private_folders` is, and images are kept in the cache
        patched.setenv("INKLOOM_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))
        inkloom.train(scenes_folder, model="captioner", out=out, steps=8, batch_size=8, overrides=captions.TINY)
    return out


@pytest.fixture(scope="session")
def classes(tmp_path_factory) -> Path:
    """A folder with two classes of unequal size: words of a and b that end in a, and those that end in b."""
    folder = tmp_path_factory.mktemp("classes")
    words = ["".join(letters) for length in range(1, 8) for letters in itertools.product("ab", repeat=length)]
    for label, last, most in (("calm", "a", 96), ("keen", "b", 54)):
        chosen = [word for word in words if word.endswith(last)][:most]
        (folder / f"{label}.txt").write_text("".join(f"{word}\n" for word in chosen), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def classifier_run(tmp_path_factory, classes):
    """A small classifier of them, trained and scored."""
    import inkloom

    sizes = ("model.encoder=gru", "model.hidden_size=16", "model.embedding_size=8", "model.dropout=0")
    return inkloom.train(
        classes,
        model="classifier",
        out=tmp_path_factory.mktemp("runs") / "endings",
        split="60,20,20",
        steps=60,
        batch_size=32,
        overrides=(*sizes, "training.learning_rate=2e-2", "training.precision=float32"),
    )
