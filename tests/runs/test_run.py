"""A run that is opened again: what it scores, and what it refuses to score."""

import json
import shutil

import pytest

import inkloom
from inkloom.api import resume
from inkloom.errors import InputError
from inkloom.evaluation import leakage


@pytest.fixture(scope="module")
def without_test(tmp_path_factory, real_text):
    """A counted run whose text is split 90,10, and its text."""
    folder = tmp_path_factory.mktemp("without_test")
    text = folder / "my.txt"
    text.write_text(real_text[:5000], encoding="utf-8")
    return inkloom.train(text, model="ngram", split="90,10", out=folder / "run", overrides=["model.order=2"])


@pytest.fixture
def other_text(tmp_path, real_text):
    file = tmp_path / "other.txt"
    file.write_text(real_text[5000:9000], encoding="utf-8")
    return file


def test_a_score_is_that_of_the_end_of_training(without_test):
    expected = without_test.summary()["val"]
    assert without_test.evaluate().as_json() == expected
    assert without_test.evaluate("val").as_json() == expected


def test_a_split_that_the_run_lacks_is_refused(without_test):
    with pytest.raises(InputError, match=r"^run has no test split; it has train, val\.$"):
        without_test.evaluate("test")


def test_a_split_that_another_text_lacks_when_cut_alike_is_refused(without_test, other_text):
    with pytest.raises(InputError, match=r"^other, cut 90,10 as run was, has no test split; it has train, val\.$"):
        without_test.evaluate("test", str(other_text))
    assert without_test.evaluate("val", str(other_text)).chars == 400
    assert without_test.evaluate(corpus=str(other_text)).chars == 4000


def test_another_text_keeps_its_own_splits(without_test, tmp_path, real_text):
    for name, length in (("train", 300), ("val", 200)):
        (tmp_path / f"{name}.txt").write_text(real_text[:length], encoding="utf-8")
    assert without_test.evaluate(corpus=str(tmp_path)).split == "val"
    with pytest.raises(InputError, match=r"has no test split; it has train, val\.$"):
        without_test.evaluate("test", str(tmp_path))
    (tmp_path / "test.txt").write_text(real_text[:100], encoding="utf-8")
    assert without_test.evaluate(corpus=str(tmp_path)).chars == 100


def test_a_text_that_has_changed_is_refused_wherever_it_is_needed(without_test, tmp_path):
    copies = [tmp_path / "one", tmp_path / "two"]
    text = tmp_path / "my.txt"
    text.write_text("another text " * 99, encoding="utf-8")
    for copy in copies:
        shutil.copytree(without_test.directory.path, copy)
        config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
        config["corpus"]["sources"] = [str(text)]
        (copy / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (copies[1] / "evaluation.json").unlink()
    for attempt in (
        inkloom.load_run(copies[0]).evaluate,
        lambda: resume(copies[1]),
        lambda: inkloom.train(of=[str(copy) for copy in copies], out=tmp_path / "mixture"),
    ):
        with pytest.raises(InputError, match=r"my\.txt has changed since .* began, so its splits are others now"):
            attempt()
    assert not (tmp_path / "mixture").exists()


def test_leaks_are_looked_for_once_in_a_training(tmp_path, text_file, monkeypatch):
    searched = []
    find_all_leaks = leakage.find_all_leaks

    def counted(train, held_out, **options):
        searched.append([part.name for part in held_out])
        return find_all_leaks(train, held_out, **options)

    monkeypatch.setattr(leakage, "find_all_leaks", counted)
    inkloom.train(text_file, model="mixture", steps=2, overrides=["model.parts=rnn,ngram"], out=tmp_path / "run")
    assert searched == [["val", "test"]]
