"""Whole commands as a user types them."""

import json
import math
import shutil
import subprocess
import sys

import pytest

from inkloom.cli.main import run as inkloom
from tests.conftest import TINY
from tests.corpus.publishing import publish

SCORE_KEYS = {
    *("split", "tokens", "chars", "bytes", "nats_per_token", "nats_per_char"),
    *("perplexity", "bits_per_char", "bits_per_byte", "unknown_tokens"),
}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run_json(capsys):
    """Run a command that must succeed; its one JSON object."""

    def run(*arguments):
        assert inkloom([*map(str, arguments), "--json"]) == 0, capsys.readouterr().err
        printed = capsys.readouterr().out
        assert printed.count("\n") == 1
        return json.loads(printed)

    return run


def test_train_prints_the_promised_keys_and_leaves_the_promised_files(run_json, text_file, tmp_path):
    summary = run_json("train", text_file, "--steps", 30, *TINY, "--out", "out")
    assert {
        *("run", "model", "parameters", "steps", "tokens_seen", "seconds", "tokens_per_second", "train", "val", "test")
    } <= summary.keys()
    assert summary["steps"] == 30
    assert summary["tokens_seen"] == 30 * 8 * 32
    for split in ("train", "val", "test"):
        assert summary[split].keys() >= SCORE_KEYS
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("config.json", "tokenizer.json", "model.safetensors", "metrics.csv"),
        *("evaluation.json", "samples.txt", "checkpoints", "report.html"),
    }
    assert summary == json.loads((tmp_path / "out" / "evaluation.json").read_text())


def test_the_scores_are_those_of_evaluate(run_json, finished_run):
    summary = json.loads((finished_run / "evaluation.json").read_text())
    for split in ("val", "test"):
        assert run_json("evaluate", finished_run, "--split", split) == pytest.approx(summary[split])
    assert run_json("evaluate", finished_run)["split"] == "test"


def test_the_units_agree_with_each_other(run_json, finished_run):
    scores = run_json("evaluate", finished_run)
    assert scores["nats_per_char"] == pytest.approx(scores["bits_per_char"] * math.log(2))
    assert scores["perplexity"] == pytest.approx(math.exp(scores["nats_per_token"]))
    assert scores["bits_per_byte"] * scores["bytes"] == pytest.approx(scores["bits_per_char"] * scores["chars"])


def test_another_text_is_scored_whole_and_its_unknown_characters_are_charged(run_json, finished_run, tmp_path):
    text = "This is a sentence with one character that nobody knows: ☃\n"
    (tmp_path / "other.txt").write_text(text, encoding="utf-8")
    scores = run_json("evaluate", finished_run, "--corpus", "other.txt")
    assert (scores["chars"], scores["bytes"], scores["unknown_tokens"]) == (len(text), len(text) + 2, 1)
    spelled = scores["nats_per_char"] * scores["chars"] - scores["nats_per_token"] * scores["tokens"]
    assert spelled == pytest.approx(3 * 8 * math.log(2))


def test_a_split_without_test_reports_val(run_json, text_file):
    summary = run_json("train", text_file, "--steps", 2, *TINY, "--split", "90,10", "--out", "out")
    assert "test" not in summary
    assert run_json("evaluate", "out")["split"] == "val"


def test_a_run_gets_a_name_of_its_own(run_json, text_file):
    names = [run_json("train", text_file, "--steps", 2, *TINY)["run"] for _ in range(2)]
    assert names == ["runs/reference-lstm", "runs/reference-lstm-2"]


def test_standard_input_is_a_text_and_its_run_can_be_resumed(text_file):
    command = [sys.executable, "-m", "inkloom", "train", "-", "--steps", "3", *TINY, "--out", "out"]
    with text_file.open("rb") as text:
        subprocess.run(command, stdin=text, check=True, capture_output=True)
    assert inkloom(["evaluate", "out"]) == 0


def test_overwrite_replaces_a_run(run_json, text_file):
    run_json("train", text_file, "--steps", 2, *TINY, "--out", "out")
    assert run_json("train", text_file, "--steps", 3, *TINY, "--out", "out", "--overwrite")["steps"] == 3


def test_a_budget_is_wall_time(run_json, text_file):
    summary = run_json("train", text_file, "--budget", "3s", *TINY, "--out", "out")
    assert summary["seconds"] < 6  # three, and the slack of a busy machine
    assert summary["steps"] > 5


