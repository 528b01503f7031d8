"""A classifier from a folder of classes to a scored run. The texts are made so that what can be learned is known."""

import json
import shutil

import numpy as np
import pytest
import torch

import inkloom
from inkloom.corpus import load_corpus
from inkloom.data.labelled import TextBatch
from inkloom.errors import InputError
from inkloom.models.classifier import Classifier
from inkloom.runs.classifier import ClassifierRun
from inkloom.training.classification import Classification
from inkloom.training.config import TrainingConfig

TINY = ("model.encoder=gru", "model.hidden_size=16", "model.embedding_size=8", "model.dropout=0")


def test_the_run_beats_the_commonest_class_and_says_all_that_a_report_needs(classifier_run):
    summary = classifier_run.summary()
    assert summary["test"]["accuracy"] > 0.9 > summary["baselines"]["commonest_class"]["accuracy"] + 0.2
    assert {"texts", "accuracy", "macro_f1", "nats_per_text", "calibration_error"} <= summary["val"].keys()
    assert np.array(summary["confusion"]).sum() == summary["test"]["texts"]
    assert [of_class["label"] for of_class in summary["classes"]] == ["calm", "keen"]
    assert summary["leaks"]["test"]["without_leaks"]["texts"] + summary["leaks"]["test"]["texts_in_train"] == 30
    assert set(summary["leaks"]["test"]["baselines"]) == set(summary["baselines"])
    assert summary["temperature"] == pytest.approx(float(classifier_run.model.temperature))


def test_the_scores_are_those_of_evaluate(classifier_run):
    for split in ("val", "test"):
        assert classifier_run.evaluate(split).as_json() == pytest.approx(classifier_run.summary()[split])


def test_texts_are_classified_with_probabilities(classifier_run):
    (found,) = classifier_run.classify(["abaaba"], top=2)
    assert found.label == "calm"
    assert [label for label, _ in found.classes] == ["calm", "keen"]
    assert sum(probability for _, probability in found.classes) == pytest.approx(1.0)
    assert classifier_run.classify([]) == []
    alone = classifier_run.classify(["bb"])[0]
    assert alone.classes[0][1] == pytest.approx(classifier_run.classify(["abaaba", "bb"])[1].classes[0][1], abs=1e-5)


@pytest.mark.parametrize(
    ("texts", "top", "message"), [(["a", " "], 1, r"^Text 2 of 2 is blank"), (["a"], 0, r"^--top got 0; it takes")]
)
def test_what_cannot_be_classified_is_refused(classifier_run, texts, top, message):
    with pytest.raises(InputError, match=message):
        classifier_run.classify(texts, top)


def test_a_classifier_writes_nothing(classifier_run):
    for write in (classifier_run.generate, classifier_run.stream):
        with pytest.raises(InputError, match=r"is a classifier, which writes no text\. Use `inkloom classify"):
            write("a")


def test_other_texts_are_scored_without_those_whose_label_is_unknown(classifier_run, tmp_path, caplog):
    file = tmp_path / "more.csv"
    file.write_text("text,label\naab,calm\naba,calm\nab,keen\nb,keen\nq,prime\nw,prime\n", encoding="utf-8")
    scores = classifier_run.evaluate(corpus=str(file))
    assert scores.as_json()["texts"] == 4
    assert "2 texts left out whose label" in caplog.text
    file.write_text("text,label\naab,x\naba,x\nab,y\nb,y\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"has a label that .* knows: calm, keen"):
        classifier_run.evaluate(corpus=str(file))


def test_a_killed_run_that_goes_on_ends_with_the_same_bytes(classifier_run, classes, tmp_path):
    directory = tmp_path / "again"
    shutil.copytree(classifier_run.directory.path, directory)
    (directory / "evaluation.json").unlink()
    (directory / "model.safetensors").write_bytes(b"")
    state = directory / "checkpoints"
    shutil.rmtree(state)
    again = inkloom.api.resume(directory)
    weights = "model.safetensors"
    assert (directory / weights).read_bytes() == (classifier_run.directory.path / weights).read_bytes()
    assert again.summary()["test"] == classifier_run.summary()["test"]


def test_samples_show_texts_of_val_with_their_classes(classifier_run):
    written = (classifier_run.directory.path / "samples.txt").read_text(encoding="utf-8")
    assert ": calm " in written or ": keen " in written
    assert "nats per text ===" in written


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seq_len": 32}, r"^training\.seq_len got 32, but a classifier reads whole texts\."),
        ({"overrides": ("model.hidden=3",)}, r"^'hidden' is no field of model\. Did you mean hidden_size\?"),
        ({"overrides": ("model.encoder=cnn",)}, r"^model\.encoder got 'cnn'"),
        ({"control": "label"}, r"^--control is for models that continue texts, and classifier is none\."),
    ],
)
def test_settings_without_use_are_refused_before_work(classes, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        inkloom.train(classes, model="classifier", out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_texts_without_labels_are_refused(text_file, tmp_path):
    with pytest.raises(InputError, match=r"has no labels\. Give a folder with a file for each class"):
        inkloom.train(text_file, model="classifier", out=tmp_path / "out")
    with pytest.raises(InputError, match=r"^reference has texts without labels\."):
        inkloom.train(load_corpus(text_file), model="classifier", out=tmp_path / "out")


def test_long_texts_are_cut_and_told(classes, tmp_path, caplog):
    inkloom.train(
        classes, model="classifier", out=tmp_path / "out", steps=1, overrides=(*TINY, "model.max_tokens=4"), samples=0
    )
    assert "have more than 4 tokens; the rest of them is not read" in caplog.text


def test_rare_classes_weigh_more_where_it_is_asked_for():
    torch.manual_seed(0)
    model = Classifier(Classifier.Config(encoder="dense", hidden_size=4, labels=("x", "y"), dropout=0.0), 5)
    batch = (torch.tensor([[2], [3]]), torch.ones(2, dtype=torch.int64), torch.tensor([0, 1]))
    nats_B = -model(*batch[:2]).log_softmax(-1)[torch.arange(2), batch[2]]
    objective = Classification(torch.tensor([1.0, 3.0]), model, TrainingConfig(), None)
    found = objective.training_step(TextBatch(*batch), 0)
    assert found["loss"].item() == pytest.approx(((nats_B[0] + 3 * nats_B[1]) / 4).item())
    assert found["nats"].item() == pytest.approx(nats_B.mean().item())


def test_config_json_names_the_classes(classifier_run):
    config = json.loads((classifier_run.directory.path / "config.json").read_text(encoding="utf-8"))
    assert config["model"]["labels"] == ["calm", "keen"]
    assert config["corpus"]["reader"] == "labelled"
    assert isinstance(classifier_run, ClassifierRun)
