"""`inkloom caption` as a user types it."""

import json
import shutil

import pytest

from inkloom.cli.main import run as inkloom
from tests.captions import TINY


@pytest.fixture
def images(scenes_folder):
    return scenes_folder / "test" / "Images"


def caption(capsys, *arguments, code=0):
    assert inkloom(["caption", *map(str, arguments)]) == code
    return capsys.readouterr()


def test_one_image_gets_one_line(capsys, finished_captioner, images):
    printed = caption(capsys, finished_captioner, images / "00000.png").out
    assert printed.count("\n") == 1
    assert str(images) not in printed


def test_several_images_and_folders_are_named(capsys, finished_captioner, images):
    printed = caption(capsys, finished_captioner, images / "00002.png", images).out.splitlines()
    assert len(printed) == 7
    assert printed[0] == printed[3]
    assert [line.partition(": ")[0] for line in printed[1:]] == [str(path) for path in sorted(images.iterdir())]


def test_captions_are_the_same_alone_and_by_a_beam_of_one(capsys, finished_captioner, images):
    found = json.loads(caption(capsys, finished_captioner, images, "--json").out)["images"]
    again = json.loads(caption(capsys, finished_captioner, images, "--json", "--beam", 1).out)["images"]
    (alone,) = json.loads(caption(capsys, finished_captioner, images / "00004.png", "--json").out)["images"]
    assert found == again
    assert alone["captions"][0]["text"] == found[4]["captions"][0]["text"]
    assert alone["captions"][0]["logprob"] == pytest.approx(found[4]["captions"][0]["logprob"], abs=1e-4)


def test_a_beam_gives_one_caption_of_each_image(capsys, finished_captioner, images):
    options = ("--json", "--max-tokens", 12, "--beam", 8)
    found = json.loads(caption(capsys, finished_captioner, images, *options).out)["images"]
    assert [one["image"] for one in found] == [str(path) for path in sorted(images.iterdir())]
    assert all(len(one["captions"]) == 1 and one["captions"][0]["tokens"] <= 12 for one in found)


def test_several_captions_are_drawn_and_a_seed_repeats_them(capsys, finished_captioner, images):
    options = ("--num-samples", 4, "--json", "--max-tokens", 10)
    one = caption(capsys, finished_captioner, images / "00000.png", *options).out
    again = caption(capsys, finished_captioner, images / "00000.png", *options).out
    other = caption(capsys, finished_captioner, images / "00000.png", *options, "--seed", 9).out
    assert one == again
    assert one != other
    (found,) = json.loads(one)["images"]
    assert len({drawn["text"] for drawn in found["captions"]}) > 1


def test_a_broken_image_is_one_line_and_the_others_get_captions(capsys, finished_captioner, images, tmp_path):
    shutil.copytree(images, tmp_path / "mixed")
    (tmp_path / "mixed" / "00001.png").write_text("broken")
    printed = caption(capsys, finished_captioner, tmp_path / "mixed", tmp_path / "nothing.png", code=2)
    assert printed.out.count("\n") == 5
    assert printed.err.splitlines() == [
        f"Error: {tmp_path}/mixed/00001.png: it is no image, or of another kind. "
        "Give a JPEG, PNG, WebP, GIF or BMP file.",
        f"Error: {tmp_path}/nothing.png: there is no such file. Give a JPEG, PNG, WebP, GIF or BMP file.",
    ]
    found = json.loads(caption(capsys, finished_captioner, tmp_path / "mixed", "--json", code=2).out)["images"]
    assert [set(one) for one in found[:2]] == [{"image", "captions"}, {"image", "error"}]


def test_images_by_and_by_get_the_captions_that_they_get_together(
    capsys, monkeypatch, finished_captioner, images, tmp_path
):
    shutil.copytree(images, tmp_path / "mixed")
    (tmp_path / "mixed" / "00002.png").write_text("broken")
    together = caption(capsys, finished_captioner, tmp_path / "mixed", code=2).out
    monkeypatch.setattr("inkloom.runs.captioning.IMAGES_AT_ONCE", 2)
    assert caption(capsys, finished_captioner, tmp_path / "mixed", code=2).out == together


def test_bad_input_is_one_line(capsys, finished_captioner, finished_run, images, tmp_path):
    (tmp_path / "empty").mkdir()
    for arguments, message in (
        ((finished_captioner, tmp_path / "empty"), "holds no image"),
        ((finished_run, images), "takes runs of --model captioner, and"),
        ((finished_captioner, images, "--beam", 0), "caption.beam got 0"),
        ((finished_captioner, images, "--beam", 4, "--num-samples", 2), "leave one out"),
        ((finished_captioner,), "Missing argument"),
        (("nothing", images), "No run 'nothing'"),
    ):
        printed = caption(capsys, *arguments, code=2)
        assert message in printed.err
        assert printed.err.count("\n") == 1
        assert printed.out == ""


def test_verbs_for_texts_name_the_verb_that_fits(capsys, finished_captioner):
    for verb in ("generate", "explain"):
        assert inkloom([verb, str(finished_captioner)]) == 2
        assert f"Use `inkloom caption {finished_captioner}`." in capsys.readouterr().err


def test_scores_are_printed_as_a_table(capsys, finished_captioner):
    assert inkloom(["evaluate", str(finished_captioner)]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["split", "images", "captions", "exact", "BLEU", "nats/token", "bits/char"]
    assert row.split()[:2] == ["test", "6"]
    assert inkloom(["evaluate", str(finished_captioner), "--temperatures", "0,1"]) == 2
    assert "Use `inkloom caption" in capsys.readouterr().err


def test_a_training_ends_with_the_share_of_exact_captions(capsys, scenes_folder, tmp_path):
    options = [option for setting in TINY for option in ("-o", setting)]
    arguments = ["train", str(scenes_folder), "--model", "captioner", "--steps", "1", "--out", str(tmp_path / "out")]
    assert inkloom([*arguments, *options]) == 0
    printed = capsys.readouterr().out
    assert "exact captions on test, after 1 step," in printed
    assert printed.splitlines()[-1] == f"Report: {tmp_path}/out/report.html"


def test_a_captioner_is_evaluated_as_every_run(capsys, finished_captioner, scenes_folder):
    assert inkloom(["evaluate", str(finished_captioner), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert {"exact", "bleu", "nats_per_token", "bits_per_char"} <= scores.keys()
    assert scores["split"] == "test"
    assert inkloom(["evaluate", str(finished_captioner), "--corpus", str(scenes_folder / "val"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 6
