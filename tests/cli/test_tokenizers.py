"""Whole commands with every tokenizer."""

import json
import logging
from pathlib import Path

import pytest
import tokenizers

from inkloom.cli.main import run as inkloom
from inkloom.tokenizers import TOKENIZERS
from tests.conftest import TINY


@pytest.fixture(scope="module")
def runs(tmp_path_factory, text_file):
    """A small run with each tokenizer, by its name."""
    import inkloom as package

    folder = tmp_path_factory.mktemp("tokenizers")
    for name in TOKENIZERS:
        package.train(
            text_file, out=folder / name, tokenizer=name, steps=8, overrides=TINY[1:4:2], batch_size=8, seq_len=32
        )
    return folder


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", list(TOKENIZERS))
def test_a_run_is_scored_and_reported(runs, name, capsys):
    assert inkloom(["evaluate", str(runs / name)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    scores = json.loads((runs / name / "evaluation.json").read_text())["test"]
    assert f"{scores['bits_per_char']:.4f}" in printed
    assert ("are the charge for what the ids do not tell" in printed) == (name == "word")
    assert "Closed-vocabulary perplexity" in (runs / name / "report.html").read_text()


@pytest.mark.parametrize("name", list(TOKENIZERS))
def test_a_sample_has_as_many_words_as_asked_for(runs, name, capsys):
    arguments = ("generate", str(runs / name), "--prompt", "The ", "--max-words", "7", "--seed", "3", "--json")
    assert inkloom(arguments) == 0
    (sample,) = json.loads(capsys.readouterr().out)["samples"]
    by_words = sample["finish_reason"] == "length" and sample["tokens"] < 40 * 7
    assert len(sample["text"].split()) == 7 if by_words else len(sample["text"].split()) <= 7
    assert not by_words or not sample["text"][-1].isspace()
    assert "<unk>" not in sample["text"]


@pytest.mark.parametrize("name", [name for name in TOKENIZERS if name != "char"])
def test_the_library_opens_a_runs_tokenizer(runs, name):
    library = tokenizers.Tokenizer.from_file(str(runs / name / "tokenizer.json"))
    own = TOKENIZERS.load(name).from_json(json.loads((runs / name / "tokenizer.json").read_text()))
    assert library.encode("The value of the object.\n").ids == own.encode("The value of the object.\n").ids.tolist()


def test_a_word_that_the_model_does_not_know_is_named(runs, capsys):
    assert inkloom(["generate", str(runs / "word"), "--prompt", "The valeu of"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "has the word 'valeu'" in line
    assert "Nearest known: 'value'" in line


def test_the_vocabulary_is_limited_as_asked_for(text_file):
    counted = ["train", str(text_file), "--model", "ngram", "-o", "model.order=2", "--out", "out"]
    assert inkloom([*counted, "--tokenizer", "word", "--vocab-size", "100", "--min-count", "3"]) == 0
    config, tokenizer = (json.loads(Path("out", name).read_text()) for name in ("config.json", "tokenizer.json"))
    assert config["tokenizer"] == {"name": "word", "mode": "basic", "vocab_size": 100, "min_count": 3}
    assert len(tokenizer["model"]["vocab"]) == 100


REFUSED = {
    "fewer ids than special tokens": (("word", "--vocab-size", "3"), "tokenizer.vocab_size got"),
    "more ids than 32 bits": (("bpe", "--vocab-size", str(2**32 + 1)), "tokenizer.vocab_size got"),
    "fewer ids than bytes": (("bpe", "--vocab-size", "100"), "tokenizer.vocab_size got"),
    "no word so frequent": (("word", "--min-count", "1000000"), "no word is left"),
    "characters have no size": (("char", "--vocab-size", "100"), "word and bpe have one"),
    "byte pairs are not counted so": (("bpe", "--min-count", "2"), "word has one"),
    "unknown mode": (("word", "-o", "tokenizer.mode=words"), "'whitespace' or 'basic'"),
    "unknown tokenizer": (("wrod",), "Did you mean word"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_tokenizer_cannot_do_is_one_line_and_leaves_nothing(case, text_file, tmp_path, capsys):
    options, message = REFUSED[case]
    logging.getLogger("inkloom").handlers.clear()
    assert inkloom(["train", str(text_file), "--steps", "1", "--out", "out", "--tokenizer", *options]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert not (tmp_path / "out").exists()
