"""A GAN as a run: trained, resumed, measured, written with, and reported."""

import csv
import json
import logging
import shutil

import pytest
import torch

import inkloom
from inkloom.cli.main import run
from inkloom.errors import InputError
from inkloom.training.adversarial.curves import COLUMNS
from tests.training.adversarial.conftest import train


def test_a_run_has_estimates_and_no_likelihood(gan_run):
    summary = inkloom.load_run(gan_run).summary()
    assert summary["stopped"] is None
    for split in ("train", "val", "test"):
        assert set(summary[split]["estimates"]) >= {
            "sample_nats",
            "real_nats",
            "bleu",
            "self_bleu",
            "distinct",
            "bound_nats",
        }
        assert "bits_per_char" not in summary[split]
    assert summary["steps"] == 4
    assert summary["test"]["long_sentences"] > 0  # "the birds fly high over the sea" has more than six words


def test_long_sentences_are_reported(tmp_path, sentences_file, caplog):
    with caplog.at_level(logging.INFO, logger="inkloom"):
        train(sentences_file, tmp_path / "run", steps=1, validations=1, samples=0)
    assert any("sentences of train are cut" in message for message in caplog.messages)


def test_evaluate_measures_again(gan_run, capsys):
    assert run(["evaluate", str(gan_run), "--split", "val", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again == inkloom.load_run(gan_run).summary()["val"]
    assert run(["evaluate", str(gan_run)]) == 0
    assert "real text" in capsys.readouterr().out


def test_curves_have_both_losses_the_penalty_and_the_gap(gan_run):
    with (gan_run / "adversarial.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4]
    assert rows[0]["generator_loss"] == ""  # the first quarter learns by likelihood
    assert float(rows[0]["likelihood"]) > 0
    for name in ("generator_loss", "critic_loss", "penalty", "gap", "critic_gradient"):
        assert all(row[name] for row in rows[1:])
    assert rows[1]["self_bleu"]
    assert rows[3]["distinct"]


def test_the_report_shows_curves_the_verdict_and_a_walk(gan_run):
    page = (gan_run / "report.html").read_text(encoding="utf-8")
    for piece in (
        "Quality against diversity",
        "Side by side",
        "A walk between two global noises",
        "bigrams",
        "Score gap",
    ):
        assert piece in page
    verdict = json.loads((gan_run / "verdict.json").read_text(encoding="utf-8"))
    assert [writer["name"] for writer in verdict["writers"]] == ["gan", "unigrams", "bigrams"]


def test_generate_writes_other_sentences_by_seed_and_the_same_by_the_same(gan_run):
    opened = inkloom.load_run(gan_run)
    texts = [[sample.text for sample in opened.generate(num_samples=4, seed=seed)] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert len(set(texts[0])) > 1
    assert texts[0][2] == "".join(opened.generate(num_samples=3, seed=1)[2].text)
    assert all(sample.tokens <= 6 for sample in opened.generate(num_samples=4, seed=3, max_tokens=100))


def test_a_style_seed_fixes_the_global_noise(gan_run):
    opened = inkloom.load_run(gan_run)
    first, second = (opened._requests("", {"seed": seed, "num_samples": 2}, 7) for seed in (1, 2))
    styles = [request.condition.style for request in [*first, *second]]
    assert all(torch.equal(style, styles[0]) for style in styles)
    fresh = [request.condition.fresh_BSE for request in [*first, *second]]
    assert not torch.equal(fresh[0], fresh[1])
    assert not torch.equal(fresh[0], fresh[2])


def test_the_command_takes_a_style_seed_for_a_gan_alone(gan_run, finished_run, capsys):
    command = ["generate", str(gan_run), "--style-seed", "3", "--num-samples", "2", "--seed", "1", "--json"]
    assert run(command) == 0
    assert len(json.loads(capsys.readouterr().out)["samples"]) == 2
    assert run(["generate", str(finished_run), "--style-seed", "3"]) == 2
    assert "--style-seed fixes the global noise of a GAN" in " ".join(capsys.readouterr().err.split())


def test_a_prompt_is_gone_on_from_and_one_without_room_is_refused(gan_run):
    opened = inkloom.load_run(gan_run)
    (sample,) = opened.generate("the cats", seed=1)
    assert sample.tokens <= 4
    assert "".join(opened.stream("the cats", seed=1)) == sample.text
    with pytest.raises(InputError, match="has 7 tokens, and gan writes sentences of at most 6"):
        opened.generate("the the the the the the the")


def test_a_walk_leads_from_one_style_to_another(gan_run):
    opened = inkloom.load_run(gan_run)
    texts = opened.walk(1, 2, 5)
    assert len(texts) == 5
    assert texts == opened.walk(1, 2, 5)
    assert texts[0] == opened.generate(seed=0, style_seed=1)[0].text


def test_an_interrupted_training_goes_on_as_if_it_had_not_been(tmp_path, sentences_file, monkeypatch):
    whole = train(sentences_file, tmp_path / "whole", objective="diffusion", validations=4)
    from inkloom.training.callbacks.interrupt import Interrupt

    def stop_after_two(self, trainer, *_):
        trainer.should_stop = self.stopped = trainer.global_step == 2

    monkeypatch.setattr(Interrupt, "on_train_batch_end", stop_after_two)
    with pytest.raises(inkloom.errors.InterruptedByUserError):
        train(sentences_file, tmp_path / "halves", objective="diffusion", validations=4)
    monkeypatch.undo()
    from inkloom import api

    halves = api.resume(tmp_path / "halves")
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(halves.model.state_dict()[name], tensor)
    columns = [column for column in COLUMNS if column != "seconds"]
    courses = []
    for opened in (whole, halves):
        with (opened.directory.path / "adversarial.csv").open(encoding="utf-8") as file:
            courses.append([[row[name] for name in columns] for row in csv.DictReader(file)])
    assert courses[0] == courses[1]


def test_a_finished_run_stays_as_it_is(gan_run, tmp_path):
    from inkloom import api

    shutil.copytree(gan_run, tmp_path / "copy")
    before = (tmp_path / "copy" / "evaluation.json").read_bytes()
    api.resume(tmp_path / "copy")
    assert (tmp_path / "copy" / "evaluation.json").read_bytes() == before


def test_a_running_text_is_refused(tmp_path, text_file):
    with pytest.raises(InputError, match="Give --documents lines for a sentence a line"):
        inkloom.train(text_file, model="gan", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_likelihood_alone_needs_no_critic(tmp_path, sentences_file):
    opened = train(sentences_file, tmp_path / "run", objective="likelihood", steps=2)
    assert opened.default_temperature == 1
    assert opened.summary()["val"]["estimates"]["bound_nats"] > 0


def test_softmax_outputs_are_written_by_their_argmax(tmp_path, sentences_file):
    opened = train(sentences_file, tmp_path / "run", output="softmax", steps=1, validations=1)
    assert opened.default_temperature == 0
    first, second = opened.generate(num_samples=2, seed=1)
    again = opened.generate(num_samples=1, seed=1, temperature=0)[0]
    assert first.text == again.text
    assert first.text != second.text
