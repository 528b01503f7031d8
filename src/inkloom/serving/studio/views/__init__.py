"""The views into a model, one a file: what the page shows of each, and for which models."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from inkloom.explain import views_of
from inkloom.models.base import LanguageModel
from inkloom.serving.studio.views.attention import attention_view
from inkloom.serving.studio.views.copies import copies_view
from inkloom.serving.studio.views.evidence import evidence_view
from inkloom.serving.studio.views.layers import layers_view
from inkloom.serving.studio.views.mixture import mixture_view
from inkloom.serving.studio.views.next_token import next_token_view
from inkloom.serving.studio.views.stage import Stage
from inkloom.serving.studio.views.surprise import surprise_view
from inkloom.serving.studio.views.units import units_view


class View(NamedTuple):
    """One way to look inside."""

    title: str
    show: Callable[[Stage], Awaitable[None]]
    shown_of: str | None
    """The view of `inkloom.explain` that a model must have; None where any model will do."""


VIEWS = {
    "surprise": View("Surprise", surprise_view, "surprisal"),
    "next": View("Next token", next_token_view, "next"),
    "units": View("Gates and units", units_view, "units"),
    "attention": View("Attention", attention_view, "attention"),
    "layers": View("Layers", layers_view, "lens"),
    "evidence": View("Evidence", evidence_view, "evidence"),
    "mixture": View("Mixture", mixture_view, "mixture"),
    "copies": View("Copies", copies_view, None),
}


def offered(model: LanguageModel) -> dict[str, View]:
    """The views that make sense for a model."""
    own = views_of(model)
    return {name: view for name, view in VIEWS.items() if view.shown_of is None or view.shown_of in own}


__all__ = ["VIEWS", "Stage", "View", "offered"]
