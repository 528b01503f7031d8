"""The five names, as a Python user calls them."""

import pytest

import inkloom
from inkloom.errors import InputError


def test_the_names_are_there_and_documented():
    for name in inkloom.__all__:
        assert getattr(inkloom, name).__doc__
    assert set(inkloom.__all__) <= set(dir(inkloom))
    with pytest.raises(AttributeError):
        _ = inkloom.nothing


def test_from_a_text_to_a_scored_sampled_run(tmp_path, text_file):
    corpus = inkloom.load_corpus(text_file)
    run = inkloom.train(
        corpus, model="gru", steps=5, out=tmp_path / "run", overrides=["model.hidden_size=16"], seq_len=16
    )
    assert isinstance(run, inkloom.Run)
    assert run.summary()["model"] == "gru"
    assert run.evaluate("val").bits_per_char > 0
    opened = inkloom.load_run(tmp_path / "run")
    (sample,) = opened.generate("The ", max_tokens=10, seed=1)
    assert len(sample.text) == 10
    assert "".join(opened.stream("The ", max_tokens=10, seed=1)) == sample.text


def test_several_files_are_one_corpus_of_documents(tmp_path, real_text):
    for number in range(20):
        (tmp_path / f"{number}.txt").write_text(real_text[number * 1000 : (number + 1) * 1000])
    files = sorted(tmp_path.glob("*.txt"))
    run = inkloom.train(files, steps=2, out=tmp_path / "run", overrides=["model.hidden_size=16"])
    assert run.config.documents == 20
    assert run.default_prompt == "\n"  # 20 beginnings teach nothing


def test_with_many_documents_a_sample_is_a_new_one(tmp_path, real_text):
    file = tmp_path / "lines.txt"
    file.write_text("\n".join(real_text.replace("\n", " ")[start : start + 40] for start in range(0, 40_000, 40)))
    corpus = inkloom.load_corpus(file, documents="lines")
    run = inkloom.train(corpus, steps=2, out=tmp_path / "run", overrides=["model.hidden_size=16"])
    assert run.default_prompt == ""


def test_a_changed_text_is_noticed(tmp_path, real_text):
    file = tmp_path / "a.txt"
    file.write_text(real_text[:5000])
    run = inkloom.train(file, steps=2, out=tmp_path / "run", overrides=["model.hidden_size=16"])
    file.write_text(real_text[:5001])
    with pytest.raises(InputError, match="has changed since"):
        inkloom.load_run(run.directory.path).evaluate()


def test_a_text_and_no_recipe_are_needed():
    with pytest.raises(InputError, match="No text was given"):
        inkloom.train()


def test_early_stopping(tmp_path, text_file):
    run = inkloom.train(
        text_file,
        steps=400,
        out=tmp_path / "run",
        overrides=[
            "model.hidden_size=16",
            "training.learning_rate=3",
            "training.schedule=constant",
            "training.patience=1",
            "training.validations=20",
        ],
        seq_len=16,
    )
    assert run.summary()["steps"] < 400


def test_tensorboard_logs_are_written_when_asked(tmp_path, text_file):
    inkloom.train(
        text_file, steps=3, out=tmp_path / "run", overrides=["model.hidden_size=16", "training.tensorboard=true"]
    )
    assert list((tmp_path / "run" / "tensorboard").glob("events.*"))


def test_a_run_does_not_take_the_place_of_its_named_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="--out got python-docs, which is what the text is called"):
        inkloom.train("python-docs", out="python-docs", steps=1)
