"""The server's application: the API, and the Studio where it is there."""

import contextlib
import importlib.util
from collections.abc import AsyncIterator, Iterable

from fastapi import FastAPI

from inkloom.runs.run import Run
from inkloom.serving.engine import Engines
from inkloom.serving.settings import ServerSettings


def create_app(runs: Iterable[Run], settings: ServerSettings | None = None) -> FastAPI:
    """The application that serves these runs. `app.state.engines` holds them open; they close with the application."""
    settings = settings or ServerSettings()
    engines = Engines(runs, settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        engines.close()

    app = FastAPI(title="inkloom", lifespan=lifespan)
    app.state.engines = engines
    if importlib.util.find_spec("inkloom.serving.studio") is not None:
        importlib.import_module("inkloom.serving.studio").mount(app, engines)
    return app
