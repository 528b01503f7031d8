"""`inkloom vocab`, and trainings that use what it wrote."""

import json

import pytest

import inkloom
from inkloom.cli.main import run
from inkloom.tokenizers.vocabulary import read_vocabulary


@pytest.fixture
def lines(tmp_path):
    file = tmp_path / "lines.txt"
    file.write_text("".join(f"the {word} sat down\n" for word in ("cat", "dog", "cat", "owl") * 15), encoding="utf-8")
    return file


def vocab(lines, tmp_path, *options):
    out = tmp_path / "words.json"
    code = run(["vocab", str(lines), "--documents", "lines", "--out", str(out), *options])
    return code, out


def test_a_vocabulary_holds_the_words_of_train_that_are_frequent_enough(lines, tmp_path, capsys):
    code, out = vocab(lines, tmp_path, "--min-count", "20", "--seq-len", "4", "--json")
    assert code == 0
    facts = json.loads(capsys.readouterr().out)
    tokenizer = read_vocabulary(out)
    assert {tokenizer.text_of(token) for token in range(3, tokenizer.vocab_size)} == {"the", "sat", "down", "cat"}
    assert facts["entries"] == tokenizer.vocab_size == 7
    splits = facts["splits"]
    assert set(splits) == {"train", "val", "test"}
    assert splits["train"]["long_documents"] == splits["train"]["documents"]  # four words and the end
    assert 0.1 < splits["train"]["unknown_share"] < 0.2


def test_the_table_says_where_the_file_is(lines, tmp_path, capsys):
    code, out = vocab(lines, tmp_path, "--seq-len", "8")
    assert code == 0
    shown = capsys.readouterr().out
    assert "too long" in shown
    assert f"--vocab {out}" in " ".join(shown.split())


def test_trainings_share_it(lines, tmp_path):
    _, out = vocab(lines, tmp_path, "--min-count", "1")
    for name in ("one", "two"):
        trained = inkloom.train(
            lines,
            model="ngram",
            vocab=out,
            overrides=["model.order=2"],
            corpus_options={"documents": "lines"},
            out=tmp_path / name,
        )
        assert trained.tokenizer.to_json() == read_vocabulary(out).to_json()
        assert trained.config.tokenizer["min_count"] == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--tokenizer", "char"], "--tokenizer cannot be given beside --vocab"),
        (["--min-count", "3"], "-o tokenizer cannot be given beside --vocab"),
    ],
)
def test_another_tokenizer_beside_it_is_refused(lines, tmp_path, capsys, options, said):
    _, out = vocab(lines, tmp_path)
    code = run(["train", str(lines), "--documents", "lines", "--vocab", str(out), *options])
    assert code == 2
    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), ("{", "it is no JSON"), ("[]", "no JSON object")]
)
def test_a_file_without_a_vocabulary_is_refused(lines, tmp_path, capsys, content, said):
    file = tmp_path / "broken.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    assert run(["train", str(lines), "--vocab", str(file)]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_file_that_is_there_is_kept(lines, tmp_path, capsys):
    vocab(lines, tmp_path)
    assert vocab(lines, tmp_path)[0] == 2
    assert "is there already" in capsys.readouterr().err
    assert vocab(lines, tmp_path, "--overwrite")[0] == 0
