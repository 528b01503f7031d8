"""The Studio's pages on NiceGUI: one application with the frame that all views share."""

from collections.abc import Callable
from functools import partial

import nicegui
from fastapi import FastAPI
from nicegui import ui

from inkloom.serving.studio.pages.files import add_files
from inkloom.serving.studio.pages.frame import frame
from inkloom.serving.studio.workspace import Workspace

SECONDS_TO_RECONNECT = 60.0
"""How long a page that lost its connection (a phone asleep) finds its state again."""


def build(workspace: Workspace, cookie_for: Callable[[str], str | None]) -> FastAPI:
    """The application that answers the Studio's addresses. NiceGUI has one a process.

    cookie_for: the Set-Cookie header for who gives the server's key.
    """
    app = FastAPI(openapi_url=None)
    add_files(app, workspace, cookie_for)
    _forget_earlier_start()
    ui.run_with(
        app,
        root=partial(frame, workspace),
        title="inkloom Studio",
        language="en-GB",
        dark=None,
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=SECONDS_TO_RECONNECT,
        binding_refresh_interval=None,
    )
    return app


def _forget_earlier_start() -> None:
    """An earlier server of this process, as in a notebook, has built NiceGUI's stack; `run_with` adds to it anew."""
    nicegui.app.middleware_stack = None
    nicegui.app.user_middleware.clear()
