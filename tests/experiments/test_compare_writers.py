"""Comparisons of a GAN end to end: what is trained beside it, what is reused, what is said about its critic."""

import json
import logging
import re
import shutil

import pytest

import inkloom
from inkloom.cli.main import run as run_command
from inkloom.errors import InputError
from inkloom.experiments.comparison.judged import against_likelihood
from inkloom.experiments.verdict import PLANES, Interval, Judged
from inkloom.runs.run import load_run
from tests.experiments.comparisons import TINY_WRITERS, compare_writers, stamps

WRITERS = ["gan", "gan from scratch", "gan by likelihood", "lstm"]


@pytest.fixture(scope="session")
def runs(writers):
    """The runs of each writer."""
    entries = writers.comparison.entries
    return {entry.contestant: [load_run(cell.directory.path) for cell in entry.cells] for entry in entries}


def test_every_writer_is_trained_with_every_seed_for_the_same_time(runs):
    assert list(runs) == WRITERS
    for of_one in runs.values():
        assert [run.config.training["seed"] for run in of_one] == [0, 1]
        for run in of_one:
            assert run.config.training["budget"] == 0.2
            assert run.directory.report_file.exists()


def test_the_twin_has_the_same_generator_and_learns_by_likelihood_alone(runs):
    gan, twin, scratch = (runs[name][0].config.model for name in ("gan", "gan by likelihood", "gan from scratch"))
    assert twin == {**gan, "objective": "likelihood", "pretraining": 0.0}
    assert gan["pretraining"] == 0.5
    assert scratch == {**gan, "pretraining": 0.0, "likelihood_weight": 0.0}
    assert {runs[name][0].generator.length for name in WRITERS[:3]} == {6}


def test_all_write_in_one_vocabulary_of_train(runs):
    files = {run.directory.tokenizer_file.read_bytes() for of_one in runs.values() for run in of_one}
    assert len(files) == 1
    tokenizer = runs["lstm"][0].tokenizer
    assert tokenizer.name == "word"
    assert tokenizer.encode("birds drink water").unknown_tokens == 0


def test_json_has_a_row_for_each_writer_and_the_verdict_on_all(writers):
    found = writers.comparison.as_json()
    kept = json.loads((writers.comparison.folder / "compare.json").read_text(encoding="utf-8"))
    assert {name: kept[name] for name in found} == found
    assert kept["request"]["models"] == ["gan", "gan_from_scratch", "gan_by_likelihood", "lstm"]
    assert [row["writer"] for row in found["rows"]] == WRITERS
    for row in found["rows"]:
        assert row.keys() >= {"model", "seq_len", "areas", "seconds", "parameters", "tokens_seen", "seeds", "runs"}
        assert row["areas"].keys() == {*PLANES}
    assert [writer["name"] for writer in found["writers"]] == [*WRITERS, "unigrams", "bigrams"]
    assert [len(writer["runs"]) for writer in found["writers"]] == [2, 2, 2, 2, 1, 1]
    assert len(found["answers"]) == 2
    json.dumps(found, allow_nan=False)


def test_the_page_shows_all_writers_and_leads_to_their_runs(writers):
    page = writers.comparison.report.read_text(encoding="utf-8")
    for name in (*WRITERS, "unigrams", "bigrams"):
        assert f"<h3>{name}</h3>" in page
        assert re.search(rf"</span>{name}</th>", page)
    for answer in writers.comparison.answers:
        assert answer in page
    links = re.findall(r'href="(runs/[^"]+)"', page)
    assert len(links) == 8
    assert all((writers.comparison.folder / link).is_file() for link in links)


@pytest.fixture
def copied(writers, tmp_path):
    """The same comparison in a folder of its own, so that it can be changed."""
    shutil.copytree(writers.comparison.folder, tmp_path / "out")
    return tmp_path / "out"


def test_only_what_is_new_or_was_interrupted_is_trained(writers, copied, caplog):
    interrupted = copied / "runs" / "gan-by-likelihood-6-0.2s-seed0"
    (interrupted / "evaluation.json").unlink()
    before = stamps(copied)
    with caplog.at_level(logging.INFO, logger="inkloom"):
        found = compare_writers(writers.text, copied, "gan,lstm,ngram", seeds=1)
    assert "2 of 4 runs are there already" in caplog.text
    after = stamps(copied)
    assert (interrupted / "evaluation.json").exists()
    assert {file: after[file] for file in before if file.parent != interrupted} == {
        file: stamp for file, stamp in before.items() if file.parent != interrupted
    }
    assert {file.parent.name for file in after.keys() - before.keys()} == {interrupted.name, "ngram-0.2s"}
    assert [row["writer"] for row in found.as_json()["rows"]] == ["gan", "gan by likelihood", "lstm", "ngram"]
    assert "one seed has no interval" in found.answers[0]


