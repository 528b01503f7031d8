"""A mixture of runs, and one that trains its own parts."""

import pytest

import inkloom
from inkloom.errors import InputError

SMALL = ["model.hidden_size=16", "model.embedding_size=8"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory, text_file):
    """An LSTM and an n-gram model of the same text, cut alike."""
    folder = tmp_path_factory.mktemp("parts")
    inkloom.train(text_file, model="lstm", steps=60, overrides=SMALL, out=folder / "lstm")
    inkloom.train(text_file, model="ngram", overrides=["model.order=3"], out=folder / "ngram")
    return [str(folder / "lstm"), str(folder / "ngram")]


def scores(run, split):
    return inkloom.load_run(run).summary()[split]["bits_per_char"]


@pytest.mark.parametrize("gate", ["common", "token"])
def test_a_mixture_of_runs_is_no_worse_than_its_best_part(tmp_path, runs, gate):
    mixture = inkloom.train(of=runs, overrides=[f"model.gate={gate}"], out=tmp_path / "run")
    # The weights are the likeliest on val; test is another 2,000 characters, and theirs are likeliest by luck alone.
    for split, slack in (("val", 1e-6), ("test", 0.02)):
        assert mixture.summary()[split]["bits_per_char"] <= min(scores(run, split) for run in runs) + slack


def test_a_mixture_is_a_run_like_any_other(tmp_path, runs):
    mixture = inkloom.train(of=runs, out=tmp_path / "run")
    opened = inkloom.load_run(tmp_path / "run")
    assert opened.evaluate("val").as_json() == mixture.summary()["val"]
    (sample,) = opened.generate("The ", max_tokens=20, seed=1)
    assert len(sample.text) == 20
    assert mixture.summary()["parameters"] == sum(inkloom.load_run(run).summary()["parameters"] for run in runs)


def test_fixed_weights_are_taken_as_they_are(tmp_path, runs):
    mixture = inkloom.train(of=runs, overrides=["model.weights=3,1"], out=tmp_path / "run")
    assert mixture.model.log_weights_GK.exp().tolist() == [pytest.approx([0.75, 0.25])]


def test_a_mixture_trains_its_own_parts(tmp_path, text_file):
    parts = ["model.parts=rnn,ngram"]
    mixture = inkloom.train(text_file, model="mixture", steps=5, overrides=parts, out=tmp_path / "run", seed=1)
    assert [part["name"] for part in mixture.config.model["parts"]] == ["rnn", "ngram"]
    assert {path.name for path in (tmp_path / "run" / "parts").iterdir()} == {"1-rnn", "2-ngram"}
    assert mixture.config.split.held_back == 0  # val is free for the weights where test is reported


def test_a_transformer_can_be_a_part(tmp_path, text_file):
    mixture = inkloom.train(
        text_file, model="mixture", steps=2, overrides=["model.parts=transformer,ngram"], out=tmp_path / "run"
    )
    assert mixture.config.model["parts"][0]["context_length"] == 128
    assert mixture.generate("The ", max_tokens=5, seed=1)[0].tokens == 5


def test_where_val_is_reported_the_weights_are_learned_on_text_held_back_from_train(tmp_path, text_file):
    mixture = inkloom.train(
        text_file, model="mixture", split="90,10", steps=5, overrides=["model.parts=rnn,ngram"], out=tmp_path / "run"
    )
    assert mixture.config.split.held_back > 0
    spans = zip(mixture.parts()["train"].texts[::2], mixture.parts()["held_back"].texts, strict=True)
    # The n-gram model is counted again over both once the weights are known.
    alone = inkloom.train(text_file, model="ngram", split="90,10", out=tmp_path / "alone", overrides=["model.order=2"])
    assert all(kept + held_back in alone.parts()["train"].texts[0] for kept, held_back in spans)
    counted = mixture.model.models[1].counts_G[: mixture.tokenizer.vocab_size]
    assert counted.sum() == alone.model.counts_G[: alone.tokenizer.vocab_size].sum()


def test_runs_without_text_for_the_weights_are_refused_before_anything_is_lost(tmp_path, text_file):
    names = []
    for model in ("rnn", "gru"):
        run = inkloom.train(text_file, model=model, split="90,10", steps=2, overrides=SMALL, out=tmp_path / model)
        names.append(str(run.directory.path))
    with pytest.raises(InputError, match="no text is left to learn weights from"):
        inkloom.train(of=names, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    fixed = inkloom.train(of=names, overrides=["model.weights=1,1"], out=tmp_path / "fixed")
    assert "test" not in fixed.summary()


def test_runs_of_other_texts_or_splits_cannot_be_mixed(tmp_path, text_file, runs):
    other = inkloom.train(text_file, model="rnn", split="80,10,10", steps=2, overrides=SMALL, out=tmp_path / "other")
    with pytest.raises(InputError, match="another"):
        inkloom.train(of=[runs[0], str(other.directory.path)], out=tmp_path / "run")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"of": 1}, "at least two"),
        ({"of": 2, "model": "lstm"}, "--model lstm"),
        ({"of": 2, "split": "90,10"}, "--split"),
        ({"of": 2, "overrides": ["model.parts=rnn,gru"]}, "model.parts"),
    ],
)
def test_what_cannot_go_with_runs_is_refused(tmp_path, runs, arguments, message):
    with pytest.raises(InputError, match=message):
        inkloom.train(**{**arguments, "of": runs[: arguments["of"]]}, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
