"""Every recipe is accepted by what it configures, and changes something."""

import pytest

import inkloom
from inkloom.config import build
from inkloom.corpus.base import CorpusConfig
from inkloom.models import MODELS
from inkloom.recipes import RECIPES, load_recipe
from inkloom.runs.directory import SplitConfig
from inkloom.tokenizers import TOKENIZERS
from inkloom.training.config import TrainingConfig


def fields(section):
    return {name: value for name, value in section.items() if name != "name"}


@pytest.mark.parametrize("name", list(RECIPES))
def test_a_recipe_is_accepted(name):
    recipe = load_recipe(name)
    assert set(recipe) <= {"corpus", "model", "tokenizer", "training", "split"}
    model = recipe.get("model", {"name": "lstm"})
    build(MODELS.load(model["name"]).Config, fields(model), "model")
    tokenizer = recipe.get("tokenizer", {"name": "char"})
    build(TOKENIZERS.load(tokenizer["name"]).Config, fields(tokenizer), "tokenizer")
    build(TrainingConfig, recipe.get("training", {}), "training")
    build(SplitConfig, recipe.get("split", {}), "split")
    if "corpus" in recipe:
        build(CorpusConfig, {"sources": ("my.txt",), **recipe["corpus"]}, "corpus")  # or how one's own is read


@pytest.mark.parametrize("name", list(RECIPES))
def test_a_recipe_holds_only_differences(name):
    recipe = load_recipe(name)
    family = MODELS.load(recipe["model"]["name"])
    defaults = {**TrainingConfig().model_dump(), **family.training_defaults}
    for field, value in recipe.get("training", {}).items():
        assert defaults[field] != value, field
    for field, value in fields(recipe["model"]).items():
        assert family.Config.model_fields[field].default != value, field


@pytest.mark.parametrize(
    ("name", "length"),
    [
        ("wikitext2_lstm", {"steps": 2, "overrides": ["model.hidden_size=16"]}),
        ("wikitext2_lstm_regularised", {"steps": 2, "overrides": ["model.hidden_size=16"]}),
        ("wikitext2_small", {"budget": 3}),
    ],
)
def test_a_recipe_for_words_runs_on_a_small_text_of_ones_own(name, length, tmp_path, real_text):
    """WikiText's form: words between spaces. All that is asked is that the whole command comes to its end."""
    for part, first, last in (("train", 0, 6000), ("val", 6000, 7000), ("test", 7000, 8000)):
        (tmp_path / f"{part}.txt").write_text(real_text[first:last], encoding="utf-8")
    run = inkloom.train(tmp_path, recipe=name, out=tmp_path / "run", **length)
    assert run.config.recipe == name
    assert run.config.tokenizer["name"] == "word"
    assert run.summary()["test"]["perplexity"] > 1
    (sample,) = run.generate(max_tokens=5, seed=1)
    assert sample.text
