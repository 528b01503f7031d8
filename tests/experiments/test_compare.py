"""Comparisons end to end: what is trained, what is reused, what the rows say."""

import io
import json
import logging
import math
import os
import re
import shutil
import signal

import numpy as np
import pytest
from rich.console import Console

import inkloom
from inkloom.corpus import load_corpus
from inkloom.errors import InputError, InterruptedByUserError
from inkloom.experiments.comparison.cells import plan_entries
from inkloom.experiments.comparison.request import Length, Request
from inkloom.experiments.comparison.statistics import interval
from inkloom.runs.run import load_run
from tests.experiments.comparisons import TINY, compare, stamps
from tests.experiments.conftest import PLANTED

ROW_KEYS = {"model", "seq_len", "bits_per_char", "seconds", "parameters", "tokens_seen"}


def test_rows_are_ranked_and_have_the_promised_keys(league):
    found = league.comparison.as_json()
    rows = found["rows"]
    assert {row["model"] for row in rows} == {"rnn", "gru", "ngram"}
    means = [row["bits_per_char"]["mean"] for row in rows]
    assert means == sorted(means)
    for row in rows:
        assert row.keys() >= ROW_KEYS
        score = row["bits_per_char"]
        assert score["low"] < score["mean"] < score["high"]
    assert rows[0]["p_value"] is None
    assert all(0 < row["p_value"] <= 1 for row in rows[1:])
    json.dumps(found, allow_nan=False)


def test_the_report_stands_where_the_result_says(league):
    assert league.comparison.as_json()["report"] == str(league.comparison.folder / "report.html")
    assert league.comparison.report.exists()
    kept = json.loads((league.comparison.folder / "compare.json").read_text())
    assert kept["rows"] == league.comparison.as_json()["rows"]
    assert kept["request"]["models"] == ["rnn", "gru", "ngram"]


def test_every_cell_is_an_ordinary_run_on_the_same_split_with_the_same_tokenizer(league):
    runs = [load_run(cell.directory.path) for row in league.comparison.rows for cell in row.entry.cells]
    assert len(runs) == 5
    assert len({run.directory.tokenizer_file.read_bytes() for run in runs}) == 1
    assert len({run.config.split for run in runs}) == 1
    assert len({(run.config.training["device"], run.config.training["precision"]) for run in runs}) == 1
    for run in runs:
        assert run.directory.report_file.exists()
        assert run.evaluate().bits_per_char == pytest.approx(run.summary()["test"]["bits_per_char"])


def test_a_row_is_the_mean_of_its_runs(league):
    for row in league.comparison.rows:
        summaries = [load_run(cell.directory.path).summary() for cell in row.entry.cells]
        assert row.bits_per_char.mean == pytest.approx(np.mean([one["test"]["bits_per_char"] for one in summaries]))
        assert row.tokens_seen == pytest.approx(np.mean([one["tokens_seen"] for one in summaries]))
        assert row.parameters == summaries[0]["parameters"]


def test_intervals_can_be_made_again_from_what_is_kept(league):
    for row in league.comparison.rows:
        kept = [np.load(league.comparison.folder / "token_nats" / f"{cell.name}.npy") for cell in row.entry.cells]
        assert {nats_T.dtype for nats_T in kept} == {np.dtype(np.float32)}
        assert interval(np.stack(kept), league.comparison.held_out) == row.bits_per_char


def test_seeds_differ_and_a_counted_model_needs_one(league):
    cells = {row.model: row.entry.cells for row in league.comparison.rows}
    assert [cell.seed for cell in cells["rnn"]] == [cell.seed for cell in cells["gru"]] == [0, 1]
    assert len(cells["ngram"]) == 1
    first, second = (cell.directory.weights_file.read_bytes() for cell in cells["rnn"])
    assert first != second


def test_tokens_are_held_equal(league):
    trained = [row for row in league.comparison.rows if row.model != "ngram"]
    assert [row.tokens_seen for row in trained] == [640, 640]


def test_a_planted_copy_is_named_and_the_scores_without_it_are_there(league):
    assert league.comparison.leaks.share > 0.05
    assert PLANTED[:40] in league.comparison.leaks.summary()
    for row in league.comparison.rows:
        assert row.bits_without_leaks is not None
        assert row.bits_without_leaks != row.bits_per_char.mean


