"""What every way of training ends with."""

from typing import NamedTuple

from inkloom.models.base import LanguageModel


class Trained(NamedTuple):
    """A model with its best weights, which are also in the run's model.safetensors, and what it took."""

    model: LanguageModel
    steps: int
    tokens_seen: int
    seconds: float
