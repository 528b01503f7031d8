"""What strangers get wrong: one line, exit code 2, before any work, and nothing half written."""

import io
import json
import shutil

import pytest

from inkloom.cli.main import run as inkloom


@pytest.fixture
def bad(tmp_path, text_file, finished_run, monkeypatch):
    """A folder of things that are wrong, in which the commands run."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(text_file, "good.txt")
    shutil.copytree(finished_run, "runs/good")
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "blank.txt").write_text(" \n\n ")
    (tmp_path / "noise.txt").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "one.txt").write_text("a")
    (tmp_path / "no_text").mkdir()
    (tmp_path / "no_text" / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "table.csv").write_text("id,words\n1,hello\n")
    (tmp_path / "bad.jsonl").write_text('{"text": "a"}\n{"text": \n')
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.doc").write_text("x")
    for name in ("newer", "torn", "no_weights", "cut_weights", "no_tokenizer"):
        shutil.copytree(finished_run, f"runs/{name}")
    config = json.loads((tmp_path / "runs/newer/config.json").read_text())
    (tmp_path / "runs/newer/config.json").write_text(json.dumps({**config, "format": 999}))
    (tmp_path / "runs/torn/config.json").write_text('{"format": 1, "na')
    (tmp_path / "runs/no_weights/model.safetensors").unlink()
    with (tmp_path / "runs/cut_weights/model.safetensors").open("r+b") as file:
        file.truncate(1000)
    (tmp_path / "runs/no_tokenizer/tokenizer.json").unlink()
    shutil.copytree(finished_run, "runs/cut_checkpoint")
    (tmp_path / "runs/cut_checkpoint/evaluation.json").unlink()
    with (tmp_path / "runs/cut_checkpoint/checkpoints/last.ckpt").open("r+b") as file:
        file.truncate(1000)
    return tmp_path


TRAIN = ("train", "good.txt", "--steps", "1")

CASES = {
    # the command line's own errors
    "unknown verb": (("trian", "good.txt"), "No such command 'trian'"),
    "unknown option": ((*TRAIN, "--modle", "lstm"), "No such option: --modle"),
    "option without its value": ((*TRAIN, "--model"), "--model"),
    "text where a number is meant": ((*TRAIN, "--seq-len", "many"), "--seq-len"),
    "no run given": (("generate",), "RUN"),
    # texts
    "no text": (("train",), "No text was given"),
    "no such file": (("train", "godo.txt"), "godo.txt"),
    "nearly a named corpus": (("train", "shakespear"), "shakespeare"),
    "empty file": (("train", "empty.txt"), "empty.txt"),
    "only blanks": (("train", "blank.txt"), "blank.txt"),
    "binary noise": (("train", "noise.txt"), "noise.txt"),
    "folder without text": (("train", "no_text"), "no_text"),
    "too short to split": (("train", "one.txt"), "too few to split"),
    "wrong column": (("train", "table.csv"), "words"),
    "broken row": (("train", "bad.jsonl"), "line 2"),
    "unknown encoding": ((*TRAIN, "--encoding", "utf-99"), "utf-99"),
    "unknown kind of documents": ((*TRAIN, "--documents", "pages"), "documents"),
    # splits
    "split that does not sum to 100": ((*TRAIN, "--split", "90,5"), "100"),
    "split of one part": ((*TRAIN, "--split", "100"), "100"),
    "split of four parts": ((*TRAIN, "--split", "25,25,25,25"), "25,25,25,25"),
    "split of words": ((*TRAIN, "--split", "most,rest"), "most"),
    "split with nothing to train on": ((*TRAIN, "--split", "0,50,50"), "0,50,50"),
    # names and settings
    "unknown model": ((*TRAIN, "--model", "ltsm"), "Did you mean lstm"),
    "unknown tokenizer": ((*TRAIN, "--tokenizer", "chars"), "Did you mean char"),
    "unknown recipe": ((*TRAIN, "--recipe", "shakespeare"), "Known:"),
    "unknown section": ((*TRAIN, "-o", "modle.layers=2"), "Did you mean model"),
    "unknown field": ((*TRAIN, "-o", "model.hidden=2"), "hidden_size"),
    "unknown training field": ((*TRAIN, "-o", "training.learning_rte=2"), "learning_rate"),
    "override without value": ((*TRAIN, "-o", "model.layers"), "SECTION.FIELD=VALUE"),
    "value of a wrong type": ((*TRAIN, "-o", "model.layers=two"), "model.layers"),
    "value out of range": ((*TRAIN, "-o", "model.dropout=2"), "model.dropout"),
    "negative learning rate": ((*TRAIN, "-o", "training.learning_rate=-1"), "training.learning_rate"),
    "two lengths": ((*TRAIN, "--epochs", "2"), "one of budget, steps and epochs"),
    "budget without sense": (("train", "good.txt", "--budget", "soon"), "80s"),
    "budget of nothing": (("train", "good.txt", "--budget", "0s"), "above 0"),
    "no steps": (("train", "good.txt", "--steps", "0"), "steps"),
    "no windows": ((*TRAIN, "--batch-size", "0"), "batch_size"),
    "unknown device": ((*TRAIN, "--device", "tpu"), "device"),
    "unknown precision": ((*TRAIN, "--precision", "float8"), "precision"),
    "negative seed": ((*TRAIN, "--seed", "-1"), "seed"),
    "heads that do not divide the width": (
        (*TRAIN, "--model", "transformer", "-o", "model.width=10", "-o", "model.heads=3"),
        "heads",
    ),
    # where to write
    "out holds a run": ((*TRAIN, "--out", "runs/good"), "--overwrite"),
    "out is a file": ((*TRAIN, "--out", "file"), "is a file"),
    "out below a file": ((*TRAIN, "--out", "file/run"), "Cannot write into"),
    "out with other files": ((*TRAIN, "--out", "full", "--overwrite"), "other files"),
    "overwrite with a wrong field": ((*TRAIN, "--out", "runs/good", "--overwrite", "-o", "model.x=1"), "model"),
    # other runs
    "resume beside other options": (("train", "--resume", "runs/good", "--steps", "5"), "--init"),
    "resume of nothing": (("train", "--resume", "nothing"), "Runs there:"),
    "resume of a damaged checkpoint": (("train", "--resume", "cut_checkpoint"), "last.ckpt is damaged"),
    "init with a model": ((*TRAIN, "--init", "good", "--model", "gru"), "--init"),
    "init with another size": ((*TRAIN, "--init", "good", "-o", "model.layers=2"), "--init"),
    "no such run": (("evaluate", "god"), "Runs there:"),
    "run of a newer version": (("evaluate", "newer"), "newer inkloom"),
    "torn config": (("generate", "torn"), "config.json"),
    "run without weights": (("generate", "no_weights"), "model.safetensors"),
    "cut weights": (("generate", "cut_weights"), "damaged"),
    "run without tokenizer": (("generate", "no_tokenizer"), "tokenizer.json"),
    "unknown split": (("evaluate", "good", "--split", "tset"), "tset"),
    # prompts and sampling
    "unknown character": (("generate", "good", "--prompt", "ᚠ"), "U+16A0"),
    "negative temperature": (("generate", "good", "--temperature", "-1"), "temperature"),
    "impossible top-p": (("generate", "good", "--top-p", "1.5"), "top_p"),
    "no samples": (("generate", "good", "--num-samples", "0"), "num_samples"),
    "two prompts": (("generate", "good", "--prompt", "a", "--prompt-file", "good.txt"), "Leave one out"),
    "no prompt file": (("generate", "good", "--prompt-file", "nothing.txt"), "nothing.txt"),
    "remove without asking": (("runs", "rm", "good"), "--yes"),
}


def snapshot(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_gets_one_line_and_changes_nothing(bad, capsys, monkeypatch, case):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    arguments, expected = CASES[case]
    before = snapshot(bad)
    code = inkloom(list(arguments))
    printed = capsys.readouterr()
    assert code == 2, printed.err
    errors = [line for line in printed.err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, printed.err
    assert expected in errors[0]
    assert printed.out == ""
    assert "Traceback" not in printed.err
    assert snapshot(bad) == before


def test_with_json_an_error_is_one_object_too(bad, capsys):
    assert inkloom(["evaluate", "god", "--json"]) == 2
    assert "Runs there:" in json.loads(capsys.readouterr().out)["error"]


def test_debug_shows_the_traceback(bad, capsys):
    from inkloom.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "god", "--debug"])
    assert ended.value.code == 2
    assert "Traceback" in capsys.readouterr().err