def test_runs_with_the_same_settings_are_reused(league):
    before = stamps(league.comparison.folder)
    again = compare(league.text, league.comparison.folder, "rnn,gru,ngram", seeds=2)
    assert stamps(league.comparison.folder) == before
    assert again.as_json() == league.comparison.as_json()


@pytest.fixture
def copied(league, tmp_path):
    """The same comparison in a folder of its own, so that it can be changed."""
    shutil.copytree(league.comparison.folder, tmp_path / "out")
    return tmp_path / "out"


def test_only_what_is_new_is_trained(league, copied):
    before = stamps(copied)
    rows = compare(league.text, copied, "gru,lstm,ngram", seeds=1).rows
    after = stamps(copied)
    assert {row.model for row in rows} == {"gru", "lstm", "ngram"}
    assert {path: after[path] for path in before} == before
    assert {path.parent.name for path in after.keys() - before.keys()} == {"lstm-16-640tokens-seed0"}


def test_other_settings_make_other_runs(league, copied):
    compare(league.text, copied, "rnn", "rnn.layers=2", seeds=1)
    assert load_run(copied / "runs" / "rnn-16-640tokens-seed0").config.model["layers"] == 1
    assert load_run(copied / "runs" / "rnn-16-640tokens-seed0-2").config.model["layers"] == 2


def test_an_interrupted_comparison_goes_on(league, copied, caplog):
    interrupted = copied / "runs" / "rnn-16-640tokens-seed1"
    scores = (interrupted / "evaluation.json").read_text()
    (interrupted / "evaluation.json").unlink()
    shutil.rmtree(copied / "runs" / "gru-16-640tokens-seed1")
    before = stamps(copied)
    with caplog.at_level(logging.INFO, logger="inkloom"):
        again = compare(league.text, copied, "rnn,gru,ngram", seeds=2)
    assert "3 of 5 runs are there already" in caplog.text
    assert {path: stamp for path, stamp in stamps(copied).items() if path in before} == before
    resumed = json.loads((interrupted / "evaluation.json").read_text())
    assert resumed["steps"] == json.loads(scores)["steps"]
    for row, first in zip(again.rows, league.comparison.rows, strict=True):
        assert row.bits_per_char.mean == pytest.approx(first.bits_per_char.mean, abs=1e-6)


def test_token_nats_of_another_run_are_made_anew(league, copied):
    file = copied / "token_nats" / "rnn-16-640tokens-seed0.npy"
    right = np.load(file)
    np.save(file, right + 1)
    again = compare(league.text, copied, "rnn,gru,ngram", seeds=2)
    assert [row.bits_per_char.mean for row in again.rows] == pytest.approx(
        [row.bits_per_char.mean for row in league.comparison.rows]
    )
    assert np.load(file) == pytest.approx(right, abs=1e-5)


def test_a_damaged_run_is_left_alone(league, copied):
    config = copied / "runs" / "rnn-16-640tokens-seed0" / "config.json"
    config.write_text("{")
    (row,) = compare(league.text, copied, "rnn", seeds=1).rows
    assert row.entry.cells[0].name == "rnn-16-640tokens-seed0-2"
    assert config.read_text() == "{"


def test_a_sweep_has_a_row_for_every_window_and_a_table_for_every_length(sweep):
    found = [(row.entry.length.unit, row.model, row.entry.seq_len) for row in sweep.comparison.rows]
    for unit in ("tokens", "epochs"):
        assert sorted(entry[1:] for entry in found if entry[0] == unit and entry[1] == "rnn") == [
            ("rnn", 4),
            ("rnn", 16),
        ]
        assert (unit, "ngram", None) in found
    assert sweep.comparison.split.name == "val"
    for row in sweep.comparison.rows:
        assert row.train_nats > 0
        assert row.seconds > 0
        assert row.peak_memory is None or row.peak_memory > 50e6
        charge = sweep.comparison.held_out.charge_nats / sweep.comparison.held_out.chars
        assert row.held_out_nats + charge == pytest.approx(row.bits_per_char.mean * math.log(2))


