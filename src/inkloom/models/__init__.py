"""LOGITS: model families, one a file, one line each in the table."""

from typing import TYPE_CHECKING, NamedTuple

from inkloom.registry import Registry

if TYPE_CHECKING:
    from inkloom.models.base import LanguageModel


class Family(NamedTuple):
    """Where a family's class stands, and the objective or fitter in `inkloom.training` that trains it."""

    target: str
    objective: str


FAMILIES = {
    "rnn": Family("inkloom.models.rnn:RNN", "language_modelling"),
    "gru": Family("inkloom.models.gru:GRU", "language_modelling"),
    "lstm": Family("inkloom.models.lstm:LSTM", "language_modelling"),
    "ngram": Family("inkloom.models.ngram:NGram", "kneser_ney"),
    "mixture": Family("inkloom.models.mixture:Mixture", "mixing"),
    "transformer": Family("inkloom.models.transformer:Transformer", "language_modelling"),
    "unmasked": Family("inkloom.models.unmasked:Unmasked", "language_modelling"),
}

MODELS: "Registry[type[LanguageModel]]" = Registry("model", {name: family.target for name, family in FAMILIES.items()})

__all__ = ["FAMILIES", "MODELS", "Family"]
