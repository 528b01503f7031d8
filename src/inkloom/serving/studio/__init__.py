"""The Studio: the server's pages, on which a model is tried, looked into and trained.

Nothing of NiceGUI, which draws them, is imported before somebody opens a page.
"""

import contextlib
import importlib.util
import logging
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from inkloom.serving.engine import Engines
from inkloom.serving.studio.routes import StudioRoute

log = logging.getLogger("inkloom")

MISSING = "The Studio is not installed; `pip install 'inkloom[studio]'` gets it."


def installed() -> bool:
    """Whether NiceGUI is there."""
    return importlib.util.find_spec("nicegui") is not None


def mount(app: FastAPI, engines: Engines) -> None:
    """Let the application answer the Studio's addresses too, the root among them; all others stay as they are.

    When the application ends, trainings that run save themselves. Without NiceGUI the root says how to get it.
    """
    if not installed():
        log.info(MISSING)
        app.add_api_route("/", lambda: PlainTextResponse(MISSING + "\n"), include_in_schema=False)
        return
    route = StudioRoute(engines)
    app.router.routes.append(route)
    own_lifespan = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        async with own_lifespan(app) as state:
            try:
                yield state
            finally:
                await route.close()

    app.router.lifespan_context = lifespan
