"""The section on the next token: what may come, under several settings side by side."""

from collections.abc import Mapping
from typing import Any

from inkloom.explain.next_token import NextToken
from inkloom.explain.page.pieces import Row, Section
from inkloom.explain.tokens import visible
from inkloom.pages.page import count, percent

WAYS: Mapping[str, Mapping[str, Any]] = {
    "temperature 0.7": {"temperature": 0.7},
    "top-k 10": {"top_k": 10},
    "top-p 0.9": {"top_p": 0.9},
    "min-p 0.1": {"min_p": 0.1},
}
"""Settings of generation that are shown beside the model's own distribution."""

SHOWN = 12
"""Tokens; the picture has all that were asked for."""


def section(shown: NextToken) -> Section:
    K = min(SHOWN, len(shown.top_texts))
    ways = {name: shown.under(shown.settings.replace(**fields)) for name, fields in WAYS.items()}
    columns = [[_drawn(prob) for prob in way.drawn_V[:K].tolist()] for way in ways.values()]
    own = shown.probs_V[:K].tolist()
    rows = [
        (Row(visible(text), percent(prob), prob / own[0]), cells)
        for text, prob, *cells in zip(shown.top_texts[:K], own, *columns, strict=True)
    ]
    remarks = [
        "Each column is what the sampler of inkloom generate would draw from under one setting; a dash is a token that "
        "the setting drops."
    ]
    kept = [count(shown.kept), *(count(way.kept) for way in ways.values())]
    return Section("next", "What comes next", remarks, {"ways": list(ways), "rows": rows, "kept": kept})


def _drawn(prob: float) -> str:
    return percent(prob) if prob else "–"
