"""`inkloom runs`: what has been trained."""

import sys
from typing import Annotated, Any

import typer
from rich.table import Table

from inkloom.cli.options import Json, RunName
from inkloom.cli.terminal import messages, print_json, results
from inkloom.errors import InputError
from inkloom.runs.directory import RUNS, RunDirectory, find_run, list_runs, remove
from inkloom.runs.facts import facts_of

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(json: Json = False) -> None:
    """The runs below runs/, with their scores."""
    rows = [_row(run) for run in list_runs()]
    if json:
        print_json({"runs": rows})
        return
    if not rows:
        messages().print(f"No runs in {RUNS}/ yet. `inkloom train CORPUS` makes one.")
        return
    table = Table("run", "model", box=None, pad_edge=False, header_style="bold")
    for title in ("parameters", "seconds", "bits/char"):
        table.add_column(title, justify="right")
    table.add_column("state")
    for row in rows:
        table.add_row(
            row["run"],
            row["model"],
            f"{row['parameters']:,}" if row["parameters"] else "",
            f"{row['seconds']:.0f}" if row["seconds"] else "",
            f"{row['bits_per_char']:.4f} {row['split']}" if row["bits_per_char"] else "",
            row["state"],
        )
    results().print(table)


@app.command("show")
def show(run: RunName, json: Json = False) -> None:
    """A run's settings and scores."""
    directory = find_run(run)
    config = directory.read_config().model_dump(mode="json")
    summary = directory.read_evaluation() if directory.finished else None
    if json:
        print_json(
            {"run": str(directory.path), "state": _row(directory)["state"], "config": config, "summary": summary}
        )
        return
    import json as json_library

    from inkloom.cli.tables import print_summary
    from inkloom.runs.run import load_run

    results().print_json(json_library.dumps(config))
    if summary is None:
        results().print(f"Not finished. Go on with: inkloom train --resume {directory.path}", markup=False)
    else:
        print_summary(results(), load_run(run).verb, summary)


@app.command("rm")
def rm(
    runs: Annotated[list[str], typer.Argument(metavar="RUN…", help="Folders of runs, or names in runs/.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove runs for good."""
    found = [find_run(name) for name in runs]
    for run in found:
        if not yes:
            if not sys.stdin.isatty():
                raise InputError(f"Removing {run.path} needs a confirmation, and this is no terminal. Add --yes.")
            typer.confirm(f"Remove {run.path} for good?", abort=True, err=True)
        remove(run)
        messages().print(f"Removed {run.path}.", markup=False)


def _row(run: RunDirectory) -> dict[str, Any]:
    """A run as a line of the list."""
    facts = facts_of(run)
    keys = ("model", "parameters", "seconds", "bits_per_char", "split", "state")
    return {"run": facts.name, **{key: getattr(facts, key) for key in keys}}
