"""`inkloom classify`, and a classifier in the other verbs."""

import io
import json

import pytest

from inkloom.cli.main import run as inkloom


@pytest.fixture
def folder(classifier_run):
    return str(classifier_run.directory.path)


@pytest.fixture
def typed(monkeypatch):
    """Put text on standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_one_line_comes_out_for_each_that_goes_in(folder, capsys, typed):
    typed("aab\nabba\nbbbbb\n")
    assert inkloom(["classify", folder, "--top", "1"]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [text for _, _, text in lines] == ["aab", "abba", "bbbbb"]
    assert [label for label, _, _ in lines] == ["keen", "calm", "keen"]
    assert all(0.5 <= float(probability) <= 1 for _, probability, _ in lines)


def test_json_has_the_likeliest_classes_of_each_text(folder, capsys):
    assert inkloom(["classify", folder, "abba", "b", "--top", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["texts"]
    assert [one["text"] for one in found] == ["abba", "b"]
    assert [one["label"] for one in found] == ["calm", "keen"]
    assert [len(one["classes"]) for one in found] == [2, 2]


def test_a_terminal_gets_a_table(folder, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert inkloom(["classify", folder, "ab" * 40]) == 0
    printed = capsys.readouterr().out
    assert "class" in printed
    assert "ab…" in printed or "…" in printed


def test_blank_lines_stay_blank_and_are_counted(folder, capsys, typed):
    typed("a\n\nb\n")
    assert inkloom(["classify", folder, "--top", "1"]) == 0
    printed = capsys.readouterr()
    assert [line.split("\t")[-1] for line in printed.out.splitlines()] == ["a", "", "b"]
    assert "1 blank line without a class." in printed.err


@pytest.mark.parametrize("stdin", ["", "\n  \n"])
def test_without_a_text_there_is_nothing_to_classify(folder, capsys, typed, stdin):
    typed(stdin)
    assert inkloom(["classify", folder]) == 2
    assert "No texts came from standard input." in capsys.readouterr().err


def test_a_blank_text_is_refused(folder, capsys):
    assert inkloom(["classify", folder, "a", " "]) == 2
    assert "Text 2 of 2 is blank, so it has no class." in capsys.readouterr().err


def test_other_verbs_name_the_one_that_fits(folder, finished_run, capsys):
    assert inkloom(["generate", folder]) == 2
    assert "Use `inkloom classify" in capsys.readouterr().err
    assert inkloom(["classify", str(finished_run), "a"]) == 2
    assert "takes runs of --model classifier" in capsys.readouterr().err


def test_scores_are_printed_by_train_show_and_evaluate(folder, classes, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny = ("-o", "model.encoder=dense", "-o", "model.hidden_size=4", "--steps", "2")
    assert inkloom(["train", str(classes), "--model", "classifier", *tiny]) == 0
    printed = capsys.readouterr().out
    assert "naive bayes" in printed
    assert "right on test, macro F1" in printed
    assert inkloom(["runs", "show", folder]) == 0
    assert "calibration error" in capsys.readouterr().out
    assert inkloom(["evaluate", folder, "--split", "val"]) == 0
    assert "macro F1" in capsys.readouterr().out
    assert inkloom(["runs", "list"]) == 0
    listed = capsys.readouterr().out
    assert "classifier" in listed
    assert "finished" in listed


def test_the_column_of_labels_is_named_once(tmp_path, capsys):
    file = tmp_path / "my.csv"
    file.write_text("text,mood\n" + "good,a\nbad,b\n" * 30, encoding="utf-8")
    options = ("--model", "classifier", "--out", str(tmp_path / "out"), "--steps", "1", "-o", "model.hidden_size=4")
    assert inkloom(["train", str(file), *options]) == 2
    assert "with --label-column." in capsys.readouterr().err
    assert inkloom(["train", str(file), *options, "--label-column", "mood"]) == 0
    capsys.readouterr()
    assert inkloom(["train", str(file), "--label-column", "mood", "--control", "mood"]) == 2
    assert "--control and --label-column were both given" in capsys.readouterr().err


def test_the_patterns_are_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert inkloom(["demo", "patterns", "--json"]) == 0
    files = json.loads(capsys.readouterr().out)
    assert set(files) == {"patterns", "hello"}
    assert all((tmp_path / file).read_text(encoding="utf-8").startswith("<svg") for file in files.values())
    assert inkloom(["demo", "patterns"]) == 0
    assert capsys.readouterr().out.count("Drawn: ") == 2