def test_a_model_learns(run_json, finished_run):
    """60 steps are enough to be far better than guessing."""
    alphabet = len(json.loads((finished_run / "tokenizer.json").read_text())["characters"]) + 2
    assert run_json("evaluate", finished_run)["bits_per_char"] < 0.8 * math.log2(alphabet)


def test_fine_tuning_starts_from_the_other_runs_weights_and_tokenizer(run_json, finished_run, text_file):
    summary = run_json("train", text_file, "--init", finished_run, "--steps", 1, "--out", "out")
    config = json.loads((finished_run / "config.json").read_text())
    tuned = json.loads(open("out/config.json").read())  # noqa: SIM115, PTH123  read at once
    assert tuned["model"] == config["model"]
    before = json.loads((finished_run / "evaluation.json").read_text())["val"]["bits_per_char"]
    assert summary["val"]["bits_per_char"] == pytest.approx(before, abs=0.2)


def test_a_text_shorter_than_a_window_shrinks_the_window_and_says_so(run_json, tmp_path, capsys):
    (tmp_path / "short.txt").write_text("To be, or not to be: that is the question.\n" * 2)
    assert inkloom(["train", "short.txt", "--steps", "2", "--seq-len", "500", "--out", "out"]) == 0
    assert "the window shrinks" in capsys.readouterr().err


def test_generate_is_reproducible_alone_and_in_a_batch(run_json, finished_run):
    arguments = ("generate", finished_run, "--seed", 7, "--max-tokens", 60, "--temperature", 0.8)
    alone, again = run_json(*arguments), run_json(*arguments)
    assert alone["samples"] == again["samples"]
    batch = run_json(*arguments, "--num-samples", 8)["samples"]
    assert batch[0]["text"] == alone["samples"][0]["text"]
    assert len({sample["text"] for sample in batch}) == 8
    assert set(batch[0]) == {"text", "tokens", "finish_reason", "logprob"}
    assert run_json("generate", finished_run, "--seed", 8, "--max-tokens", 60)["samples"] != alone["samples"]


def test_the_text_is_the_continuation_without_its_prompt(run_json, finished_run, capsys):
    arguments = ("generate", str(finished_run), "--prompt", "The ", "--greedy", "--max-tokens", "20")
    (sample,) = run_json(*arguments)["samples"]
    assert len(sample["text"]) == sample["tokens"] == 20
    assert inkloom(list(arguments)) == 0
    assert capsys.readouterr().out == f"The {sample['text']}\n"


def test_streaming_writes_the_same_text(finished_run, capsys):
    arguments = ["generate", str(finished_run), "--seed", "3", "--max-tokens", "50", "--prompt", "a"]
    assert inkloom([*arguments, "--stream"]) == 0
    streamed = capsys.readouterr().out
    assert inkloom([*arguments, "--no-stream"]) == 0
    assert capsys.readouterr().out == streamed


def test_prompts_come_from_files_and_standard_input_too(run_json, finished_run, tmp_path, monkeypatch):
    (tmp_path / "prompt.txt").write_text("The ")
    expected = run_json("generate", finished_run, "--greedy", "--prompt", "The ")["samples"]
    assert run_json("generate", finished_run, "--greedy", "--prompt-file", "prompt.txt")["samples"] == expected
    with (tmp_path / "prompt.txt").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert run_json("generate", finished_run, "--greedy", "--prompt", "-")["samples"] == expected


def test_a_stop_text_ends_a_sample(run_json, finished_run):
    (sample,) = run_json("generate", finished_run, "--stop", " ", "--max-tokens", 200, "--seed", 1)["samples"]
    assert " " not in sample["text"]
    assert sample["finish_reason"] == "stop"


def test_runs_are_listed_shown_and_removed(run_json, finished_run, tmp_path, capsys):
    shutil.copytree(finished_run, "runs/one")
    shutil.copytree(finished_run, "runs/two")
    (tmp_path / "runs/two/evaluation.json").unlink()
    rows = run_json("runs", "list")["runs"]
    assert [(row["run"], row["state"]) for row in rows] == [("one", "finished"), ("two", "not finished")]
    assert run_json("runs", "show", "one")["summary"]["steps"] == 60
    assert inkloom(["runs", "show", "two"]) == 0
    assert "train --resume runs/two" in capsys.readouterr().out
    assert inkloom(["runs", "list"]) == 0
    assert "not finished" in capsys.readouterr().out
    assert inkloom(["runs", "rm", "one", "--yes"]) == 0
    assert [row["run"] for row in run_json("runs", "list")["runs"]] == ["two"]


