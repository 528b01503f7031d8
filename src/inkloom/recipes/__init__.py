"""Named configurations. Each file holds only what it changes from the defaults, with the reason and the source.

A recipe is a mapping of sections: `corpus` (arguments of `load_corpus`), `model`, `tokenizer`, `training` and `split`.
What a user gives on the command line goes before it. One without `corpus`, or whose `corpus` has no `sources`, is for a
text that the user gives.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from inkloom.registry import Registry

Recipe: TypeAlias = Mapping[str, Mapping[str, Any]]

RECIPES: Registry[Recipe] = Registry(
    "recipe",
    {
        "auto": "inkloom.recipes.auto:RECIPE",
        "fast_lstm": "inkloom.recipes.fast:LSTM",
        "fast_transformer": "inkloom.recipes.fast:TRANSFORMER",
        "fast_mixture": "inkloom.recipes.fast:MIXTURE",
        "best": "inkloom.recipes.best:RECIPE",
        "shakespeare_lstm": "inkloom.recipes.shakespeare_lstm:RECIPE",
        "shakespeare_transformer": "inkloom.recipes.shakespeare_transformer:RECIPE",
        "char_lstm_adam": "inkloom.recipes.char_lstm_adam:RECIPE",
        "wikitext2_lstm": "inkloom.recipes.wikitext2_lstm:RECIPE",
        "wikitext2_lstm_regularised": "inkloom.recipes.wikitext2_lstm:REGULARISED",
        "wikitext2_small": "inkloom.recipes.wikitext2_small:RECIPE",
        "multi30k_lstm": "inkloom.recipes.multi30k_lstm:RECIPE",
        "multi30k_transformer": "inkloom.recipes.multi30k_transformer:RECIPE",
        "fortunes_gan": "inkloom.recipes.fortunes_gan:RECIPE",
        "captions_gan": "inkloom.recipes.captions_gan:RECIPE",
        "names_classifier": "inkloom.recipes.names:CLASSIFIER",
        "names_generator": "inkloom.recipes.names:GENERATOR",
        "mask_ablation": "inkloom.recipes.mask_ablation:RECIPE",
        "scenes_captioner": "inkloom.recipes.scenes_captioner:RECIPE",
    },
)


def load_recipe(name: str) -> Recipe:
    """A recipe by name. InputError lists the known ones where it is none."""
    return RECIPES.load(name)


__all__ = ["RECIPES", "Recipe", "load_recipe"]
