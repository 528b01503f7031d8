"""Families without gradients train through the same command into the same run directory."""

import csv
import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest

import inkloom
from inkloom import api
from inkloom.data import EncodedPart
from inkloom.errors import InputError, InterruptedByUserError
from inkloom.evaluation.likelihood import token_nats
from inkloom.models.kneser_ney import count_ngrams, estimate
from inkloom.models.ngram import NGram
from inkloom.training import fitters
from inkloom.training.config import TrainingConfig
from inkloom.training.fitters import fit_kneser_ney
from inkloom.training.schedule import Clock

VOCABULARY, END = 8, 1


@pytest.fixture(scope="module")
def encoded():
    """Texts in which two tokens decide how likely each next one is: no order above 3 can know more."""
    random = np.random.default_rng(0)
    chances = random.dirichlet([0.3] * 6, size=(6, 6))
    ids = [0, 0]
    while len(ids) < 25_000:
        ids.append(random.choice(6, p=chances[ids[-2], ids[-1]]))
    spans = {"train": ids[:20_000], "val": ids[20_000:]}
    return {name: as_part(name, [END, *(token + 2 for token in span)]) for name, span in spans.items()}


def as_part(name, ids):
    tokens = len(ids) - 1
    return EncodedPart(name, np.array(ids, np.uint16), chars=tokens, bytes=tokens, unknown_tokens=0, charge_nats=0.0)


@pytest.fixture(scope="module")
def val_by_order(encoded):
    """What each order scores on val, from 1 on."""
    counts = list(itertools.islice(count_ngrams(encoded["train"].ids, VOCABULARY, END), 5))
    models = [estimate(counts[:order], VOCABULARY) for order in range(1, 6)]
    return [float(token_nats(model, encoded["val"].ids).mean()) for model in models]


def fit(encoded, order, clock=None, **training):
    """The fitted model, its score of val, and what was reported."""
    reported = []
    unfitted = NGram(NGram.Config(order=order), VOCABULARY)
    job = SimpleNamespace(
        encoded=encoded,
        tokenizer=SimpleNamespace(end_id=END),
        settings=TrainingConfig(**training),
        clock=clock or Clock(),
    )
    fitted = fit_kneser_ney(unfitted, job, lambda *tried: reported.append(tried))
    return fitted.model, fitted.val_loss, reported


@pytest.mark.parametrize("order", [1, 4])
def test_a_given_order_is_estimated_alone(encoded, val_by_order, order):
    model, val_loss, reported = fit(encoded, order)
    assert model.config.order == len(model.config.ngrams) == order
    assert reported == [(f"order {order}", val_loss)]
    assert val_loss == pytest.approx(val_by_order[order - 1], rel=1e-6)


def test_auto_takes_the_order_that_is_best_on_val(encoded, val_by_order):
    model, val_loss, reported = fit(encoded, "auto")
    assert model.config.order == 3
    assert val_loss == val_by_order[2]
    assert reported == [(f"order {order}", val_by_order[order - 1]) for order in range(1, 5)]


def test_auto_takes_no_longer_order_for_a_gain_that_is_not_worth_its_tables(encoded, val_by_order, monkeypatch):
    one, two, three, *_ = val_by_order
    assert one - two < two - three
    monkeypatch.setattr(fitters, "LEAST_GAIN", (one - two) * 1.01)
    assert fit(encoded, "auto")[0].config.order == 1


def test_auto_stops_where_the_budget_ends(encoded):
    model, _, reported = fit(encoded, "auto", Clock(before=100.0), budget=100.0)
    assert (model.config.order, len(reported)) == (1, 1)


def test_auto_stops_where_the_tables_grow_too_large(encoded, monkeypatch):
    monkeypatch.setattr(fitters, "MOST_NGRAMS", VOCABULARY)
    assert fit(encoded, "auto")[0].config.order == 2


@pytest.fixture(scope="module")
def run(tmp_path_factory, text_file):
    """A finished run of order 4."""
    out = tmp_path_factory.mktemp("runs") / "ngram"
    return inkloom.train(text_file, model="ngram", overrides=["model.order=4"], seed=1, out=out)


