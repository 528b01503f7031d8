"""Every recipe is accepted by what it configures, and changes something."""

import pytest

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
    build(CorpusConfig, recipe["corpus"], "corpus")


@pytest.mark.parametrize("name", list(RECIPES))
def test_a_recipe_holds_only_differences(name):
    recipe = load_recipe(name)
    family = MODELS.load(recipe["model"]["name"])
    defaults = {**TrainingConfig().model_dump(), **family.training_defaults}
    for field, value in recipe.get("training", {}).items():
        assert defaults[field] != value, field
    for field, value in fields(recipe["model"]).items():
        assert family.Config.model_fields[field].default != value, field
