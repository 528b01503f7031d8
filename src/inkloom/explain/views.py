"""The views into a model: one line each in the table, and the call that gives several of them at once."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

from inkloom.errors import unknown_name
from inkloom.explain.attention import attention, window_of
from inkloom.explain.evidence import evidence
from inkloom.explain.lens import lens
from inkloom.explain.mixing import mixture_weights
from inkloom.explain.next_token import next_token
from inkloom.explain.surprisal import surprisal
from inkloom.explain.tokens import Text
from inkloom.explain.units import units
from inkloom.models.base import LanguageModel, ShowsUnits
from inkloom.models.mixture import Mixture
from inkloom.models.ngram import NGram
from inkloom.models.transformer import Transformer
from inkloom.models.unmasked import Unmasked
from inkloom.runs.run import Run


class Result(Protocol):
    """What a view gives: a frozen dataclass of arrays."""

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON."""
        ...


class View(NamedTuple):
    """One way to look at a model."""

    function: Callable[..., Result]
    """Of a model, its tokenizer, a text and options of its own."""

    models: type
    """The models that it can look at."""

    whole_window: bool = False
    """Whether it looks at a text as one window of a Transformer, which the text must not exceed then."""


VIEWS: Mapping[str, View] = {
    "surprisal": View(surprisal, LanguageModel),
    "next": View(next_token, LanguageModel),
    "units": View(units, ShowsUnits),
    "attention": View(attention, Transformer, whole_window=True),
    "training_attention": View(partial(attention, as_trained=True), Unmasked, whole_window=True),
    "lens": View(lens, Transformer, whole_window=True),
    "evidence": View(evidence, NGram),
    "mixture": View(mixture_weights, Mixture),
}


def views_of(model: LanguageModel) -> tuple[str, ...]:
    """The names of the views into a model."""
    return tuple(name for name, view in VIEWS.items() if isinstance(model, view.models))


def explain(
    run: Run, text: Text, views: Iterable[str] | None = None, **options: Mapping[str, Any]
) -> dict[str, Result]:
    """Look at a run's model while it reads a text: the result of each view by its name.

    views: their names; all that the model has where none are given.
    options: a view's own arguments by its name, such as `units={"layer": 0, "chosen": [17]}`.

    Raises InputError for a view that the model does not have, and for a text that is empty, that the tokenizer does not
    know or that is too long for a view.
    """
    names = views_of(run.model) if views is None else check_views(run.model, views)
    if isinstance(run.model, Transformer) and any(VIEWS[name].whole_window for name in names):
        window_of(run.model, run.tokenizer, text)  # refused before any work, not after some
    return {name: VIEWS[name].function(run.model, run.tokenizer, text, **options.get(name, {})) for name in names}


def check_views(model: LanguageModel, views: Iterable[str]) -> tuple[str, ...]:
    """The names as the table spells them; InputError for one that the model lacks, with those that it has."""
    known = views_of(model)
    names = tuple(view.strip().lower().replace("-", "_") for view in views)
    for name in names:
        if name not in known:
            raise unknown_name(f"view of this model ({type(model).__name__})", name, known)
    return names
