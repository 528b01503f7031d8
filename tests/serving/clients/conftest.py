"""Servers of an LSTM and of a Transformer, for clients that know nothing of inkloom."""

import importlib.util

import pytest

from tests.serving.process import Serving

WINDOW = 256
CLIENTS = ("langchain_openai", "lm_eval", "openai", "schemathesis")


def pytest_ignore_collect(collection_path, config):
    """`make test` does without these clients; `make test-clients` installs them, and fails where one is missing."""
    asked_for = config.option.markexpr == "clients"
    return None if asked_for or all(map(importlib.util.find_spec, CLIENTS)) else True


@pytest.fixture(scope="session")
def transformer_run(tmp_path_factory, text_file):
    """The folder of a small Transformer with a window of 256 characters."""
    import inkloom

    out = tmp_path_factory.mktemp("runs") / "small-transformer"
    size = ("model.layers=1", "model.width=16", "model.heads=2", f"model.context_length={WINDOW}")
    inkloom.train(text_file, model="transformer", out=out, steps=30, seed=1, overrides=size, batch_size=8, seq_len=32)
    return out


@pytest.fixture(scope="session")
def server(finished_run):
    serving = Serving(finished_run)
    yield serving
    serving.kill()


@pytest.fixture(scope="session")
def transformer_server(transformer_run):
    serving = Serving(transformer_run)
    yield serving
    serving.kill()
