import json

import pytest

from inkloom.corpus.base import CorpusConfig
from inkloom.errors import InputError
from inkloom.files import write_json
from inkloom.runs.directory import (
    RunConfig,
    RunDirectory,
    beginning,
    check_out,
    default_out,
    find_run,
    list_runs,
    remove,
)

CONFIG = RunConfig(
    name="a", corpus=CorpusConfig(sources=("a.txt",)), tokenizer={"name": "char"}, model={"name": "lstm"}, training={}
)


@pytest.fixture
def run(tmp_path):
    directory = RunDirectory(tmp_path / "runs" / "a")
    directory.write_config(CONFIG)
    return directory


def test_a_config_comes_back_as_it_was(run):
    assert run.read_config() == CONFIG
    assert CONFIG.versions["torch"]


def test_a_run_of_a_newer_program_is_refused(run):
    run.config_file.write_text(json.dumps({**json.loads(run.config_file.read_text()), "format": 999, "new": 1}))
    with pytest.raises(InputError, match="newer inkloom"):
        run.read_config()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"name": 3}'])
def test_a_damaged_config_is_named(run, text):
    run.config_file.write_text(text)
    with pytest.raises(InputError, match=r"config\.json") as caught:
        run.read_config()
    assert "\n" not in str(caught.value)


def test_scores_that_lack_a_split_are_damaged(run):
    write_json(run.evaluation_file, {"model": "lstm", "train": {}})
    with pytest.raises(InputError, match=r"evaluation.json is damaged: it lacks val. Delete it, and `inkloom train"):
        run.read_evaluation()


def test_runs_are_found_by_path_and_by_name(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert find_run(str(run.path)).path == run.path
    assert find_run("a").path.resolve() == run.path
    assert [found.path.name for found in list_runs()] == ["a"]
    with pytest.raises(InputError, match=r"Runs there: a\."):
        find_run("b")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no run"):
        find_run("empty")


def test_a_taken_name_gets_a_number(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert default_out("a").name == "a-2"
    assert default_out("b").name == "b"


def test_out_with_a_run_is_refused_and_left_alone(run):
    with pytest.raises(InputError, match="already holds a run"):
        check_out(run.path, overwrite=False)
    assert check_out(run.path, overwrite=True).read_config() == CONFIG


def test_out_with_other_files_is_refused_even_to_overwrite(tmp_path):
    (tmp_path / "precious.txt").write_text("x")
    with pytest.raises(InputError, match="other files"):
        check_out(tmp_path, overwrite=True)
    with pytest.raises(InputError, match="is a file"):
        check_out(tmp_path / "precious.txt", overwrite=True)


def test_out_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="Cannot write into"):
        check_out(tmp_path / "file" / "run", overwrite=False)


def test_a_beginning_that_fails_puts_back_what_it_replaced(run):
    (run.path / "model.safetensors").write_bytes(b"weights")

    def fail() -> None:
        with beginning(run, CONFIG.replace(name="b")):
            assert run.read_config().name == "b"
            assert not run.weights_file.exists()
            raise InputError("no")

    with pytest.raises(InputError):
        fail()
    assert run.read_config().name == "a"
    assert run.weights_file.read_bytes() == b"weights"
    assert [path.name for path in run.path.parent.iterdir()] == ["a"]


def test_a_beginning_that_fails_leaves_nothing_where_nothing_was(tmp_path):
    run = RunDirectory(tmp_path / "new")
    with pytest.raises(InputError), beginning(run, CONFIG):
        raise InputError("no")
    assert list(tmp_path.iterdir()) == []


def test_a_beginning_that_ends_well_replaces(run):
    with beginning(run, CONFIG.replace(name="b")):
        pass
    assert run.read_config().name == "b"
    assert [path.name for path in run.path.parent.iterdir()] == ["a"]


def test_a_removed_run_is_gone(run):
    remove(run)
    assert not run.path.exists()