def test_a_damaged_run_is_listed_so_that_it_can_be_removed(run_json, finished_run, tmp_path):
    shutil.copytree(finished_run, "runs/torn")
    (tmp_path / "runs/torn/config.json").write_text("{")
    assert run_json("runs", "list")["runs"][0]["state"] == "damaged"
    assert inkloom(["runs", "rm", "torn", "-y"]) == 0
    assert not (tmp_path / "runs/torn").exists()


def test_no_runs_is_no_error(capsys):
    assert inkloom(["runs", "list"]) == 0
    assert "No runs" in capsys.readouterr().err


def test_doctor_measures(run_json, capsys):
    found = run_json("doctor")
    assert found["gflops"]["cpu"]["float32"] > 0
    assert found["chosen"]["device"] in found["gflops"]
    assert inkloom(["doctor"]) == 0
    assert "GFLOP/s" in capsys.readouterr().out


def test_demo_falls_back_to_the_text_that_needs_no_network(capsys, monkeypatch):
    from inkloom.corpus import loading
    from inkloom.corpus.base import FetchError

    open_named = loading.load_corpus

    def offline(*sources, **options):
        if sources == ("shakespeare",):
            raise FetchError("No network.")
        return open_named(*sources, **options)

    monkeypatch.setattr("inkloom.api.load_corpus", offline)
    assert inkloom(["demo", "--budget", "3s"]) == 0
    printed = capsys.readouterr()
    assert "goes on with python-docs" in printed.err
    assert "bits per character" in printed.out
    assert "report.html" in printed.out


def test_settings_are_listed(capsys):
    assert inkloom(["train", "-o", "help", "--model", "transformer"]) == 0
    printed = capsys.readouterr().out
    for setting in ("model.preset", "training.learning_rate", "split.shares"):
        assert setting in printed


@pytest.mark.parametrize("verb", [[], ["train"], ["generate"], ["evaluate"], ["runs"], ["corpora"], ["demo"]])
def test_help(verb, capsys):
    assert inkloom([*verb, "--help"]) == 0
    assert "Usage: inkloom" in capsys.readouterr().out


def test_without_arguments_the_help_is_shown(capsys):
    assert inkloom([]) == 2
    assert "Commands" in capsys.readouterr().out


def test_version(capsys):
    assert inkloom(["--version"]) == 0
    assert capsys.readouterr().out == "inkloom 0.1.0\n"


def test_import_and_help_load_nothing_heavy():
    for arguments in (["-c", "import inkloom"], ["-m", "inkloom", "--help"]):
        code = f"import sys, runpy; sys.argv = ['inkloom', *{arguments[2:]}]\n"
        code += "import inkloom\n"
        if "-m" in arguments:
            code += "try: runpy.run_module('inkloom', run_name='__main__')\nexcept SystemExit: pass\n"
        code += "print(*[name for name in ('torch', 'pytorch_lightning', 'matplotlib') if name in sys.modules])"
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert ended.stdout.splitlines()[-1] == ""


def test_a_reader_that_leaves_early_is_no_traceback(finished_run):
    generate = f'"{sys.executable}" -m inkloom generate "{finished_run}" --prompt "The reader " --seed 1'
    command = f"{generate} --max-tokens 5000 --stream | head -c 10"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    assert len(ended.stdout) == 10
    assert b"Traceback" not in ended.stderr
    assert b"BrokenPipe" not in ended.stderr


def test_a_recipe_brings_its_text_and_takes_options_of_the_text(run_json, tmp_path, real_text, monkeypatch):
    from inkloom.corpus.named import tinyshakespeare

    (tmp_path / "tinyshakespeare.txt").write_text(real_text)
    publish(monkeypatch, tinyshakespeare, real_text.encode())
    recipe = ("train", "--recipe", "char-lstm-adam", "--corpus-dir", tmp_path, "--steps", 2, "--batch-size", 2)
    summary = run_json(*recipe, "-o", "model.hidden_size=16")
    assert summary["run"] == "runs/tinyshakespeare-lstm"
    config = run_json("runs", "show", "tinyshakespeare-lstm")["config"]
    assert config["training"]["optimizer"] == "adam"
    assert config["model"]["hidden_size"] == 16
