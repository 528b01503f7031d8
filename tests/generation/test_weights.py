"""Text written with packed weights against text written by the model itself, and what coarser weights cost.

Shapes: O outputs, I inputs.
"""

import json

import pytest
import torch
from torch import nn

from inkloom.cli.main import run
from inkloom.generation import GenerationConfig
from inkloom.generation.decode import decode
from inkloom.generation.samples import sample_requests
from inkloom.models.lstm import LSTM
from inkloom.models.packed_linear import SMALL, rounded
from inkloom.models.transformer import LAYOUTS, Transformer
from inkloom.runs.run import load_run

from .fakes import Pieces

LETTERS = Pieces(*"abcdefghij")


def transformer(preset):
    torch.manual_seed(0)
    config = Transformer.Config(preset=preset, layers=2, width=192, heads=6, context_length=160)
    model = Transformer(config, LETTERS.vocab_size)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def lstm():
    torch.manual_seed(0)
    return LSTM(LSTM.Config(embedding_size=16, hidden_size=128), LETTERS.vocab_size).eval()


MODELS = {**{preset: lambda preset=preset: transformer(preset) for preset in LAYOUTS}, "lstm": lstm}


def written(model, weights, **settings):
    requests = sample_requests([[1, 2], [3]], GenerationConfig(seed=3, logit_bias={LETTERS.end_id: -100.0}, **settings))
    rows = [[] for _ in requests]
    for step in decode(model, LETTERS, requests, weights=weights):
        for token in step:
            rows[token.request].append(token.id)
    return rows


@pytest.mark.parametrize("name", list(MODELS))
@pytest.mark.parametrize(("samples", "settings"), [(1, {"greedy": True}), (3, {"temperature": 0.8})])
def test_a_hundred_tokens_are_those_of_the_model_itself(name, samples, settings):
    model = MODELS[name]()
    settings = {"max_tokens": 100, "num_samples": samples, **settings}
    assert written(model, "float32", **settings) == written(model, None, **settings)


def test_bfloat16_and_float32_score_alike(finished_run):
    opened = load_run(finished_run)
    exact = opened.evaluate("val").nats_per_token
    with torch.autocast("cpu", torch.bfloat16):
        assert opened.evaluate("val").nats_per_token == pytest.approx(exact, abs=0.005)


def test_rounding_touches_large_matrices_alone():
    model = nn.Sequential(nn.Linear(SMALL // 64, 64), nn.Linear(4, 4))
    for kind, differs in (("int8", True), ("bfloat16", True), ("float32", False)):
        coarse = rounded(model, kind)
        assert (coarse[0].weight != model[0].weight).any().item() is differs
        torch.testing.assert_close(coarse[0].weight, model[0].weight, rtol=0.01, atol=0.001)
        assert (coarse[1].weight == model[1].weight).all()


@pytest.fixture
def wide_run(tmp_path, text_file):
    """A run with matrices that are large enough to be kept coarser."""
    import inkloom

    settings = {"steps": 2, "batch_size": 2, "seq_len": 8, "samples": 0}
    return inkloom.train(text_file, out=tmp_path / "wide", overrides=["model.hidden_size=96"], **settings)


def test_the_command_line_says_what_coarser_weights_cost(wide_run, capsys):
    path = str(wide_run.directory.path)
    assert run(["evaluate", path, "--weights", "int8", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    exact = wide_run.evaluate().bits_per_char
    assert found["bits_per_char_lost"] == pytest.approx(found["bits_per_char"] - exact, abs=1e-9)
    assert 0 < abs(found["bits_per_char_lost"]) < 0.01
    assert run(["evaluate", path, "--weights", "bfloat16"]) == 0
    assert "bfloat16 weights cost" in capsys.readouterr().out
    assert run(["evaluate", path, "--weights", "int4"]) == 2
    assert "Known: bfloat16, int8" in capsys.readouterr().err
    assert run(["generate", path, "--weights", "int8", "--max-tokens", "5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["samples"][0]["tokens"] <= 5
    assert run(["generate", path, "--weights", "int4"]) == 2
