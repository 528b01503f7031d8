"""A trained classifier on disk, opened: it puts texts into classes and is scored."""

import functools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np

from inkloom.config import build
from inkloom.corpus.base import Corpus, Part
from inkloom.data.labelled import LabelledTexts, encode_labelled, encode_texts
from inkloom.errors import InputError
from inkloom.evaluation.classification import ClassificationScores, class_logits, log_softmax, scores_of
from inkloom.models.classifier import Classifier
from inkloom.runs.directory import RunConfig
from inkloom.runs.run import Run, without_name
from inkloom.runs.weights import load_weights
from inkloom.tokenizers import Tokenizer

if TYPE_CHECKING:
    from rich.console import Console

log = logging.getLogger("inkloom")


@dataclass(frozen=True)
class Classified:
    """A text and its likeliest classes with their probabilities, the likeliest first."""

    text: str
    classes: tuple[tuple[str, float], ...]

    @property
    def label(self) -> str:
        """The likeliest class."""
        return self.classes[0][0]

    def as_json(self) -> dict[str, Any]:
        """What `inkloom classify --json` holds of a text."""
        classes = [{"label": label, "probability": probability} for label, probability in self.classes]
        return {"text": self.text, "label": self.label, "classes": classes}


class ClassifierRun(Run):
    """A run whose model puts texts into classes."""

    verb: ClassVar[str] = "classify"
    takes: ClassVar[str] = "runs of --model classifier"

    @functools.cached_property
    def model(self) -> Classifier:  # type: ignore[override]  # who needs a language model asks `load_language_model`
        """The best weights, in float32, in evaluation mode."""
        model = build_classifier(self.config, self.tokenizer)
        load_weights(model, self.directory.weights_file)
        return model.eval()

    def classify(self, texts: Sequence[str], top: int = 1) -> list[Classified]:
        """The `top` likeliest classes of each text, with calibrated probabilities.

        Raises InputError for a text that is blank, and where `top` is less than 1.
        """
        if top < 1:
            raise InputError(f"--top got {top}; it takes a number from 1 on.")
        for number, text in enumerate(texts, start=1):
            if not text.strip():
                raise InputError(f"Text {number:,} of {len(texts):,} is blank, so it has no class. Give a text.")
        if not texts:
            return []
        config = self.model.config
        ids, shortened, unknown = encode_texts(self.tokenizer, texts, config.max_tokens)
        if shortened:
            log.warning(f"{shortened:,} of the texts are longer than {config.max_tokens} tokens; the rest is not read.")
        encoded = LabelledTexts(ids, np.zeros(len(ids), np.int64), shortened, unknown)
        log_probs_NC = log_softmax(class_logits(self.model, encoded) / float(self.model.temperature))
        best_NC = np.argsort(-log_probs_NC, axis=1, kind="stable")[:, :top]
        return [
            Classified(text, tuple((config.labels[place], float(np.exp(log_probs_C[place]))) for place in best_C))
            for text, best_C, log_probs_C in zip(texts, best_NC.tolist(), log_probs_NC, strict=True)
        ]

    def evaluate(  # type: ignore[override]  # other scores than those of a text
        self, split: str | None = None, corpus: str | Corpus | None = None, console: "Console | None" = None
    ) -> ClassificationScores:
        """Score every text of a split once, in float32.

        split: `val` or `test` of the run's own corpus; test where there is one.
        corpus: other texts with labels, all of them or their `split` cut as the run's own was. Texts whose label the
            run does not know are left out, which is announced.
        """
        del console
        part = self._own_part(split) if corpus is None else self._other_part(corpus, split)
        part = self._with_known_labels(part)
        config = self.model.config
        return scores_of(self.model, encode_labelled(self.tokenizer, part, config.labels, config.max_tokens), part.name)

    def generate(self, prompt: str = "", *, control: str | None = None, **settings: Any) -> NoReturn:
        """A classifier writes nothing: raises InputError."""
        raise InputError(f"{self.name} is a classifier, which writes no text. Use `inkloom classify {self.name}`.")

    def stream(self, prompt: str = "", *, control: str | None = None, **settings: Any) -> NoReturn:
        """A classifier writes nothing: raises InputError."""
        self.generate(prompt, control=control, **settings)

    def _with_known_labels(self, part: Part) -> Part:
        labels = self.model.config.labels
        if part.conditions is None:
            raise InputError(f"{part.name} has texts without labels, so there is nothing to score against.")
        known_N = np.isin(np.array(part.conditions), labels)
        if not known_N.any():
            raise InputError(f"No text of {part.name} has a label that {self.name} knows: {', '.join(labels)}.")
        if unknown := int(np.count_nonzero(~known_N)):
            log.warning(f"{part.name}: {unknown:,} texts left out whose label {self.name} does not know.")
            return part.select(np.flatnonzero(known_N))
        return part


def build_classifier(config: RunConfig, tokenizer: Tokenizer) -> Classifier:
    """The classifier that a run's config describes, with fresh weights."""
    return Classifier(build(Classifier.Config, without_name(config.model), "model"), tokenizer.vocab_size)
