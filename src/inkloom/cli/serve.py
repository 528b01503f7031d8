"""`inkloom serve`: runs behind the OpenAI API, and the Studio."""

from typing import TYPE_CHECKING, Annotated

import typer

from inkloom.cli.terminal import results, say
from inkloom.errors import InputError

if TYPE_CHECKING:
    from inkloom.serving.engine import Engines
    from inkloom.serving.settings import ServerSettings

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def serve(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]...", help="Runs' folders or names in runs/. The Studio opens others itself."),
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The address to listen at; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at; 0 takes a free one.")] = 8000,
    api_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            envvar="INKLOOM_API_KEY",
            show_envvar=False,
            help="The key that clients must send; better given as INKLOOM_API_KEY, which other users cannot see.",
        ),
    ] = None,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="A web page that may call the API from a browser; may be repeated."),
    ] = None,
    max_concurrency: Annotated[
        int | None, typer.Option(help="Samples of one model that are written at once (64); more wait.")
    ] = None,
) -> None:
    """Serve runs at an API that OpenAI's clients speak, and the Studio's pages, until Ctrl-C.

    Examples:

    inkloom serve

    inkloom serve my-lstm

    inkloom serve my-lstm my-ngram --port 8001
    """
    from inkloom import api
    from inkloom.config import build

    opened = [api.load_language_model(run, "serve") for run in runs or ()]

    from inkloom.serving import server, studio
    from inkloom.serving.app import create_app
    from inkloom.serving.settings import ServerSettings

    given = {
        "host": host,
        "port": port,
        "api_key": api_key or None,
        "cors_origins": tuple(cors_origin or ()),
        "max_concurrency": max_concurrency,
    }
    if not opened and not studio.installed():
        raise InputError(f"There is no run to serve, and no Studio to open one in. Name a run. {studio.MISSING}")
    settings = build(ServerSettings, {name: value for name, value in given.items() if value is not None}, "serve")
    listening = server.listen(settings)
    app = create_app(opened, settings)
    _announce(app.state.engines, server.address(listening), settings)
    server.run(app, listening)


def _announce(engines: "Engines", url: str, settings: "ServerSettings") -> None:
    from rich.table import Table
    from rich.text import Text

    from inkloom.serving import studio
    from inkloom.serving.server import example

    table = Table(box=None, show_header=False, pad_edge=False)
    for engine in engines.values():
        parameters = sum(parameter.numel() for parameter in engine.model.parameters())
        table.add_row(Text(engine.name, style="bold"), engine.run.config.model["name"], f"{parameters:,} parameters")
    if studio.installed():
        results().print(f"Studio at {url}")
    results().print(f"API at {url}/v1")
    results().print(table)
    for first in list(engines.values())[:1]:
        results().print("\nTry it:", style="dim")
        results().print(Text(example(first, url, with_key=settings.api_key is not None)), soft_wrap=True)
    results().print("\nCtrl-C stops.", style="dim")
    if settings.host not in LOOPBACK and settings.api_key is None:
        say("Note: other machines can reach this server, and no key is set. INKLOOM_API_KEY=… sets one.")