def test_a_run_has_the_files_of_every_run(run):
    summary = run.summary()
    with run.directory.metrics_file.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["step"], row["tokens"], row["train_loss"]) == ("1", str(summary["tokens_seen"]), "")
    assert float(row["val_loss"]) == pytest.approx(summary["val"]["nats_per_token"], abs=1e-6)
    assert summary["steps"] == 1
    assert summary["parameters"] == run.model.log_probs_G.numel() + run.model.log_backoffs.numel()
    assert run.directory.samples_file.read_text(encoding="utf-8").count("=== step 1, val ") == 3
    assert run.directory.report_file.exists()


def test_a_run_is_rebuilt_scored_and_writes(run):
    opened = inkloom.load_run(run.directory.path)
    assert opened.model.order == opened.config.model["order"] == 4
    assert opened.evaluate("test").as_json() == run.summary()["test"]
    (sample,) = opened.generate("The ", max_tokens=30, seed=1)
    assert len(sample.token_ids) == 30


def test_auto_is_written_down_as_what_it_chose(tmp_path, text_file):
    run = inkloom.train(text_file, model="ngram", out=tmp_path / "run")
    rows = run.directory.metrics_file.read_text().splitlines()[1:]
    # The last one that was tried gained nothing.
    assert run.config.model["order"] == len(run.config.model["ngrams"]) == len(rows) - 1
    chosen_val_loss = float(rows[-2].split(",")[4])
    assert run.summary()["val"]["nats_per_token"] == pytest.approx(chosen_val_loss, abs=1e-6)
    assert f"=== step {len(rows)}, val {chosen_val_loss:.4f}" in run.directory.samples_file.read_text(encoding="utf-8")
    assert run.summary()["steps"] == len(rows)


def test_an_interrupted_run_begins_again_and_ends_with_the_same_bytes(tmp_path, text_file, run, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fitters, "estimate", stop)
        with pytest.raises(InterruptedByUserError, match="inkloom train --resume"):
            inkloom.train(text_file, model="ngram", overrides=["model.order=4"], seed=1, out=tmp_path / "run")
    again = api.resume(tmp_path / "run")
    for file in ("model.safetensors", "samples.txt"):
        assert (tmp_path / "run" / file).read_bytes() == (run.directory.path / file).read_bytes()
    assert len(again.directory.metrics_file.read_text().splitlines()) == 2


def test_a_run_that_was_killed_before_its_scores_begins_again(tmp_path, text_file):
    """It has chosen its order and written its weights, but is not finished."""
    run = inkloom.train(text_file, model="ngram", out=tmp_path / "run")
    weights = run.directory.weights_file.read_bytes()
    run.directory.evaluation_file.unlink()
    run.directory.weights_file.write_bytes(weights[:1000])
    api.resume(tmp_path / "run")
    assert run.directory.weights_file.read_bytes() == weights
    assert len(run.directory.metrics_file.read_text().splitlines()) == 2


def test_a_short_text_needs_no_window(tmp_path, caplog):
    (tmp_path / "short.txt").write_text("abcabcabc" * 5)
    inkloom.train(tmp_path / "short.txt", model="ngram", out=tmp_path / "run")
    assert "window" not in caplog.text


def test_weights_to_start_from_are_refused(tmp_path, run):
    with pytest.raises(InputError, match="ngram is fitted in one go") as error:
        inkloom.train(run.config.corpus.sources[0], init=str(run.directory.path), out=tmp_path / "run")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


def test_a_wrong_order_is_refused_before_any_work(tmp_path, text_file):
    with pytest.raises(InputError, match=r"model\.order got '0'"):
        inkloom.train(text_file, model="ngram", overrides=["model.order=0"], out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_config_on_disk_rebuilds_the_tables(run):
    model = json.loads(run.directory.config_file.read_text())["model"]
    assert model == {"name": "ngram", "order": 4, "arpa": None, "ngrams": list(run.model.sizes)}
