"""Translators trained on pairs: they learn, resume exactly, and say what they cannot be trained on.

Shapes: B rows, T tokens.
"""

import csv
import json

import pytest
import torch

import inkloom
from inkloom.errors import InputError
from inkloom.models.seq2seq import Seq2Seq
from inkloom.runs.weights import load_weights
from inkloom.training.callbacks.interrupt import Interrupt
from inkloom.training.translation import with_guesses
from tests.translators import SETTINGS, write_folder


def train(folder, out, **changes):
    overrides = [*SETTINGS["overrides"], *changes.pop("overrides", [])]
    return inkloom.train(folder, out=out, **{**SETTINGS, **changes, "overrides": overrides})


def test_a_translator_learns_what_it_has_not_seen(translator_run):
    evaluation = json.loads((translator_run / "evaluation.json").read_text())
    test = evaluation["test"]
    assert test["translation"]["bleu_lowercased"]["score"] > 60
    assert test["nats_per_token"] < 1
    assert {"beam", "length_penalty", "chrf", "exact"} <= test["translation"].keys()
    assert {"sources", "targets", "pairs", "new"} == test["repeats"].keys()
    assert evaluation["examples"][0].keys() == {"source", "reference", "translation"}
    assert evaluation["train"]["partial"] is False
    assert "→" in (translator_run / "samples.txt").read_text()


def test_evaluate_gives_what_the_training_scored(translator_run):
    run = inkloom.load_run(translator_run)
    expected = run.summary()["test"]
    del expected["repeats"]  # which the training alone counts, since it has train at hand
    found = run.evaluate().as_json()
    assert found["translation"] == expected["translation"]
    assert found["nats_per_token"] == pytest.approx(expected["nats_per_token"], rel=1e-5)


def metrics(run):
    with (run.directory.path / "metrics.csv").open() as file:
        return [(row["step"], row["train_loss"], row["val_loss"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("network", ["transformer", "lstm"])
def test_an_interrupted_training_goes_on_exactly(tmp_path, monkeypatch, network):
    folder = write_folder(tmp_path / "pairs")
    settings = {"steps": 6, "batch_size": 4, "seq_len": 32}
    overrides = [f"model.network={network}", "model.width=8", "model.dropout=0.2", "model.scheduled_sampling=0.5"]
    whole = train(folder, tmp_path / "whole", overrides=overrides, **settings)
    stop_after(monkeypatch, 3)
    with pytest.raises(inkloom.errors.InterruptedByUserError):
        train(folder, tmp_path / "halves", overrides=overrides, **settings)
    monkeypatch.undo()
    from inkloom import api

    halves = api.resume(tmp_path / "halves")
    assert metrics(halves) == metrics(whole)
    for one, other in zip(halves.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(one, other)


def stop_after(monkeypatch, steps):
    """As Ctrl-C after so many steps."""
    before = Interrupt.on_train_batch_end

    def stop(self, trainer, *arguments):
        self.stopped = trainer.global_step >= steps
        before(self, trainer, *arguments)

    monkeypatch.setattr(Interrupt, "on_train_batch_end", stop)


def test_each_side_may_have_a_tokenizer_of_its_own(tmp_path):
    overrides = ["tokenizer_source.name=word", "tokenizer_source.min_count=1", "model.width=8"]
    run = train(write_folder(tmp_path / "pairs"), tmp_path / "run", overrides=overrides, steps=2)
    assert (run.tokenizer.name, run.source_tokenizer.name) == ("bpe", "word")
    assert run.model.source_embedding.weight.shape[0] == run.source_tokenizer.vocab_size
    assert len(run.translate(["eins und zwanzig Hunde"], beam=1)[0]) == 1


def test_long_pairs_are_left_out_and_said(tmp_path, caplog):
    folder = write_folder(tmp_path / "pairs")
    with (folder / "train.de").open("a") as de, (folder / "train.en").open("a") as en:
        de.write("Hunde " * 99 + "\n")
        en.write("dogs\n")
    run = train(folder, tmp_path / "run", overrides=["model.context_length=40", "model.width=8"], steps=1)
    assert "1 of 57 pairs of train are left out" in caplog.text
    run.translate(["Hunde " * 99, "Hunde"], beam=1)
    assert "1 line is too long" in caplog.text


def test_guesses_stand_where_they_are_drawn():
    model = Seq2Seq(Seq2Seq.Config(width=8, heads=2, encoder_layers=1, decoder_layers=1), 7).eval()
    inputs_BT = torch.randint(7, (50, 12))
    state = model.initial_state(50, [[1, 2, 0]] * 50)
    assert torch.equal(with_guesses(model, inputs_BT, state, 0.0), inputs_BT)
    mixed_BT = with_guesses(model, inputs_BT, state, 0.5)
    assert torch.equal(mixed_BT[:, 0], inputs_BT[:, 0])
    changed = float((mixed_BT != inputs_BT)[:, 1:].float().mean())
    assert 0.3 < changed < 0.5  # of the half that is drawn, about one in seven is what stood there


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"corpus_options": {"source_name": "fr", "target_name": "en"}}, "fr"),
        ({"corpus_options": {"reader": "text"}}, "Keep one, or name the files"),
        ({"overrides": ["model.attention=none"]}, "network=rnn"),
        ({"overrides": ["model.width=30", "model.heads=4"]}, "multiple of 8"),
        ({"overrides": ["tokenizer_source.size=3"]}, "size"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_line(tmp_path, changes, words):
    folder = write_folder(tmp_path / "pairs")
    with pytest.raises(InputError, match=words) as caught:
        train(folder, tmp_path / "run", **changes)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_weights_that_are_tied_are_saved_once(translator_run):
    run = inkloom.load_run(translator_run)
    load_weights(run.model, translator_run / "model.safetensors")
    assert run.summary()["parameters"] == sum(parameter.numel() for parameter in run.model.parameters())
