"""Whose setting an override is: what `-o` and a recipe say about each contestant of a comparison."""

from collections.abc import Iterable, Mapping
from typing import Any

from inkloom.config import parse_overrides
from inkloom.errors import InputError, unknown_name
from inkloom.experiments.comparison.contestants import GAN, LIKELIHOOD, WAYS, family_of
from inkloom.experiments.comparison.request import Request
from inkloom.experiments.comparison.sizes import size_fields
from inkloom.models import FAMILIES, MODELS
from inkloom.recipes import Recipe, load_recipe
from inkloom.tokenizers import TOKENIZERS
from inkloom.training.config import TrainingConfig
from inkloom.training.plan import SECTIONS

LENGTHS = ("budget", "steps", "epochs")
"""Fields of a training that a comparison sets itself."""

OF_A_WAY = TrainingConfig.model_fields.keys() - {"seq_len"}
"""What may differ between ways to train one model; the length of the sentences of a GAN is its model's."""


def overrides_of(contestant: str, tokenizer: str | None, request: Request) -> dict[str, dict[str, Any]]:
    """What the overrides say about one contestant of a checked request, or a mixture's part, in the sections of a run.

    `model.FIELD` is for every family that has the field, `NAME.FIELD` for one family: a field of its config or of its
    training. A way to train a family has the config of that, and settings of its own for its training, which only
    `training.FIELD` and its own `NAME.FIELD` change. `tokenizer.FIELD` is for the named tokenizers that have the field.
    Raises InputError for fields that are not known, or that the comparison sets itself.
    """
    model, way = family_of(contestant), WAYS.get(contestant)
    own, known = _fields(model), {field for each in request.models for field in _fields(each)}
    found: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    found["training"].update(way.training if way else {})
    sections = dict.fromkeys((*SECTIONS, *map(family_of, request.models), *request.models, *request.tokenizers))
    for section, fields in parse_overrides(request.overrides, sections).items():
        for name, value in fields.items():
            dotted = f"{section}.{name}"
            if section == "model":
                _check_field(dotted, name, known)
                if name in own:
                    _check_size(dotted, name, model, request)
                    found["model"][name] = value
            elif section == "training":
                _check_training(dotted, name, request)
                found["training"][name] = value
            elif section == model:
                _check_field(dotted, name, {*own, *TrainingConfig.model_fields})
                if name in own:
                    _check_size(dotted, name, model, request)
                    found["model"][name] = value
                else:
                    _check_training(dotted, name, request)
                    if way is None or name not in way.training:
                        found["training"][name] = value
            elif section == contestant:
                _check_field(dotted, name, OF_A_WAY)
                _check_training(dotted, name, request)
                found["training"][name] = value
            elif tokenizer is not None and section in ("tokenizer", *request.tokenizers):
                of_all = {each: TOKENIZERS.load(each).Config.model_fields for each in request.tokenizers}
                asked = of_all if section == "tokenizer" else {section: of_all[section]}
                _check_field(dotted, name, {field for of_one in asked.values() for field in of_one})
                if name in asked.get(tokenizer, {}):
                    found["tokenizer"][name] = value
            elif section in SECTIONS:
                found[section][name] = value
    found["model"].update(way.model if way else {})
    _check_critic(contestant, found["model"])
    return found


def recipe_for(contestant: str, request: Request) -> Recipe:
    """What the recipe says about one contestant: its tokenizer and split hold for all, its model and its training for
    the family that it names. Its length does not: a comparison has one of its own.

    Writers of sentences have the tokenizer of a GAN where the recipe has none.
    """
    recipe = load_recipe(request.recipe) if request.recipe else {}
    tokenizer = {"tokenizer": {"name": FAMILIES[GAN].tokenizer}} if request.writes_sentences else {}
    shared = {section: recipe[section] for section in ("tokenizer", "split") if section in recipe}
    if not recipe or recipe["model"]["name"] != family_of(contestant):
        return {**tokenizer, **shared}
    training = {name: value for name, value in recipe.get("training", {}).items() if name not in LENGTHS}
    return {**tokenizer, **shared, "model": recipe["model"], "training": training}


def as_items(overrides: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Overrides as the user writes them after `-o`."""
    return [
        f"{section}.{name}={'none' if value is None else value}"
        for section, fields in overrides.items()
        for name, value in fields.items()
    ]


def _fields(contestant: str) -> Iterable[str]:
    return MODELS.load(family_of(contestant)).Config.model_fields


def _check_field(dotted: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise unknown_name(f"field of {dotted.partition('.')[0]}", name, known)


def _check_size(dotted: str, name: str, model: str, request: Request) -> None:
    if request.parameters is not None and name in size_fields(model):
        raise InputError(f"-o {dotted} cannot be given beside --parameters, which chooses it. Leave one of them out.")


def _check_training(dotted: str, name: str, request: Request) -> None:
    """A comparison sets the length of training itself, and the windows where it sweeps them."""
    if name in LENGTHS:
        raise InputError(f"-o {dotted} is a length of its own. Give --budget, --tokens or --epochs, for all models.")
    if name == "seq_len" and request.seq_lens:
        raise InputError(f"-o {dotted} cannot be given beside --seq-lens. Leave one of them out.")


def _check_critic(contestant: str, model: Mapping[str, Any]) -> None:
    if family_of(contestant) == GAN and contestant != LIKELIHOOD and model.get("objective") == "likelihood":
        raise InputError(
            "-o gan.objective=likelihood leaves gan without a critic. Drop it: the same generator by likelihood is "
            "compared in any case."
        )
