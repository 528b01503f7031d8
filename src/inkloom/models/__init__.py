"""LOGITS: model families, one a file, one line each in the table."""

from typing import TYPE_CHECKING, NamedTuple

from inkloom.registry import Registry

if TYPE_CHECKING:
    from inkloom.models.base import LanguageModel


class Family(NamedTuple):
    """Where a family's class stands, and what it is trained for."""

    target: str
    objective: str
    """The objective or fitter in `inkloom.training` that trains it."""

    task: str = "text"
    """What its runs are for, a name of `inkloom.training.tasks`; `text` is to continue a text."""

    reader: str = "text"
    """How its corpora are read, a name of `inkloom.corpus.readers`."""

    tokenizer: str = "char"
    """What it reads where no tokenizer is chosen."""


FAMILIES = {
    "rnn": Family("inkloom.models.rnn:RNN", "language_modelling"),
    "gru": Family("inkloom.models.gru:GRU", "language_modelling"),
    "lstm": Family("inkloom.models.lstm:LSTM", "language_modelling"),
    "gan": Family("inkloom.models.gan:GAN", "adversarial", "gan", tokenizer="word"),
    "ngram": Family("inkloom.models.ngram:NGram", "kneser_ney"),
    "mixture": Family("inkloom.models.mixture:Mixture", "mixing"),
    "transformer": Family("inkloom.models.transformer:Transformer", "language_modelling"),
    "seq2seq": Family("inkloom.models.seq2seq:Seq2Seq", "translation", "translation", "pairs", "bpe"),
    "unmasked": Family("inkloom.models.unmasked:Unmasked", "language_modelling"),
    "captioner": Family(
        "inkloom.models.captioner:Captioner", "captioning", "captioning", reader="captions", tokenizer="word"
    ),
    "classifier": Family("inkloom.models.classifier:Classifier", "classification", "classification", reader="labelled"),
}

LANGUAGE_MODELS = tuple(name for name, family in FAMILIES.items() if family.task == "text")
"""The families that continue a text, each of which can be compared with the others."""

MODELS: "Registry[type[LanguageModel]]" = Registry("model", {name: family.target for name, family in FAMILIES.items()})

__all__ = ["FAMILIES", "LANGUAGE_MODELS", "MODELS", "Family"]
