"""Faults planted in the splits of a training, and the training that names them."""

import json
import logging

import pytest

import inkloom
from inkloom.corpus import load_corpus, split_corpus
from inkloom.tokenizers import TOKENIZERS

SMALL = {
    "steps": 3,
    "batch_size": 4,
    "seq_len": 32,
    "samples": 0,
    "overrides": ["model.hidden_size=16", "model.embedding_size=8"],
}


@pytest.fixture
def train(tmp_path, caplog):
    """Train on a text; returns the run, its evaluation.json and what was announced."""

    def run(text, name="run", **settings):
        file = tmp_path / f"{name}.txt"
        file.write_text(text, encoding="utf-8")
        caplog.clear()
        with caplog.at_level(logging.INFO, "inkloom"):
            finished = inkloom.train(file, out=tmp_path / name, **{**SMALL, **settings})
        evaluation = json.loads((tmp_path / name / "evaluation.json").read_text(encoding="utf-8"))
        return finished, evaluation, caplog.messages

    return run


def honest(real_text):
    """A text of 20,000 characters whose parts share no span that the leak check would name."""
    return "".join(f"{number}: {line}\n" for number, line in enumerate(real_text[:20_000].splitlines()))


def test_an_honest_split_has_nothing_to_leave_out(train, real_text):
    _, evaluation, announced = train(honest(real_text), split="90,5,5")
    assert [line for line in announced if "Leak check: val shares no span" in line]
    for name in ("val", "test"):
        assert evaluation["leaks"][name]["share"] == 0
        assert "without_leaks" not in evaluation["leaks"][name]


def test_a_paragraph_of_train_in_test_is_named_and_scored_without(train, real_text):
    text = honest(real_text)
    paragraph = text[4000:4500]
    _, evaluation, announced = train(text[:-200] + paragraph + text[-200:], split="90,5,5")
    (line,) = [line for line in announced if line.startswith("Leak check") and "of test" in line]
    assert "The longest, 500 characters" in line
    leaks, whole = evaluation["leaks"]["test"], evaluation["test"]
    assert leaks["characters"] == 500
    assert leaks["share"] == pytest.approx(500 / whole["chars"])
    assert leaks["without_leaks"]["chars"] == whole["chars"] - 500
    assert leaks["without_leaks"]["bits_per_char"] != pytest.approx(whole["bits_per_char"])
    assert "without_leaks" not in evaluation["leaks"]["val"]


def test_random_windows_say_what_they_are_and_leak(train, real_text, caplog):
    run, evaluation, announced = train(honest(real_text), split="random-windows")
    assert [line for line in announced if "leaks on purpose" in line and "no honest one" in line]
    assert evaluation["leaks"]["val"]["share"] > 0.7
    caplog.clear()
    assert run.evaluate("val").bits_per_char == pytest.approx(evaluation["val"]["bits_per_char"])
    assert "leaks on purpose" in caplog.text


@pytest.mark.parametrize("name", list(TOKENIZERS))
def test_a_tokenizer_is_fitted_on_train_alone(name, train, tmp_path, real_text):
    text = honest(real_text) + "ẞẞẞ ẞẞẞ\n"
    run, _, announced = train(text, tokenizer=name)
    parts = split_corpus(load_corpus(tmp_path / "run.txt"))
    alone = TOKENIZERS.load(name).fit(parts["train"].texts, run.tokenizer.config)
    assert run.tokenizer.to_json() == alone.to_json()
    if alone.unknown_id is not None:
        assert run.tokenizer.encode("ẞ").unknown_tokens == 1
        assert run.evaluate("test").unknown_tokens > 0
    assert not [line for line in announced if "fitted on more than train" in line]


def test_a_tokenizer_of_another_run_that_knows_the_held_out_text_is_named(train, real_text):
    first, _, _ = train("ẞ " + honest(real_text), "first")
    settings = {name: value for name, value in SMALL.items() if name != "overrides"}
    text = honest(real_text) + "ẞ\n"
    _, _, announced = train(text, "second", init=str(first.directory.path), overrides=(), **settings)
    (line,) = [line for line in announced if "fitted on more than train" in line]
    assert "knows 'ẞ', which test has and train lacks" in line
