"""The recipe that is made for each training."""

import logging

import pytest

import inkloom
from inkloom.config import build
from inkloom.models import MODELS
from inkloom.recipes.auto import LARGE, LONG, SHORT, Length, choose, dropout_for, size_for
from inkloom.training.config import TrainingConfig
from inkloom.training.throughput import lstm_rate

REFERENCE = 50_000.0
"""Tokens a second, about the machine of benchmarks/RESULTS.md."""


def chosen(chars, rate=REFERENCE, **length):
    return choose(chars, Length(**length), lambda: rate)


def network(choice):
    model = choice.recipe["model"]
    return model["parts"][0] if model["name"] == "mixture" else model


def test_a_megabyte_and_80_seconds_are_what_the_mixture_was_made_for():
    choice = chosen(1_000_000, budget=80.0)
    assert choice.recipe["model"] == {"name": "mixture", "parts": ({"name": "lstm", "training": {}}, {"name": "ngram"})}
    assert "4.0 million tokens" in choice.said
    assert "50,000 a second, measured" in choice.said


def test_what_is_read_more_often_is_dropped_more():
    shares = [
        network(chosen(chars, budget=80.0)).get("dropout", 0.1) for chars in (10_000_000, 1_000_000, 200_000, 20_000)
    ]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]
    assert [dropout_for(passes) for passes in (0.5, 5, 20, 1000)] == [0.0, 0.1, 0.3, 0.5]


def test_more_time_makes_a_larger_network():
    sizes = [network(chosen(5_000_000, budget=seconds)).get("hidden_size", 512) for seconds in (5.0, 80.0, 3600.0)]
    assert sizes == [256, 512, 1024]
    assert [size_for(tokens, 1e6) for tokens in (1, 1e6, 1e9)] == [256, 512, 1024]
    assert size_for(1e9, 20_000) == 256


def test_a_slow_machine_counts_as_little_time():
    assert chosen(1_000_000, budget=80.0, rate=500.0).recipe["model"] == {"name": "ngram"}


def test_no_length_is_a_short_one_and_a_large_text_gets_a_longer_one():
    assert chosen(LARGE).recipe["training"]["budget"] == pytest.approx(SHORT, abs=0.1)
    assert chosen(LARGE + 1).recipe["training"]["budget"] == pytest.approx(LONG, abs=0.1)


def test_a_gigabyte_is_not_counted_in_a_minute():
    assert chosen(10**9, budget=60.0).recipe["model"]["name"] == "lstm"


def test_steps_and_epochs_need_no_measurement():
    def never():
        raise AssertionError("measured")

    assert choose(100_000, Length(epochs=20), never).recipe["model"] == {"name": "lstm", "dropout": 0.3}
    assert "20 times the text" in choose(100_000, Length(epochs=20), never).said
    assert choose(1_000_000, Length(steps=3000), never).recipe["model"] == {"name": "lstm"}


@pytest.mark.parametrize("chars", [2_000, 200_000, 10_000_000, 10**9])
@pytest.mark.parametrize("length", [{}, {"budget": 3.0}, {"budget": 600.0}, {"steps": 10}, {"epochs": 0.5}])
def test_every_choice_is_accepted_by_what_it_configures(chars, length):
    recipe = chosen(chars, **length).recipe
    model = {name: value for name, value in recipe["model"].items() if name != "name"}
    build(MODELS.load(recipe["model"]["name"]).Config, model, "model").resolve(64)
    build(TrainingConfig, {**recipe["training"], **network(chosen(chars, **length)).get("training", {})}, "training")


def test_a_machine_is_measured():
    assert lstm_rate(TrainingConfig(device="cpu", precision="float32"), seconds=0.01) > 0


def test_a_training_without_settings_is_planned_by_it(text_file, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("inkloom.training.throughput.lstm_rate", lambda settings: 100.0)
    with caplog.at_level(logging.INFO, logger="inkloom"):
        run = inkloom.train(text_file, budget=3, out=tmp_path / "run")
    assert any(record.message.startswith("auto: n-grams alone: 3 s are") for record in caplog.records)
    assert run.config.recipe == "auto"
    assert run.config.model["name"] == "ngram"
    assert run.config.training["budget"] == pytest.approx(3, abs=0.1)


def test_a_part_of_a_mixture_has_settings_of_its_own(text_file, tmp_path, monkeypatch):
    monkeypatch.setattr("inkloom.recipes.auto.SIZES", ((8, float("inf")),))
    monkeypatch.setattr("inkloom.recipes.auto.LEARNING_RATES", {8: 6e-3})
    monkeypatch.setattr("inkloom.training.throughput.lstm_rate", lambda settings: 10 * REFERENCE)
    inkloom.train(text_file, budget=3, recipe="auto", out=tmp_path / "run")
    part = inkloom.load_run(tmp_path / "run" / "parts" / "1-lstm").config
    assert part.model["hidden_size"] == 8
    assert part.training["learning_rate"] == 6e-3
    assert "training" not in part.model


def test_settings_without_a_model_are_those_of_an_lstm(text_file, tmp_path):
    run = inkloom.train(text_file, steps=1, batch_size=4, seq_len=16, out=tmp_path / "run")
    assert run.config.recipe is None
    assert run.config.model["name"] == "lstm"
