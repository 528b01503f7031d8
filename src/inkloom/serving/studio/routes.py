"""The addresses of the Studio among those of the server, and its start at the first visit."""

import asyncio
import importlib
import re
import warnings
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import ASGIApp, Receive, Scope, Send

from inkloom.serving.engine import Engines
from inkloom.serving.studio.guard import Guard
from inkloom.serving.studio.workspace import Workspace

PAGES = ("/", "/inside", "/runs", "/train")
OWN_PATHS = re.compile(
    rf"(?:{'|'.join(PAGES)})/?|/favicon\.ico|/studio/(?:reports/[^/]+|texts|key)|/_nicegui(?:_ws)?/.*"
)


class StudioRoute(BaseRoute):
    """Matches the Studio's own addresses alone, so that the API keeps its answers to all others."""

    def __init__(self, engines: Engines) -> None:
        settings = engines.settings
        key = settings.api_key.get_secret_value() if settings.api_key is not None else None
        self.workspace = Workspace(engines)
        self._guard = Guard(self._answer, key)
        self._starting = asyncio.Lock()
        self._pages: ASGIApp | None = None
        self._lifespan: AbstractAsyncContextManager[Any] | None = None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        own = scope["type"] in ("http", "websocket") and OWN_PATHS.fullmatch(scope["path"])
        return (Match.FULL, {}) if own else (Match.NONE, {})

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._guard(scope, receive, send)

    async def close(self) -> None:
        """Stop trainings, and the pages where they were ever opened."""
        await asyncio.to_thread(self.workspace.trainings.close)
        if self._lifespan is not None:
            await self._lifespan.__aexit__(None, None, None)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._starting:
            if self._pages is None:
                self._pages = await self._start()
        await self._pages(scope, receive, send)

    async def _start(self) -> ASGIApp:
        """Import NiceGUI, which takes half a second, and begin its life in this loop."""
        pages = await asyncio.to_thread(importlib.import_module, "inkloom.serving.studio.pages")
        app: FastAPI = pages.build(self.workspace, self._guard.cookie_for)
        self._lifespan = app.router.lifespan_context(app)
        with warnings.catch_warnings(action="ignore", category=FutureWarning):
            await self._lifespan.__aenter__()  # it looks at every object there is, some of PyTorch's that warn of it
        return app