def test_parameters_are_held_equal_within_5_per_cent(text_file, tmp_path):
    sizes = [f"{model}.embedding_size=16" for model in ("rnn", "lstm")]
    options = {"models": "rnn,lstm", "parameters": 9000, "tokens": 64, "seeds": 1, "out": tmp_path / "out"}
    overrides = ["training.batch_size=4", "training.seq_len=16", "training.samples=0", *sizes]
    found = inkloom.compare(text_file, overrides=overrides, **options)
    for row in found.rows:
        assert row.parameters == pytest.approx(9000, rel=0.05)


def test_time_is_held_equal(text_file, tmp_path):
    rows = compare(text_file, tmp_path / "out", "rnn,ngram", budget="1s", seeds=1).rows
    for row in rows:
        run = load_run(row.entry.cells[0].directory.path)
        assert run.config.training["budget"] == 1.0
        assert row.seconds == run.summary()["seconds"]


def test_a_mixture_is_trained_inside_its_own_run_with_the_settings_of_the_others(text_file, tmp_path):
    found = compare(text_file, tmp_path / "out", "rnn,ngram,mixture", epochs=0.02, seeds=1)
    mixture = next(row for row in found.rows if row.model == "mixture")
    parts = load_run(mixture.entry.cells[0].directory.path).config.model["parts"]
    assert [part["name"] for part in parts] == ["rnn", "ngram"]
    assert parts[0]["hidden_size"] == 8
    before = stamps(found.folder)
    again = compare(text_file, tmp_path / "out", "rnn,ngram,mixture", epochs=0.02, seeds=1)
    assert again.as_json() == found.as_json()
    assert stamps(found.folder) == before


class StoppingConsole(Console):
    """Presses Ctrl-C when the first validation is announced."""

    def print(self, *objects, **options):
        super().print(*objects, **options)
        if objects and "tokens/s" in str(objects[0]):
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_stops_between_steps_and_the_same_call_goes_on(text_file, tmp_path):
    options = {"seeds": 2, "tokens": 6400}
    with pytest.raises(InterruptedByUserError, match=r"Stopped in run 1 of 2; all is saved\. The same command goes on"):
        compare(text_file, tmp_path / "out", "rnn", console=StoppingConsole(file=io.StringIO()), **options)
    console = Console(file=io.StringIO(), width=200)
    (row,) = compare(text_file, tmp_path / "out", "rnn", console=console, **options).rows
    printed = console.file.getvalue()
    assert "Run 1 of 2: rnn-16-6400tokens-seed0, goes on" in printed
    assert re.search(r"Run 2 of 2: rnn-16-6400tokens-seed1; about \d+s left", printed)
    assert row.tokens_seen == 6400
    assert len(row.entry.cells) == 2


