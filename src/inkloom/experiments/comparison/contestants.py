"""Who can be compared: the families that continue texts, and a text GAN, which may be trained in several ways.

A GAN has no likelihood, so where one is compared, all are writers of sentences and these are judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inkloom.models import FAMILIES
from inkloom.recipes.captions_gan import RECIPE as CAPTIONS
from inkloom.registry import Registry
from inkloom.training.fitters import fitted_in_one_go

if TYPE_CHECKING:
    from inkloom.models.base import LanguageModel

GAN = "gan"

LIKELIHOOD = "gan_by_likelihood"
"""What a critic has to beat."""


@dataclass(frozen=True)
class Way:
    """A way to train a family that makes a contestant of its own."""

    family: str
    model: Mapping[str, Any]
    """What makes it: nothing changes that."""

    training: Mapping[str, Any]
    """What it is trained well with, whatever holds for the family."""


WAYS = {
    # Settings for a critic, such as a first beta of 0, would make it a weak opponent.
    LIKELIHOOD: Way(
        GAN,
        {"objective": "likelihood", "pretraining": 0.0},
        {
            name: CAPTIONS["training"][name]
            for name in ("learning_rate", "schedule", "warm_up", "beta1", "beta2", "clip")
        },
    ),
    "gan_from_scratch": Way(
        GAN,
        {"pretraining": 0.0, "likelihood_weight": 0.0},
        {"learning_rate": 3e-4, "schedule": "constant", "beta1": 0.0, "beta2": 0.9},
    ),
}
"""By the name that a user types."""

CONTESTANTS: "Registry[type[LanguageModel]]" = Registry(
    "model",
    {
        **{name: family.target for name, family in FAMILIES.items()},
        **{name: FAMILIES[way.family].target for name, way in WAYS.items()},
    },
)


def family_of(name: str) -> str:
    """The family of a contestant."""
    return WAYS[name].family if name in WAYS else name


def label_of(name: str) -> str:
    """A contestant's name for the reader."""
    return name.replace("_", " ") if name in WAYS else name


def is_counted(model: str) -> bool:
    """Whether a family is estimated by counting: in one pass, without windows and without random numbers."""
    return FAMILIES[model].objective == "kneser_ney"


def is_mixture(model: str) -> bool:
    """Whether a family is made of others, which are trained inside its own time."""
    return FAMILIES[model].objective == "mixing"


def has_window(model: str) -> bool:
    """Whether a family is trained on windows of a length that is its own to choose."""
    return not fitted_in_one_go(model)
