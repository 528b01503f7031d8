"""A captioner is trained, resumed and scored, and says what it could not read."""

import csv
import json
import shutil

import pytest
from safetensors.torch import load_file

import inkloom
from inkloom.errors import InputError
from tests.captions import SIZES, TINY


def test_a_finished_run_has_its_scores_and_its_files(finished_captioner):
    evaluation = json.loads((finished_captioner / "evaluation.json").read_text())
    assert (evaluation["model"], evaluation["steps"]) == ("captioner", 8)
    for split, images in SIZES.items():
        scores = evaluation[split]
        assert scores["images"] == images
        assert images <= scores["captions"] <= 2 * images
        assert 0 <= scores["exact"] <= 1
        assert 0 <= scores["bleu"] <= 1
        assert scores["nats_per_token"] > 0
        assert scores["bits_per_char"] > 0
    assert evaluation["train"]["partial"] is False
    judged = json.loads((finished_captioner / "captions.json").read_text())["images"]
    assert [one["path"] for one in judged] == [f"test/Images/{number:05}.png" for number in range(SIZES["test"])]
    assert (finished_captioner / "samples.txt").read_text().startswith("=== step 8, val ")


def test_the_loss_falls(finished_captioner):
    with (finished_captioner / "metrics.csv").open(newline="") as file:
        val = [float(row["val_loss"]) for row in csv.DictReader(file) if row["val_loss"]]
    assert val[-1] < val[0]


def test_evaluating_gives_the_scores_of_the_training_again(finished_captioner):
    run = inkloom.load_run(finished_captioner)
    scores = run.evaluate("val").as_json()
    assert scores == pytest.approx(run.summary()["val"])


def test_an_interrupted_training_ends_as_if_it_had_never_stopped(
    scenes_folder, finished_captioner, tmp_path, monkeypatch
):
    from inkloom.training.callbacks.validation import Validation

    def stop(self, trainer, pl_module, *batch):
        original(self, trainer, pl_module, *batch)
        if trainer.global_step == 5:
            trainer.save_checkpoint(out / "checkpoints" / "last.ckpt")
            raise RuntimeError("killed")

    out = tmp_path / "out"
    original = Validation.on_train_batch_end
    with monkeypatch.context() as patched:
        patched.setattr(Validation, "on_train_batch_end", stop)
        with pytest.raises(RuntimeError, match="killed"):
            inkloom.train(scenes_folder, model="captioner", out=out, steps=8, batch_size=8, overrides=TINY)
    inkloom.api.resume(out)
    weights, expected = (load_file(path / "model.safetensors") for path in (out, finished_captioner))
    assert weights.keys() == expected.keys()
    assert all((weights[name] == expected[name]).all() for name in weights)


def test_missing_and_broken_images_are_told_and_left_out(scenes_folder, tmp_path, caplog):
    folder = shutil.copytree(scenes_folder, tmp_path / "damaged")
    (folder / "train" / "Images" / "00003.png").unlink()
    (folder / "train" / "Images" / "00007.png").write_bytes(b"broken")
    (folder / "test" / "Images" / "00001.png").write_bytes(b"")
    run = inkloom.train(
        folder,
        model="captioner",
        out=tmp_path / "out",
        steps=1,
        overrides=(*TINY, "model.decoder=transformer", "model.word_dropout=0.5"),
        seq_len=8,
    )
    assert [message for message in caplog.messages if "left out" in message] == [
        "damaged/train/captions.txt: 1 of 24 images (00003.png) is not there; left out with what is said of them.",
        "train: 1 of 23 images (train/Images/00007.png) is broken, the first since it is no image, or of another kind; "
        "left out with what is said of them.",
        "test: 1 of 6 images (test/Images/00001.png) is broken, the first since it is no image, or of another kind; "
        "left out with what is said of them.",
    ]
    assert any("captions of train have more than 8 tokens" in message for message in caplog.messages)
    assert [run.summary()[split]["images"] for split in SIZES] == [22, 6, 5]


def test_weights_of_another_captioner_may_be_the_start(scenes_folder, finished_captioner, tmp_path):
    run = inkloom.train(scenes_folder, init=str(finished_captioner), out=tmp_path / "on", steps=1, batch_size=8)
    assert run.config.model["name"] == "captioner"
    assert run.tokenizer.to_json() == inkloom.load_run(finished_captioner).tokenizer.to_json()


def test_a_captioner_is_not_mixed_and_needs_images(finished_captioner, tmp_path, text_file):
    with pytest.raises(InputError, match="is a file without images"):
        inkloom.train(text_file, model="captioner", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
