"""The server's application: the API, and the Studio where it is there."""

import contextlib
import importlib.util
from collections.abc import AsyncIterator, Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

import inkloom
from inkloom.runs.run import Run
from inkloom.serving.api import router
from inkloom.serving.engine import Engines
from inkloom.serving.errors import add_handlers
from inkloom.serving.gate import ApiGate, Cors, HostCheck
from inkloom.serving.metrics import Metrics
from inkloom.serving.settings import ServerSettings


def create_app(runs: Iterable[Run], settings: ServerSettings | None = None) -> FastAPI:
    """The application that serves these runs. `app.state.engines` holds them open; they close with the application.

    Raises InputError for a run without weights, a damaged one, or two of one name.
    """
    settings = settings or ServerSettings()
    engines = Engines(runs, settings)
    metrics = Metrics(engines)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        engines.close()

    app = FastAPI(
        title="inkloom",
        version=inkloom.__version__,
        lifespan=lifespan,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.engines = engines
    app.openapi = lambda: _schema(app)  # type: ignore[method-assign]  # the way that FastAPI gives for it
    app.include_router(router(engines, metrics))
    add_handlers(app)
    app.add_middleware(ApiGate, settings=settings, metrics=metrics)
    if settings.cors_origins:
        app.add_middleware(
            Cors,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
        )
    app.add_middleware(HostCheck, settings=settings)  # the last that is added is the first that is passed
    if importlib.util.find_spec("inkloom.serving.studio") is not None:
        importlib.import_module("inkloom.serving.studio").mount(app, engines)
    return app


def _schema(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI schema, less the answer 422 that FastAPI adds: here a wrong body is a 400, as in the original."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        for path in schema["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            schema["components"]["schemas"].pop(name, None)
        app.openapi_schema = schema
    return app.openapi_schema