REFUSED = {
    "unknown model": ({"models": "rnn,ltsm"}, "Did you mean lstm"),
    "no model": ({"models": ""}, "--models is empty"),
    "a model twice": ({"models": "rnn,RNN"}, "names rnn 2 times"),
    "a window twice": ({"seq_lens": [8, 8]}, "names 8 2 times"),
    "windows of words": ({"seq_lens": "8,many"}, "--seq-lens got '8,many'"),
    "window of nothing": ({"seq_lens": [0]}, "--seq-lens got 0"),
    "no seeds": ({"seeds": 0}, "--seeds got 0"),
    "no tokens": ({"tokens": 0}, "--tokens got 0"),
    "no epochs": ({"epochs": -1.0}, "--epochs got -1"),
    "no time": ({"budget": "0s"}, "--budget got '0s'"),
    "no parameters": ({"parameters": 0}, "--parameters got 0"),
    "too few parameters": ({"parameters": 10}, "comes no nearer than"),
    "parameters of a counted model": ({"models": "ngram", "parameters": 1000}, "cannot hold for ngram"),
    "parameters and a size": ({"parameters": 10**5, "overrides": ["rnn.hidden_size=5"]}, "beside --parameters"),
    "tokens of a mixture": ({"models": "rnn,mixture", "tokens": 100}, "Give --budget"),
    "a length of its own": ({"overrides": ["training.steps=5"]}, "Give --budget, --tokens or --epochs"),
    "a window of its own": ({"seq_lens": [8], "overrides": ["rnn.seq_len=5"]}, "beside --seq-lens"),
    "unknown field": ({"overrides": ["model.hidden=5"]}, "hidden_size"),
    "unknown field of a model": ({"overrides": ["rnn.learning_rte=5"]}, "learning_rate"),
    "a model that is not compared": ({"overrides": ["lstm.layers=2"]}, "Known:"),
    "wrong value": ({"overrides": ["rnn.layers=two"]}, "layers"),
    "unknown tokenizer": ({"tokenizers": "chars"}, "Did you mean char"),
    "a tokenizer twice": ({"tokenizers": "bpe,BPE"}, "--tokenizers names bpe 2 times"),
    "tokenizers and windows": ({"tokenizers": "bpe,char", "seq_lens": [8]}, "Leave one of them out"),
    "a field that no tokenizer has": (
        {"tokenizers": "char,bpe", "overrides": ["tokenizer.min_count=2"]},
        "'min_count' is no field of tokenizer",
    ),
    "a field of another tokenizer": ({"overrides": ["tokenizer.vocab_size=300"]}, "--tokenizer word"),
    "a tokenizer that is not compared": ({"tokenizers": "bpe", "overrides": ["word.min_count=2"]}, "Known:"),
    "split that leaks": ({"split": "random-windows"}, "leaks on purpose"),
    "split that leaks, the other way": ({"overrides": ["split.shares=random-windows"]}, "leaks on purpose"),
    "split that does not sum to 100": ({"split": "90,5"}, "100"),
    "unknown device": ({"overrides": ["training.device=tpu"]}, "device"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_compared_is_refused_before_any_work(text_file, tmp_path, case):
    options, message = REFUSED[case]
    with pytest.raises(InputError, match=re.escape(message)):
        inkloom.compare(text_file, **{"models": "rnn", "out": tmp_path / "out", **options})
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_things_in_it_is_refused(text_file, tmp_path, finished_run):
    (tmp_path / "notes.txt").write_text("x")
    for out, message in ((tmp_path, "other files"), (finished_run, "holds a run"), (text_file, "is a file")):
        with pytest.raises(InputError, match=message):
            inkloom.compare(text_file, "rnn", out=out)


@pytest.mark.parametrize(
    ("models", "parts"),
    [
        ("ngram,transformer,lstm,mixture", ["lstm", "ngram"]),
        ("gru,rnn,ngram,mixture", ["gru", "ngram"]),
        ("gru,rnn,mixture", ["gru", "rnn"]),
    ],
)
def test_a_mixture_gives_its_time_to_one_network_beside_what_is_counted(text_file, tmp_path, models, parts):
    request = Request(models=tuple(models.split(",")), lengths=(Length("epochs", 1),), seeds=1)
    entry = plan_entries(load_corpus(text_file), request, tmp_path)[-1]
    assert [part["name"] for part in entry.cells[0].config.model["parts"]] == parts


def test_a_mixture_beside_one_model_has_its_own_parts(text_file, tmp_path):
    request = Request(models=("rnn", "mixture"), lengths=(Length("epochs", 1),), overrides=TINY[:1], seeds=1)
    entry = plan_entries(load_corpus(text_file), request, tmp_path)[1]
    assert [part["name"] for part in entry.cells[0].config.model["parts"]] == ["lstm", "ngram"]


@pytest.mark.parametrize(("overrides", "rows"), [((), [128, 16, 4]), (("training.batch_size=5",), [5, 5, 5])])
def test_a_step_of_a_sweep_reads_as_much_with_every_window_unless_the_rows_are_given(
    text_file, tmp_path, overrides, rows
):
    request = Request(("lstm",), (Length("epochs", 1),), seq_lens=(8, 64, 256), overrides=overrides)
    entries = plan_entries(load_corpus(text_file), request, tmp_path)
    assert [entry.cells[0].config.training["batch_size"] for entry in entries] == rows


def test_a_recipe_is_for_one_model_and_its_tokenizer_for_all(text_file, tmp_path):
    request = Request(("lstm", "rnn"), (Length("tokens", 64_000),), recipe="wikitext2_lstm_regularised")
    lstm, rnn = (entry.cells[0].config for entry in plan_entries(load_corpus(text_file), request, tmp_path))
    assert lstm.tokenizer == rnn.tokenizer
    assert lstm.tokenizer["mode"] == "whitespace"
    assert (lstm.model["layers"], rnn.model["layers"]) == (2, 1)
    assert lstm.training["budget"] is None
    assert lstm.training["steps"] == 64_000 // (lstm.training["batch_size"] * lstm.training["seq_len"])
