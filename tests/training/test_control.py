"""Language models that are told a field of each text: trained, scored and asked for a value."""

import json

import pytest

import inkloom
from inkloom.cli.main import run as command
from inkloom.errors import InputError
from inkloom.tokenizers import ControlledTokenizer

SIZES = {
    "gru": ("model.hidden_size=16", "model.embedding_size=8", "model.dropout=0", "training.learning_rate=2e-2"),
    "transformer": ("model.width=16", "model.heads=2", "model.layers=1"),
    "ngram": ("model.order=5",),
}


@pytest.fixture(scope="session")
def voices(tmp_path_factory):
    """Two classes of texts that have no letter in common but their first."""
    folder = tmp_path_factory.mktemp("voices")
    for label, letters in (("low", "oua"), ("high", "ieé")):
        words = [f"m{one}m{two}m{three}" for one in letters for two in letters for three in letters]
        (folder / f"{label}.txt").write_text("".join(f"{word}\n" for word in words * 2), encoding="utf-8")
    return folder


def trained(voices, folder, model, tokenizer="char"):
    options = {} if model == "ngram" else {"steps": 80, "batch_size": 8, "seq_len": 16}
    return inkloom.train(
        voices,
        control="label",
        model=model,
        tokenizer=tokenizer,
        out=folder,
        split="80,20",
        overrides=SIZES[model],
        **options,
    )


@pytest.fixture(scope="session")
def controlled(voices, tmp_path_factory):
    return trained(voices, tmp_path_factory.mktemp("runs") / "voices", "gru")


@pytest.mark.parametrize("model", SIZES)
def test_a_model_writes_what_it_is_asked_for(controlled, voices, tmp_path, model):
    run = controlled if model == "gru" else trained(voices, tmp_path / "out", model)
    for value, others in (("low", "ieé"), ("high", "oua")):
        samples = run.generate(control=value, num_samples=8, seed=1, max_tokens=12)
        strange = sum(letter in others for sample in samples for letter in sample.text)
        assert strange <= 2
        assert all("⟨" not in sample.text for sample in samples)


def test_words_are_controlled_as_well(tmp_path):
    file = tmp_path / "my.csv"
    rows = ("the cat sat on the mat,cats", "a dog ran in the park,dogs")
    file.write_text("text,about\n" + "".join(f"{row}\n" for row in rows) * 30, encoding="utf-8")
    run = inkloom.train(file, control="about", model="ngram", tokenizer="word", out=tmp_path / "out")
    texts = {value: run.generate(control=value, seed=0)[0].text for value in ("cats", "dogs")}
    assert texts == {"cats": "the cat sat on the mat", "dogs": "a dog ran in the park"}


def test_without_a_control_the_model_chooses_one(controlled):
    texts = [sample.text for sample in controlled.generate(num_samples=12, seed=3, max_tokens=12)]
    assert {bool(set(text) & set("oua")) for text in texts} == {True, False}


def test_a_score_is_per_character_of_the_text(controlled):
    test = controlled.summary()["val"]
    assert test["chars"] == test["tokens"] == 22 * 7  # six letters and a line's end each
    assert test["nats_per_char"] == pytest.approx(test["nats_per_token"])
    assert test["nats_per_char"] < 0.8  # log 3 for every second character would be 0.47


def test_a_prompt_goes_on_under_a_control(controlled):
    (sample,) = controlled.generate("mo", control="low", greedy=True, max_tokens=8)
    assert set(sample.text) <= set("moua")
    assert "".join(controlled.stream("mo", control="low", greedy=True, max_tokens=8)) == sample.text
    with pytest.raises(InputError, match=r"trained with --control label, so a prompt needs one.*Known: high, low\."):
        controlled.generate("mo")


def test_unknown_values_and_runs_without_controls_are_told(controlled, finished_run, capsys):
    folder = str(controlled.directory.path)
    assert command(["generate", folder, "--control", "lower"]) == 2
    assert "'lower' is no label of this run. Did you mean low? Known: high, low." in capsys.readouterr().err
    assert command(["generate", str(finished_run), "--control", "low"]) == 2
    assert "was trained without. Train with --control FIELD" in capsys.readouterr().err
    assert command(["generate", folder, "--control", "low", "--seed", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["samples"][0]["text"].startswith("m")


@pytest.mark.parametrize("verb", ["serve", "explain"])
def test_verbs_without_controls_refuse_runs_with_them(controlled, verb, capsys):
    assert command([verb, str(controlled.directory.path)]) == 2
    assert f"inkloom {verb} has no --control" in capsys.readouterr().err


def test_the_tokenizer_of_the_run_has_the_values(controlled):
    assert isinstance(controlled.tokenizer, ControlledTokenizer)
    assert (controlled.tokenizer.field, controlled.tokenizer.values) == ("label", ("high", "low"))


def test_a_run_that_knows_no_controls_is_no_start_for_one_that_does(finished_run, voices, tmp_path):
    with pytest.raises(InputError, match=r"^--control cannot be used with .*, which was trained without"):
        inkloom.train(voices, control="label", init=str(finished_run), out=tmp_path / "out", steps=1)


def test_other_texts_need_the_field(controlled, text_file, voices):
    assert controlled.evaluate(corpus=str(voices)).chars == 54 * 2 * 7
    with pytest.raises(InputError, match=r"has no labels"):
        controlled.evaluate(corpus=str(text_file))
