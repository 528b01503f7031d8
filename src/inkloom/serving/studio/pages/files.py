"""What is not drawn by NiceGUI: reports, texts that are given, and the page that asks for the server's key."""

import asyncio
from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Form, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from inkloom.errors import InputError
from inkloom.serving.studio.guard import KEY_PATH, REPORT_POLICY
from inkloom.serving.studio.key_page import key_page
from inkloom.serving.studio.reports import REPORTS, read_report
from inkloom.serving.studio.texts import read_limited
from inkloom.serving.studio.wording import without_paths
from inkloom.serving.studio.workspace import Workspace

UPLOADS = "/studio/texts"


def add_files(app: FastAPI, workspace: Workspace, cookie_for: Callable[[str], str | None]) -> None:
    """Answer these addresses."""

    @app.get(REPORTS + "{name}")
    def report(name: str) -> Response:
        try:
            page = read_report(workspace.directory(name))
        except InputError as error:
            return Response(without_paths(str(error)), 404, media_type="text/plain")
        return HTMLResponse(page, headers={"Content-Security-Policy": REPORT_POLICY})

    @app.post(UPLOADS)
    async def keep_text(request: Request, name: Annotated[str, Query(max_length=255)]) -> JSONResponse:
        if not workspace.may_train:
            return JSONResponse({"error": "This server takes no texts."}, 403)
        try:
            data = await read_limited(request.stream())
            text = await asyncio.to_thread(workspace.texts.keep, name, data)
        except InputError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"name": text.name, "characters": text.characters, "notices": text.notices})

    @app.get(KEY_PATH)
    def ask_for_key() -> Response:
        return HTMLResponse(key_page())

    @app.post(KEY_PATH)
    def take_key(key: Annotated[str, Form(max_length=1000)]) -> Response:
        cookie = cookie_for(key)
        if cookie is None:
            return HTMLResponse(key_page(wrong=True), 403)
        return RedirectResponse("/", 303, headers={"Set-Cookie": cookie})
