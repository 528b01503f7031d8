"""`inkloom translate`: a line out for each line in."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkloom.cli.options import Json, RunName
from inkloom.cli.terminal import messages, print_json
from inkloom.errors import InputError

if TYPE_CHECKING:
    from inkloom.generation.translating import Translation


def translate(
    run: RunName,
    file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Lines to translate; standard input where none is given.")
    ] = None,
    beam: Annotated[int | None, typer.Option(help="Candidates kept side by side; 1 is greedy (4).")] = None,
    length_penalty: Annotated[
        float | None, typer.Option(help="How much of what a text loses by its length is made up for (1).")
    ] = None,
    n_best: Annotated[
        int | None, typer.Option(help="Translations of each line, with their scores; at most the beam.")
    ] = None,
    json: Json = False,
) -> None:
    """Translate lines with a trained model: exactly one line out for each line in.

    With --n-best, a line has the source's number, the score and the translation, separated by tabs.

    Examples:

    echo "Ein Hund rennt über eine Wiese." | inkloom translate my-translator

    inkloom translate my-translator --file lines.de --beam 8 > lines.en
    """
    import time

    from inkloom import api
    from inkloom.data.progress import progress
    from inkloom.runs.translation import TranslationRun

    opened = api.load_run_for(run, "translate", TranslationRun)
    given = {"beam": beam, "length_penalty": length_penalty, "n_best": n_best}
    settings: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    _ = opened.model  # loaded before the clock starts, and before anybody types lines in vain
    lines = _lines(file)
    started = time.perf_counter()
    with progress(messages(), "Translating", len(lines), "lines") as advance:
        found = opened.translate(lines, advance, **settings)
    seconds = time.perf_counter() - started
    if json:
        print_json({"translations": list(map(_as_json, lines, found)), "seconds": round(seconds, 3)})
    elif n_best is None:
        sys.stdout.writelines(f"{translations[0].text if translations else ''}\n" for translations in found)
    else:
        for number, translations in enumerate(found, start=1):
            sys.stdout.writelines(f"{number}\t{best.score:.4f}\t{best.text}\n" for best in translations)


def _lines(file: str | None) -> list[str]:
    """The lines of a file or of standard input; a last one without a line end counts, too."""
    try:
        data = sys.stdin.buffer.read() if file is None else Path(file).read_bytes()
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        source = "Standard input" if file is None else f"--file {file}"
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InputError(f"{source} cannot be read: {reason}. Give UTF-8 text, a sentence a line.") from error
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return text.removesuffix("\n").split("\n") if text else []


def _as_json(source: str, translations: "Sequence[Translation]") -> dict[str, Any]:
    return {
        "source": source,
        "translations": [
            {"text": found.text, "score": found.score, "logprob": found.logprob, "tokens": len(found.token_ids)}
            for found in translations
        ],
    }
