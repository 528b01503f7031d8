"""`inkloom explain`: what a run's model does with a text, in the terminal, as a page and as pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkloom.cli.options import Json, PromptFile, RunName, prompt_text
from inkloom.cli.terminal import print_json
from inkloom.errors import InputError

if TYPE_CHECKING:
    from inkloom.explain.page import Explanation
    from inkloom.runs.run import Run

MOST_TOKENS = 2000
"""Of a text on a page; the functions of `inkloom.explain` take any number."""

FOLDER = "explain"
"""In the run's folder, for what is written without --out."""

WHICH = "What is looked at"


def explain(
    run: RunName,
    prompt: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="The text to look at; - reads standard input. Held-out text where none is given."
        ),
    ] = "",
    prompt_file: PromptFile = None,
    views: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            rich_help_panel=WHICH,
            help="Only these views. Of every model: surprisal, next; of recurrent networks: units; of Transformers: "
            "attention, lens; of n-grams: evidence; of mixtures: mixture. All of the model's where none is given.",
        ),
    ] = None,
    layer: Annotated[
        int | None, typer.Option(rich_help_panel=WHICH, help="The layer of the units or of the head; from 1 on.")
    ] = None,
    head: Annotated[int | None, typer.Option(rich_help_panel=WHICH, help="The attention head to show large.")] = None,
    units: Annotated[
        str | None, typer.Option(metavar="5,17", rich_help_panel=WHICH, help="These units of a recurrent layer.")
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, rich_help_panel=WHICH, help="How many alternatives, and how many units.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="The folder of page and pictures; RUN/explain otherwise.")
    ] = None,
    json: Json = False,
) -> None:
    """Look inside a model while it reads a text: what surprised it, and why it expected what it did.

    Examples:

    inkloom explain my-lstm --prompt "To be, or not to be"

    inkloom explain my-transformer --prompt-file scene.txt --views attention --layer 2 --head 3
    """
    from inkloom import api

    folder = _folder(out) if out is not None else None
    explanation = _look(
        api.load_language_model(run, "explain"),
        prompt_text(prompt, prompt_file),
        views.split(",") if views is not None else None,
        {"layer": layer, "head": head, "units": _numbers(units), "top": top},
    )
    paths = [] if json and folder is None else _write(explanation, folder)
    if json:
        shown = {name: result.as_json() for name, result in explanation.results.items()}
        print_json({"run": explanation.run.name, "views": shown, "files": [str(path) for path in paths]})
        return
    from inkloom.cli.inside import print_explanation

    print_explanation(explanation, paths)


OPTIONS: Mapping[str, tuple[str, ...]] = {
    "layer": ("units", "attention", "training_attention"),
    "head": ("attention", "training_attention"),
    "units": ("units",),
    "top": ("surprisal", "next", "units", "lens", "evidence"),
}
"""The views that each option is about."""


def _look(run: "Run", prompt: str, views: Sequence[str] | None, chosen: Mapping[str, Any]) -> "Explanation":
    """Look at the prompt, or at held-out text. InputError where options, views and model do not fit each other."""
    from inkloom.explain import explain as look
    from inkloom.explain.page import Explanation
    from inkloom.explain.passage import held_out_passage
    from inkloom.explain.tokens import tokens_of
    from inkloom.explain.views import check_views, views_of

    names = views_of(run.model) if views is None else check_views(run.model, views)
    _check_options(chosen, names)
    tokens = tokens_of(run.tokenizer, prompt or held_out_passage(run))
    if len(tokens) > MOST_TOKENS:
        raise InputError(
            f"The text has {len(tokens):,} tokens; a page shows at most {MOST_TOKENS:,}. Give a shorter one, "
            "or take the functions of inkloom.explain."
        )
    layer, head = _index(chosen["layer"]), _index(chosen["head"])
    top = {name: {"top": chosen["top"]} for name in OPTIONS["top"] if chosen["top"] is not None}
    units = [number - 1 for number in chosen["units"] or ()]
    results = look(
        run, tokens.ids, names, **{**top, "units": {**top.get("units", {}), "layer": layer, "chosen": units}}
    )
    explanation = Explanation(run, tokens, "the prompt" if prompt else "held-out text", results, layer, head)
    explanation.check_head()
    return explanation


def _folder(out: str) -> Path:
    """The folder of --out. InputError where it cannot be one."""
    folder = Path(out)
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise InputError(f"{existing} is a file. Give --out a folder.")
    return folder


def _check_options(chosen: Mapping[str, Any], views: Sequence[str]) -> None:
    for option, value in chosen.items():
        if value is not None and not set(OPTIONS[option]) & set(views):
            raise InputError(
                f"--{option} is for views such as {OPTIONS[option][0]}, but those here are {', '.join(views)}. "
                "Leave it out."
            )


def _write(explanation: "Explanation", folder: Path | None) -> list[Path]:
    """The page and the pictures, in a folder of the run where none is given; their paths, that of the page first."""
    from inkloom.explain.page import write_page, write_pictures

    folder = explanation.run.directory.path / FOLDER if folder is None else folder
    return [write_page(explanation, folder), *write_pictures(explanation, folder)]


def _index(number: int | None) -> int | None:
    return None if number is None else number - 1


def _numbers(units: str | None) -> list[int] | None:
    if units is None:
        return None
    try:
        return [int(number) for number in units.split(",")]
    except ValueError as error:
        raise InputError(f"--units got {units!r}; it takes numbers with commas between them, such as 5,17.") from error
