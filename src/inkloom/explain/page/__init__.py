"""The page of `inkloom explain`, one HTML file that needs nothing but itself, and its figures as pictures.

No script runs in it. Panels open by style alone, and a text is a group of radio buttons, so that the arrow keys walk
through its tokens and a screen reader says what is in the panels.
"""

import shlex
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from inkloom import __version__
from inkloom.explain.attention import AttentionMaps
from inkloom.explain.page import attention, evidence, lens, mixture, next_token, surprisal, units
from inkloom.explain.page.pieces import Section
from inkloom.explain.pictures import PICTURES
from inkloom.explain.surprisal import Surprisal
from inkloom.explain.tokens import Tokens
from inkloom.explain.views import Result
from inkloom.files import write_bytes, write_text
from inkloom.pages.figures import as_png
from inkloom.pages.page import count, render
from inkloom.runs.run import Run

PAGE = "explain.html"

SECTIONS: Mapping[str, Callable[..., Section]] = {
    "surprisal": surprisal.section,
    "next": next_token.section,
    "units": units.section,
    "attention": partial(attention.section, "attention"),
    "training_attention": partial(attention.section, "training_attention"),
    "lens": lens.section,
    "evidence": evidence.section,
    "mixture": mixture.section,
}


@dataclass(frozen=True)
class Explanation:
    """What some views show of a run's model while it reads one text."""

    run: Run
    tokens: Tokens
    source: str
    """Where the text comes from, such as "the prompt"."""

    results: Mapping[str, Result]
    layer: int | None = None
    """Index of the layer of the attention head that is shown large; the most telling one where none is given."""

    head: int | None = None

    def check_head(self) -> None:
        """InputError where the head is not there."""
        for result in self.results.values():
            if isinstance(result, AttentionMaps):
                result.telling_head(self.layer, self.head)


def write_page(explanation: Explanation, folder: Path) -> Path:
    """Write the page into a folder, whole or not at all, and return its path."""
    run = explanation.run
    shown = explanation.results.get("surprisal")
    page = render(
        "inkloom.explain.page",
        "explain.html.jinja",
        model=run.config.model["name"],
        corpus=run.config.name,
        bits=float(shown.bits_T.mean()) if isinstance(shown, Surprisal) else None,
        characters=all(len(text) == 1 for text in explanation.tokens.texts),
        facts=[("Text", explanation.source), ("Tokens", count(len(explanation.tokens))), ("Run", run.name)],
        sections=[SECTIONS[name](result, **_head(explanation, name)) for name, result in explanation.results.items()],
        commands=_commands(run),
        version=__version__,
    )
    path = folder / PAGE
    write_text(path, page)
    return path


def write_pictures(explanation: Explanation, folder: Path) -> list[Path]:
    """Write every figure of an explanation into a folder as PNG, and return their paths."""
    paths = []
    for name, result in explanation.results.items():
        for stem, plot in PICTURES[name](result, **_head(explanation, name)).items():
            paths.append(folder / f"{stem}.png")
            with warnings.catch_warnings():
                # The fonts that matplotlib brings lack some scripts. Such characters are boxes; the page has them.
                warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
                write_bytes(paths[-1], as_png(plot))
    return paths


def _head(explanation: Explanation, view: str) -> dict[str, Any]:
    """Which head is shown large, for the views that have heads."""
    return {"layer": explanation.layer, "head": explanation.head} if view.endswith("attention") else {}


def _commands(run: Run) -> list[tuple[str, str]]:
    """Command lines, and what each does."""
    name = shlex.quote(str(run.directory.path))
    return [
        (f'inkloom explain {name} --prompt "…"', "the same of another text"),
        (f'inkloom explain {name} --prompt "…" --json', "the same as numbers"),
        (f'inkloom generate {name} --prompt "…"', "goes on writing"),
    ]
