"""`inkloom bench`: what it measures exists and is told; how long anything takes is nobody's test."""

import json

import pytest
import torch

from inkloom.cli.main import run
from inkloom.corpus import load_corpus
from inkloom.experiments.bench import BENCHES, training, writing
from inkloom.experiments.bench.plain import PlainLSTM, PlainTransformer
from inkloom.experiments.bench.timing import rates_in_turn
from inkloom.models.lstm import LSTM
from inkloom.models.transformer import Transformer
from inkloom.tokenizers.char import CharTokenizer

EXPECTED = {
    "train": ("lstm, inkloom", "lstm, plain float32 loop", "transformer, inkloom", "transformer, plain float32 loop"),
    "generate": (
        "tiny, 1 rows",
        "tiny, 2 rows, unpacked",
        "tiny, 1 rows, int8",
        "tiny, from position 3",
    ),
    "evaluate": ("lstm", "transformer", "ngram of order 5"),
    "data": ("char: vocabulary", "bpe: ids", "leak check", "batches: streams"),
    "ngram": ("estimation, order 7", "scoring, order 7", "writing, order 7"),
}


@pytest.fixture
def _small(monkeypatch):
    """Networks of a few units and rounds of a few steps."""
    tiny = LSTM.Config(hidden_size=8, embedding_size=4)
    transformer = Transformer.Config(layers=1, width=16, heads=2)
    monkeypatch.setattr(training, "STEPS", 1)
    monkeypatch.setattr(training, "configs", lambda: (tiny, transformer))
    monkeypatch.setattr(writing, "models", lambda vocabulary: {"tiny": LSTM(tiny, vocabulary).eval()})
    monkeypatch.setattr(writing, "ROWS", 2)
    monkeypatch.setattr(writing, "TOKENS", 2)
    monkeypatch.setattr(writing, "EARLY", 3)
    monkeypatch.setattr(writing, "LATE", 5)
    monkeypatch.setattr(writing, "AT_A_TIME", 2)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("what", list(BENCHES))
def test_every_benchmark_measures_what_it_says(what, tmp_path, real_text, capsys):
    text = tmp_path / "text.txt"
    text.write_text(real_text[:4000], encoding="utf-8")
    assert run(["bench", what, str(text), "--rounds", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    measured = {line["what"]: line for line in found["lines"]}
    assert set(EXPECTED[what]) <= set(measured)
    assert all(0 < line["least"] <= line["median"] <= line["most"] for line in found["lines"])
    assert found["machine"]["versions"]["torch"] == torch.__version__
    if what == "train":
        assert "times the plain loop; " in measured["lstm, inkloom"]["note"]
        assert "GFLOP/s in bfloat16, measured" in measured["lstm, inkloom"]["note"]


def test_without_a_corpus_it_reads_pythons_own_text(capsys, monkeypatch):
    monkeypatch.setattr("inkloom.experiments.bench.counting.ORDERS", (1,))
    assert run(["bench", "ngram", "--rounds", "1"]) == 0
    assert "python-docs, median of 1" in capsys.readouterr().out


def test_an_unknown_benchmark_lists_the_known_ones(capsys):
    assert run(["bench", "trian"]) == 2
    assert "Did you mean train?" in capsys.readouterr().err


def test_what_is_compared_takes_turns():
    order = []
    works = {name: lambda name=name: order.append(name) or 3.0 for name in "ab"}
    lines = rates_in_turn(works, "x/s", rounds=2)
    assert order == list("ababab")
    assert lines["a"].least <= lines["a"].median <= lines["a"].most


def test_plain_networks_are_as_large_as_inklooms():
    def size(model):
        return sum(weight.numel() for weight in model.parameters())

    lstm = LSTM(LSTM.Config(), 65)
    assert size(PlainLSTM(lstm.config, 65)) == size(lstm)
    transformer = Transformer(Transformer.Config(context_length=128), 65)
    assert size(PlainTransformer(transformer.config, 65, 128)) == pytest.approx(size(transformer), rel=0.03)


def test_operations_of_a_network_that_can_be_counted_by_hand():
    model = LSTM(LSTM.Config(embedding_size=3, hidden_size=5), 7)
    assert training.operations_per_token(model, 64) == 6 * (4 * 5 * 3 + 4 * 5 * 5 + 7 * 5)
    model = Transformer(Transformer.Config(layers=2, width=8, heads=2, preset="vaswani", context_length=4), 7)
    assert training.operations_per_token(model, 4) == 6 * (2 * 12 * 8 * 8 + 7 * 8) + 6 * 2 * 8 * 4


def test_the_models_that_write_are_those_of_the_headline():
    models = writing.models(65)
    assert sum(weight.numel() for weight in models["transformer"].blocks.parameters()) // 10_000 == 1064
    assert models["lstm"].config.hidden_size == 512


def test_the_built_in_text_is_there():
    part = load_corpus("python-docs").whole
    assert CharTokenizer.fit((piece.text for piece in part.pieces()), CharTokenizer.Config()).vocab_size > 50
