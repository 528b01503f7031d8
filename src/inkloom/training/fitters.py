"""How families without gradients are fitted: from the encoded splits to a model, in one call."""

import itertools
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from inkloom.data import EncodedPart
from inkloom.evaluation.likelihood import mean_nats
from inkloom.models import FAMILIES
from inkloom.models.arpa import arpa_words, read_arpa
from inkloom.models.base import LanguageModel
from inkloom.models.kneser_ney import Counts, count_ngrams, estimate
from inkloom.models.ngram import NGram
from inkloom.registry import Registry
from inkloom.training.callbacks.validation import scored_while_training

if TYPE_CHECKING:
    from inkloom.training.job import Job

log = logging.getLogger("inkloom")

LEAST_GAIN = 1e-3
"""Nats per token on val that a longer n-gram must gain for `order=auto` to take it; less is not worth its tables."""

MOST_NGRAMS = 50_000_000
"""In the tables where `order=auto` stops to try longer ones: they take about 1 GB, and their estimation 3."""

Report: TypeAlias = Callable[[str, float], None]
"""Hears of every model that was tried: what it is, and its score of val in nats per token."""


class Fitted(NamedTuple):
    """What a fitter gives back."""

    model: LanguageModel
    """Its config rebuilds it."""

    val_loss: float
    """Nats per token."""

    tokens_seen: int


class Fitter(Protocol):
    """Fits a family without gradients."""

    def __call__(self, model: LanguageModel, job: "Job", report: Report) -> Fitted:
        """Fit to `job.encoded`: nothing of val goes into the model but choices that its config then names.

        model: as `build_model` made it, for its config and its vocabulary.
        """
        ...


def fit_kneser_ney(model: LanguageModel, job: "Job", report: Report) -> Fitted:
    """Count train and estimate, or read an ARPA file.

    With `order=auto`, one order after the other is estimated until val gains no more.

    A longer order costs about as much as the one before it; where the budget has no room for that, it is not tried.
    """
    assert isinstance(model, NGram)
    train, clock = job.encoded["train"], job.clock
    val = scored_while_training(job.encoded["val"])
    if model.config.arpa is not None:
        imported = read_arpa(Path(model.config.arpa), arpa_words(job.tokenizer))
        imported.config = imported.config.replace(arpa=model.config.arpa)
        nats_per_token = mean_nats(imported, val)
        report(f"{model.config.arpa}, order {imported.order}", nats_per_token)
        return Fitted(imported, nats_per_token, 0)
    lengths = count_ngrams(train.ids, model.vocab_size, job.tokenizer.end_id)
    started = clock.seconds
    counts = list(itertools.islice(lengths, 1 if model.config.order == "auto" else model.config.order))
    best, best_nats = _tried(counts, model.vocab_size, val, report)
    if model.config.order != "auto":
        return Fitted(best, best_nats, train.tokens)
    while _has_room(best, job.settings.budget, clock.seconds, started):
        started = clock.seconds
        counts.append(next(lengths))
        longer, nats = _tried(counts, model.vocab_size, val, report)
        if nats > best_nats - LEAST_GAIN:
            break
        best, best_nats = longer, nats
    return Fitted(best, best_nats, train.tokens)


def _tried(counts: Sequence[Counts], vocab_size: int, val: EncodedPart, report: Report) -> tuple[NGram, float]:
    """The model of these counts, and its score of val."""
    model = estimate(counts, vocab_size)
    nats_per_token = mean_nats(model, val)
    report(f"order {model.order}", nats_per_token)
    return model, nats_per_token


def _has_room(model: NGram, budget: float | None, now: float, started: float) -> bool:
    """Whether a longer order may be tried: it takes about as long as the last one, which began at `started`."""
    if sum(model.sizes) > MOST_NGRAMS:
        log.info(f"Order {model.order} has {sum(model.sizes):,} n-grams; order=auto tries none above it.")
        return False
    if budget is not None and 2 * now - started > budget:
        log.info(f"The budget leaves no time to try an order above {model.order}.")
        return False
    return True


FITTERS: Registry[Fitter] = Registry(
    "fitter",
    {
        "kneser_ney": "inkloom.training.fitters:fit_kneser_ney",
        "mixing": "inkloom.training.mixing:fit_mixture",
    },
)


def fitted_in_one_go(family: str) -> bool:
    """Whether a family has a fitter; the others are trained by gradients. A name that is no family's has none."""
    return family in FAMILIES and FAMILIES[family].objective in FITTERS


def fitter_of(family: str) -> Fitter:
    """The fitter of a family that is fitted in one go."""
    return FITTERS.load(FAMILIES[family].objective)
