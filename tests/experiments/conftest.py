"""Comparisons that several tests look at."""

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from inkloom.experiments.comparison.judged import WriterComparison
from inkloom.experiments.comparison.results import Comparison
from tests.experiments.comparisons import compare, compare_writers

PLANTED = "A sentence that somebody has copied word for word from the one part of the text into the other, no less."


@dataclass(frozen=True)
class Made:
    """A comparison, and the text it was made of."""

    text: Path
    comparison: Comparison


@pytest.fixture(scope="session")
def league(tmp_path_factory, real_text) -> Made:
    """rnn, gru and ngram at equal tokens with two seeds, on a text whose last part quotes its first one."""
    folder = tmp_path_factory.mktemp("league")
    text = folder / "reference.txt"
    text.write_text(PLANTED + real_text[:30_000] + PLANTED + real_text[30_000:30_800], encoding="utf-8")
    return Made(text, compare(text, folder / "out", "rnn,gru,ngram", seeds=2))


@pytest.fixture(scope="session")
def sweep(tmp_path_factory, text_file) -> Made:
    """Two models and two windows, at equal tokens and at equal epochs, with one seed."""
    out = tmp_path_factory.mktemp("sweep") / "out"
    options = {"seq_lens": "4,16", "tokens": 640, "epochs": 0.02, "seeds": 1, "split": "90,10"}
    return Made(text_file, compare(text_file, out, "rnn,ngram", **options))


@dataclass(frozen=True)
class Judged:
    """A comparison of writers of sentences, and the text it was made of."""

    text: Path
    comparison: WriterComparison


@pytest.fixture(scope="session")
def writers(tmp_path_factory) -> Judged:
    """An LSTM, a GAN that begins by likelihood and one from scratch, with two seeds, on 240 sentences."""
    folder, drawn = tmp_path_factory.mktemp("writers"), random.Random(0)
    text = folder / "toy.txt"
    words = (("the", "all", "two"), ("cats", "dogs", "birds"), ("sleep", "eat", "drink water"))
    lines = (" ".join(map(drawn.choice, words)) for _ in range(240))
    text.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return Judged(text, compare_writers(text, folder / "out"))
