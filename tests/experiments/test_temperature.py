"""The temperature sweep: what is written at each temperature, with held-out text as its yardstick."""

import json

import pytest

from inkloom.cli.main import run as inkloom
from inkloom.errors import InputError
from inkloom.experiments.temperature import temperature_curve
from inkloom.experiments.writing import continuations, prompts_from
from inkloom.generation import GenerationConfig
from inkloom.runs.run import load_run


@pytest.fixture(scope="module")
def curve(finished_run):
    return temperature_curve(load_run(finished_run), [0, 1.5], samples=6, max_tokens=150)


def test_greedy_text_repeats_itself_and_hot_text_invents(curve):
    greedy, hot = (point.text.samples for point in curve.points)
    assert [point.temperature for point in curve.points] == [0, 1.5]
    assert greedy.texts == hot.texts == curve.points[0].text.held_out.texts
    assert greedy.loop_rate > hot.loop_rate
    assert curve.points[1].copies.novel_chars[5] > curve.points[0].copies.novel_chars[5]
    assert curve.points[1].copies.novel_chars[5] > curve.held_out_copies.novel_chars[5]


def test_json_names_the_temperature_of_each_point(curve):
    found = curve.as_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert [point["temperature"] for point in found["temperatures"]] == [0, 1.5]
    assert found["temperatures"][0].keys() >= {"samples", "held_out", "bleu", "copies"}


def test_texts_have_random_numbers_of_their_own_and_the_same_ones_each_time(finished_run):
    run = load_run(finished_run)
    config = GenerationConfig(max_tokens=30, seed=3)
    texts = continuations(run, ["The "] * 4, config)
    assert len(set(texts)) == 4
    assert continuations(run, ["The "] * 4, config) == texts


def test_there_are_as_many_prompts_as_asked_for(finished_run):
    run = load_run(finished_run)
    held_out = run.parts()["test"]
    assert 1 < len(prompts_from(held_out, [run], 3)) <= 3
    assert all(prompt in held_out.texts[0] for prompt in prompts_from(held_out, [run], 3))


def test_a_temperature_below_zero_is_refused(finished_run):
    with pytest.raises(InputError, match="temperature got"):
        temperature_curve(load_run(finished_run), [-1])


def test_evaluate_prints_a_row_for_each_temperature_and_for_held_out_text(finished_run, capsys, monkeypatch):
    from inkloom.experiments import temperature

    def few(run, temperatures):
        return temperature_curve(run, temperatures, samples=3, max_tokens=60)

    monkeypatch.setattr(temperature, "temperature_curve", few)
    assert inkloom(["evaluate", str(finished_run), "--temperatures", "0,0.8"]) == 0
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines()[:4]] == ["temperature", "greedy", "0.8", "held-out"]
    assert inkloom(["evaluate", str(finished_run), "--temperatures", "1", "--json"]) == 0
    assert [point["temperature"] for point in json.loads(capsys.readouterr().out)["temperatures"]] == [1]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--temperatures", "warm"], "'warm'; it takes numbers"),
        (["--temperatures", "0.5,"], "'0.5,'; it takes numbers"),
        (["--temperatures", "1", "--split", "val"], "leave --split and --corpus out"),
        (["--temperatures", "1,-1"], "temperature got -1"),
    ],
)
def test_what_evaluate_cannot_do_is_said_in_one_line(finished_run, capsys, arguments, problem):
    assert inkloom(["evaluate", str(finished_run), *arguments]) == 2
    error = capsys.readouterr().err
    assert problem in error
    assert error.count("\n") == 1
