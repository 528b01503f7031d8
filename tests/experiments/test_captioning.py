"""The report of a captioner: what the page shows is what the model wrote and where it looked."""

import base64
import io
import re
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import inkloom
from inkloom.data.images import read_image
from inkloom.errors import InputError
from inkloom.experiments.captioning import brightened, data_uri, where_words_look, write_report


@pytest.fixture(scope="module")
def page(finished_captioner):
    return (finished_captioner / "report.html").read_text(encoding="utf-8")


def picture_of(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,")))))


def test_the_page_holds_all_it_needs(page):
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "<script" not in page


def test_the_page_shows_the_images_of_test_and_what_is_said_of_them(page, finished_captioner):
    judged = inkloom.load_run(finished_captioner).judged()
    for one in judged:
        assert f'alt="{one.path}"' in page
        assert one.written.text in page
        assert one.exact or one.references[0] in page


def test_the_page_is_written_anew_byte_for_byte(page, finished_captioner, tmp_path):
    copy = shutil.copytree(finished_captioner, tmp_path / finished_captioner.name)
    write_report(inkloom.load_run(copy))
    lines = [line for line in page.splitlines() if "inkloom" not in line]
    assert [line for line in (copy / "report.html").read_text().splitlines() if "inkloom" not in line] == lines


def test_where_words_look_is_the_models_attention(finished_captioner, scenes_folder):
    run = inkloom.load_run(finished_captioner)
    pixels = read_image(scenes_folder / "test" / "Images" / "00000.png", 48)
    ids = run.tokenizer.encode("a small red star").ids.tolist()
    looks_TGG = where_words_look(run, pixels, ids)
    assert looks_TGG.shape == (4, 6, 6)
    assert looks_TGG.sum(axis=(1, 2)) == pytest.approx(np.ones(4), abs=1e-5)
    state = run.model.initial_state(1, torch.from_numpy(pixels)[None])
    with torch.no_grad():
        first = run.model.where_it_looks(torch.tensor([[run.tokenizer.end_id]]), state)[0, :, 0].mean(dim=0)
    np.testing.assert_allclose(looks_TGG[0].ravel(), first.numpy(), atol=1e-6)


def test_the_brightest_place_is_where_most_of_the_look_lies():
    weights_GG = np.full((4, 4), 0.01)
    weights_GG[1, 2] = 1.0
    lit = brightened(np.full((32, 32, 3), 200, np.uint8), weights_GG)
    row, column = np.unravel_index(lit[:, :, 0].argmax(), (32, 32))
    assert (row // 8, column // 8) == (1, 2)
    assert lit.max() > 170
    assert lit[31, 0, 0] < 60


def test_pictures_in_the_page_are_no_larger_than_is_shown():
    pixels = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
    np.testing.assert_array_equal(picture_of(data_uri(pixels)), pixels)
    assert picture_of(data_uri(np.zeros((400, 400, 3), np.uint8))).shape == (192, 192, 3)


def test_captions_are_escaped(finished_captioner, tmp_path):
    copy = shutil.copytree(finished_captioner, tmp_path / "run")
    file = copy / "captions.json"
    file.write_text(file.read_text().replace('"references": [', '"references": ["<script>alert(1)</script>", ', 1))
    write_report(inkloom.load_run(copy))
    page = (copy / "report.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_run_that_is_not_scored_or_whose_captions_are_damaged_has_no_report(finished_captioner, tmp_path):
    copy = shutil.copytree(finished_captioner, tmp_path / "run")
    (copy / "captions.json").write_text('{"images": [{"path": 1}]}')
    with pytest.raises(InputError, match="is damaged"):
        write_report(inkloom.load_run(copy))
    (copy / "evaluation.json").unlink()
    with pytest.raises(InputError, match="has not been scored yet"):
        write_report(inkloom.load_run(copy))
