"""`inkloom export`: a run's model in the format of other programs."""

from pathlib import Path
from typing import Annotated

import typer

from inkloom.cli.options import Json, RunName
from inkloom.cli.terminal import print_json, results
from inkloom.errors import InputError


def export(
    run: RunName,
    to: Annotated[str, typer.Option("--to", metavar="FILE", help="What to write: FILE.arpa, of an n-gram model.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    json: Json = False,
) -> None:
    """Write an n-gram model as an ARPA file, which KenLM, SRILM and others read.

    The way back: inkloom train CORPUS --model ngram -o model.arpa=FILE.arpa
    """
    path = Path(to)
    if path.suffix.lower() != ".arpa":
        raise InputError(f"--to got {to}; it takes a file that ends in .arpa, such as --to model.arpa.")
    if path.exists() and not overwrite:
        raise InputError(f"{to} is there already. Give another --to, or --overwrite.")
    from inkloom import api
    from inkloom.models.arpa import arpa_words, write_arpa
    from inkloom.models.ngram import NGram

    opened = api.load_run(run)
    if not isinstance(opened.model, NGram):
        family = opened.config.model["name"]
        raise InputError(f"{opened.name} is a model of the family {family}; only ngram has an ARPA form.")
    write_arpa(opened.model, arpa_words(opened.tokenizer), path)
    if json:
        print_json({"run": str(opened.directory.path), "file": to, "bytes": path.stat().st_size})
    else:
        results().print(f"Wrote {to}, {path.stat().st_size:,} bytes.", markup=False, soft_wrap=True)
