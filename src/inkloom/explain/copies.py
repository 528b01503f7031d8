"""A model to tamper with, beside the one that others are using."""

import copy
from typing import TypeVar

from inkloom.models.base import LanguageModel

Model = TypeVar("Model", bound=LanguageModel)


def sharing_weights(model: Model) -> Model:
    """A copy of a model's modules on the same weights: hooks and modes set on it do not touch the original.

    So a view may watch a model at work while a server generates with it in another thread.
    """
    weights = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    return copy.deepcopy(model, weights)
