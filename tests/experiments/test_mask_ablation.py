"""The causal-mask experiment: what it trains, measures and shows.

Shapes: L layers, H heads, T positions.
"""

import json

import numpy as np
import pytest
import torch

from inkloom.corpus import load_corpus
from inkloom.corpus.base import Part
from inkloom.errors import InputError
from inkloom.experiments.mask_ablation import NUMBERS, mask_ablation
from inkloom.experiments.mask_evidence import Twin, example, line_of, loss_by_place
from inkloom.models.unmasked import Unmasked
from inkloom.runs.run import load_run
from inkloom.tokenizers.char import CharTokenizer
from tests.experiments.pages import read

STEPS = 40


@pytest.fixture(scope="module")
def experiment(text_file, tmp_path_factory):
    """The corpus, and the folder of the experiment on it. Forty steps are enough to begin to copy."""
    out = tmp_path_factory.mktemp("experiment") / "mask"
    corpus = load_corpus(text_file)
    assert mask_ablation(corpus, out, steps=STEPS) == out / "report.html"
    return corpus, out


def test_the_twins_differ_in_the_mask_alone(experiment):
    _, out = experiment
    masked, unmasked = (load_run(out / "runs" / name).config for name in ("transformer", "unmasked"))
    assert masked.model == {**unmasked.model, "name": "transformer"}
    assert masked.training == unmasked.training
    assert (masked.corpus_sha256, masked.split, masked.tokenizer) == (
        unmasked.corpus_sha256,
        unmasked.split,
        unmasked.tokenizer,
    )


def test_without_the_mask_the_training_loss_falls_and_the_honest_loss_does_not(experiment):
    _, out = experiment
    numbers = json.loads((out / NUMBERS).read_text(encoding="utf-8"))
    masked, unmasked = numbers["masked"], numbers["unmasked"]
    assert unmasked["training_loss"] < 0.7 * masked["training_loss"]
    assert unmasked["val_at_end"] > masked["val_at_end"]
    assert unmasked["loss_by_place"]["all_but_last"] < 0.5 * unmasked["loss_by_place"]["last"]
    assert masked["attention_to_later"] == 0 < unmasked["attention_to_later"]
    assert unmasked["attention_to_next"]["weight"] > 0.1


def test_the_page_is_whole_and_needs_nothing_else(experiment):
    _, out = experiment
    page = read(out / "report.html")
    assert page.all("script") == []
    assert "http://" not in page.html
    assert not any(attributes.get("src") for _, attributes in page.elements)
    assert len(page.all("svg")) == 6
    identities = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert len(identities) == len(set(identities))
    assert page.text("td").count("−∞") == 20  # 10 cells of the mask, 10 of the sum


def test_what_is_there_is_used_again(experiment):
    corpus, out = experiment
    page = (out / "report.html").read_bytes()
    weights = (out / "runs" / "unmasked" / "model.safetensors").stat().st_mtime_ns
    mask_ablation(corpus, out, steps=STEPS)
    assert (out / "report.html").read_bytes() == page
    assert (out / "runs" / "unmasked" / "model.safetensors").stat().st_mtime_ns == weights


def test_other_settings_and_other_folders_are_refused(experiment, tmp_path):
    corpus, out = experiment
    with pytest.raises(InputError, match="other settings"):
        mask_ablation(corpus, out, steps=STEPS + 1)
    (tmp_path / "letter.txt").write_text("Dear")
    with pytest.raises(InputError, match="other files"):
        mask_ablation(corpus, tmp_path, steps=STEPS)
    with pytest.raises(InputError, match="is a file"):
        mask_ablation(corpus, tmp_path / "letter.txt", steps=STEPS)


# The worked example


def test_the_example_is_the_softmax_of_scores_and_mask():
    shown = example("First")
    assert np.allclose(shown.scores_TT, shown.scores_TT.round(1))
    for row in range(5):
        kept = np.exp(shown.scores_TT[row, : row + 1].astype(np.float64))
        assert shown.masked_TT[row, : row + 1] == pytest.approx(kept / kept.sum(), rel=1e-5)
        assert not shown.masked_TT[row, row + 1 :].any()
        assert shown.unmasked_TT[row].sum() == pytest.approx(1)
    assert np.allclose(shown.masked_TT[4], shown.unmasked_TT[4])
    assert (shown.unmasked_TT > 0).all()


# Evidence


def test_the_line_is_the_first_of_a_handy_length_that_the_tokenizer_knows():
    tokenizer = CharTokenizer.fit(["a line of text"], CharTokenizer.Config())
    lines = ["a", "a line of text " * 4, "UNKNOWN LETTERS HERE", "a line of a file", "a fine line of it"]
    assert line_of(Part("val", ("\n".join(lines),)), tokenizer) == "a line of a file"
    assert line_of(Part("val", ("a l\n" * 20,)), tokenizer) == "a l\n" * 6 + "a l"[:2]


def test_the_head_for_a_neighbour():
    maps_LHTT = np.zeros((2, 3, 4, 4), dtype=np.float32)
    maps_LHTT[:, :, range(4), range(4)] = 1
    maps_LHTT[1, 2] = np.eye(4, k=1) + np.diag([0, 0, 0, 1])
    twin = Twin(run=None, course=None, samples={}, maps_LHTT=maps_LHTT, loss_T=np.empty(0))
    assert twin.head_for(1) == (1, 2, 1.0)
    assert twin.head_for(0)[2] == 1.0
    assert twin.future_share == pytest.approx(3 / 24)


def test_the_loss_by_place_is_that_of_each_window():
    torch.manual_seed(0)
    model = Unmasked(Unmasked.Config(layers=1, width=8, heads=2, context_length=4), 7).train()
    ids = torch.randint(7, (18,)).numpy().astype(np.uint16)
    expected = []
    for start in range(0, 16, 4):
        tokens_1T = torch.from_numpy(ids[start : start + 5].astype(np.int64))[None]
        logits_BTV, _ = model(tokens_1T[:, :-1], model.initial_state(1))
        log_probs = logits_BTV.log_softmax(-1)[0]
        expected.append([-log_probs[place, tokens_1T[0, place + 1]].item() for place in range(4)])
    assert loss_by_place(model, ids, 4) == pytest.approx(np.mean(expected, axis=0), rel=1e-4)
    assert len(loss_by_place(model, ids[:4], 4)) == 0
