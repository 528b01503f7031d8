"""What the Studio reads out of run folders: names, reports and the course of a training."""

import asyncio
import json
import shutil

import pytest

from inkloom.errors import InputError
from inkloom.runs.directory import RunDirectory
from inkloom.serving.engine import Engines
from inkloom.serving.settings import ServerSettings
from inkloom.serving.studio.progress import progress_of, share_done
from inkloom.serving.studio.reports import read_report, report_address
from inkloom.serving.studio.workspace import Workspace


@pytest.fixture
def runs(tmp_path, finished_run):
    shutil.copytree(finished_run, tmp_path / "runs" / "one")
    return tmp_path / "runs"


@pytest.fixture
def workspace(runs, tmp_path):
    workspace = Workspace(Engines([], ServerSettings()), runs, tmp_path / "texts")
    yield workspace
    workspace.engines.close()


@pytest.mark.parametrize("name", ["..", "../runs/one", "one/", "/", "", "one\0", "absent"])
def test_only_names_of_the_list_open_a_run(workspace, runs, name):
    (runs.parent / "config.json").write_text("{}")
    with pytest.raises(InputError, match="no such run"):
        workspace.directory(name)


def test_a_run_is_opened_once_and_anew_when_it_was_trained_on(workspace, runs):
    async def scenario():
        first = await workspace.engine("one")
        assert await workspace.engine("one") is first
        weights = runs / "one" / "model.safetensors"
        data = weights.read_bytes()
        weights.unlink()
        weights.write_bytes(data)
        again = await workspace.engine("one")
        assert again is not first
        assert again.encode_prompt("The")

    asyncio.run(scenario())


def test_a_run_without_weights_does_not_write(workspace, runs):
    (runs / "one" / "model.safetensors").unlink()
    assert workspace.writable() == {}
    assert list(workspace.directories()) == ["one"]


def test_only_what_continues_texts_writes(workspace, runs):
    config = json.loads((runs / "one" / "config.json").read_text())
    for other in ("classifier", "damaged"):
        shutil.copytree(runs / "one", runs / other)
    (runs / "classifier" / "config.json").write_text(json.dumps({**config, "model": {"name": "classifier"}}))
    (runs / "damaged" / "config.json").write_text("{")
    assert list(workspace.writable()) == ["one"]
    assert set(workspace.directories()) == {"one", "classifier", "damaged"}


def test_what_a_text_has_from_train_is_found(workspace, real_text):
    index = asyncio.run(workspace.copy_index("one"))
    assert index.report(real_text[5000:5100]).spans


def test_who_may_train():
    for host, key, may in (("127.0.0.1", None, True), ("0.0.0.0", None, False), ("0.0.0.0", "k", True)):
        assert Workspace(Engines([], ServerSettings(host=host, api_key=key))).may_train is may


def test_a_report_tells_no_folders(runs, text_file):
    directory = RunDirectory(runs / "one")
    assert str(text_file.parent) in directory.report_file.read_text(encoding="utf-8")
    page = read_report(directory)
    assert str(text_file.parent) not in page
    assert text_file.name in page


def test_a_report_that_is_not_there_is_said_to_be_missing(runs):
    directory = RunDirectory(runs / "one")
    directory.report_file.unlink()
    with pytest.raises(InputError, match="no report yet"):
        read_report(directory)


def test_the_address_of_a_report_holds_any_name():
    assert report_address("<b>/x?") == "/studio/reports/%3Cb%3E%2Fx%3F"


def test_the_course_of_a_training_is_told(runs):
    progress = progress_of(RunDirectory(runs / "one"))
    assert progress.share == 1.0
    assert progress.facts["Steps"] == "60"
    assert progress.curve.startswith("<svg")
    assert "on train from" in progress.told
    assert progress.sample


def test_before_anything_is_written_there_is_nothing_to_tell(tmp_path):
    progress = progress_of(RunDirectory(tmp_path / "soon"))
    assert (progress.share, progress.facts, progress.curve, progress.sample) == (None, {}, "", "")


def test_a_share_is_of_the_time_or_of_the_steps(runs):
    from inkloom.experiments.history import read_course

    directory = RunDirectory(runs / "one")
    course = read_course(directory.metrics_file)
    config = directory.read_config()
    assert share_done(config.replace(training={"budget": float(course.seconds[-1]) * 2}), course) == pytest.approx(0.5)
    assert share_done(config.replace(training={"steps": 120}), course) == 0.5
    assert share_done(config.replace(training={"epochs": 2.0}), course) is None