def test_a_run_that_the_watch_has_ended_is_named(writers, copied):
    evaluation = copied / "runs" / "gan-6-0.2s-seed0" / "evaluation.json"
    found = json.loads(evaluation.read_text(encoding="utf-8"))
    evaluation.write_text(json.dumps({**found, "stopped": "collapse"}), encoding="utf-8")
    again = compare_writers(writers.text, copied, "gan,lstm", seeds=1)
    assert "gan, seed 0, ended early: collapse" in again.report.read_text(encoding="utf-8")
    assert [row["stopped"] for row in again.as_json()["rows"]] == [["collapse"], [None], [None]]


def test_the_command_prints_a_table_of_80_columns_and_trains_nothing_twice(writers, copied, capsys, monkeypatch):
    monkeypatch.setattr("inkloom.cli.terminal.WIDTH_WHEN_PIPED", 80)
    before = stamps(copied)
    options = [part for override in TINY_WRITERS for part in ("-o", override)]
    options += ["--documents", "lines", "--budget", "0.2s", "--seeds", "2", "--out", str(copied)]
    command = ["compare", str(writers.text), "--models", "gan,gan-from-scratch,lstm", *options]
    assert run_command(command) == 0
    printed = capsys.readouterr().out
    assert max(len(line) for line in printed.splitlines() if not line.startswith("Report: ")) <= 80
    for name in WRITERS:
        assert re.search(rf"^{name} +\d\.\d{{3}} ±\d\.\d{{3}} +\d\.\d{{3}} ±\d\.\d{{3}} ", printed, re.MULTILINE)
    for name in ("unigrams", "bigrams", "real text"):
        assert re.search(rf"^{name} +\d\.\d{{3}} +\d\.\d{{3}} ", printed, re.MULTILINE)
    assert " ".join(writers.comparison.answers) in " ".join(printed.split())
    assert run_command([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {**writers.comparison.as_json(), "rows": found["rows"], "report": str(copied / "report.html")}
    assert stamps(copied) == before


def judged(name, *areas):
    """A writer with these areas in both planes, one for each run."""
    return Judged(name, ((),) * len(areas), dict.fromkeys(PLANES, Interval.of(areas)), ())


def test_what_is_said_about_the_critic_follows_from_the_intervals():
    alone = judged("gan by likelihood", 0.5, 0.51)
    assert "By n-grams, gan beats likelihood alone: area 0.905 against 0.505" in against_likelihood(
        judged("gan", 0.9, 0.91), alone
    )
    assert "By BLEU, gan loses to likelihood alone: area 0.105" in against_likelihood(judged("gan", 0.1, 0.11), alone)
    assert "cannot be told apart: area 0.505 against 0.505; the intervals overlap." in against_likelihood(
        judged("gan", 0.5, 0.51), alone
    )
    assert "area 0.900 against 0.505; one seed has no interval." in against_likelihood(judged("gan", 0.9), alone)


def test_intervals_overlap_where_a_value_may_be_both():
    assert Interval(0.5, 0.4, 0.6).overlaps(Interval(0.7, 0.6, 0.8))
    assert Interval(0.7, 0.6, 0.8).overlaps(Interval(0.5, 0.4, 0.6))
    assert not Interval(0.5, 0.4, 0.6).overlaps(Interval(0.8, 0.7, 0.9))


def test_a_gan_that_is_from_scratch_already_is_not_compared_with_itself(writers, tmp_path):
    options = {"corpus_options": {"documents": "lines"}, "out": tmp_path / "out"}
    with pytest.raises(InputError, match="which are the same here: gan begins by likelihood with"):
        inkloom.compare(writers.text, "gan,gan-from-scratch", **options)
    assert not (tmp_path / "out").exists()


def test_a_running_text_has_no_sentences(text_file, tmp_path):
    with pytest.raises(InputError, match="Give --documents lines"):
        inkloom.compare(text_file, "gan", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
