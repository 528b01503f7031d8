"""`inkloom caption`: what images show, in words, by a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkloom.cli.options import Json, RunName
from inkloom.cli.terminal import messages, print_json, results, say_error
from inkloom.errors import InputError

if TYPE_CHECKING:
    from inkloom.runs.captioning import Captioned

CHOICE = "How tokens are chosen"


def caption(
    run: RunName,
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE…", help="JPEG, PNG, WebP, GIF or BMP files, or folders.")
    ],
    num_samples: Annotated[int | None, typer.Option(help="Draw so many captions of each image (1).")] = None,
    beam: Annotated[
        int | None, typer.Option(rich_help_panel=CHOICE, help="Search with so many candidates side by side (1).")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(rich_help_panel=CHOICE, help="Draw: below 1 safer, above 1 wilder.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The most tokens to write (64).")] = None,
    seed: Annotated[int | None, typer.Option(rich_help_panel=CHOICE, help="Of what is drawn (0).")] = None,
    json: Json = False,
) -> None:
    """Say what images show, with a run of --model captioner.

    Of a folder, all images below it are taken. An image that cannot be read is reported and left out; the others get
    their captions, and the exit code is 2.

    Examples:

    inkloom caption scenes-captioner picture.png

    inkloom caption my-captioner holidays/ --beam 4 --json
    """
    from inkloom import api
    from inkloom.data.progress import progress
    from inkloom.runs.captioning import CaptionerRun

    files = _files(images)
    opened = api.load_run_for(run, "caption", CaptionerRun)
    given: dict[str, Any] = {
        "num_samples": num_samples,
        "beam": beam,
        "temperature": temperature,
        "max_tokens": max_tokens,
        "seed": seed,
    }
    settings = {name: value for name, value in given.items() if value is not None}
    with progress(messages(), "Captioning", len(files), "images") as advance:
        found = opened.caption(files, advance, **settings)
    broken = [one for one in found if one.error is not None]
    for one in broken:
        say_error(str(one.error))
    if json:
        print_json({"images": [one.as_json() for one in found]})
    else:
        _print(found, named=len(files) > 1)
    if broken:
        raise typer.Exit(InputError.exit_code)


def _files(images: Sequence[str]) -> list[Path]:
    """The files that were named, and the images below the folders that were. InputError for a folder without any."""
    from inkloom.data.images import ENDINGS

    files: list[Path] = []
    for image in images:
        path = Path(image).expanduser()
        if not path.is_dir():
            files.append(path)
            continue
        below = sorted(entry for entry in path.rglob("*") if entry.suffix.lower() in ENDINGS and entry.is_file())
        if not below:
            raise InputError(f"The folder {image} holds no image: no file that ends in {', '.join(ENDINGS)}.")
        files += below
    return files


def _print(found: "Sequence[Captioned]", *, named: bool) -> None:
    """A line for each caption, behind its image's path where there are several images."""
    for one in found:
        for caption in one.captions:
            line = f"{one.path}: {caption.text}" if named else caption.text
            results().print(line, markup=False, soft_wrap=True)
