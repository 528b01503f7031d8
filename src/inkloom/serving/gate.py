"""What a request must pass before the API sees it: the server's name, the key, the size and the form of its body."""

import asyncio
import hmac
import time

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkloom.serving.errors import ApiError, as_api_error
from inkloom.serving.hosts import is_own, own_names
from inkloom.serving.metrics import Metrics
from inkloom.serving.settings import ServerSettings

OPEN_PATHS = frozenset({"/health"})
"""Answered without the key."""

BODY_PATHS = frozenset({"/v1/completions", "/v1/chat/completions", "/tokenize", "/detokenize"})
PATHS = OPEN_PATHS | BODY_PATHS | {"/v1/models", "/tokenizer_info", "/metrics", "/openapi.json"}


class HostCheck:
    """Refuses requests to names that are not this machine's."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._names = own_names(settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host") if scope["type"] in ("http", "websocket") else None
        if host is None or is_own(host, self._names):
            await self._app(scope, receive, send)
            return
        message = "This server is not known by this name. Use an address, localhost or the machine's own name."
        refusal = ApiError(403, message, code="unknown_host").response()
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, send)


class Cors(CORSMiddleware):
    """Lets web pages of chosen origins in, and words its refusals as the API does."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """What a browser is told that asks before a page's request."""
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        refused = bytes(answer.body).decode()
        message = f"{refused}. `inkloom serve --cors-origin URL` lets the pages of an origin send GET and POST."
        return ApiError(answer.status_code, message, code="cors", headers={"Vary": "Origin"}).response()


class ApiGate:
    """Checks requests to the API, hands their bodies on whole, and words what fails on the way. The rest passes."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, metrics: Metrics) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (scope["path"] in PATHS or scope["path"].startswith("/v1/")):
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, await self._checked(scope, receive), counted)
        except Exception as error:
            refusal = as_api_error(error).response()
            if not status:
                await refusal(scope, receive, counted)
        finally:
            path = scope["path"] if scope["path"] in PATHS else "other"
            self._metrics.request(path, status, time.perf_counter() - began)

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        headers = Headers(scope=scope)
        if scope["path"] not in OPEN_PATHS:
            self._check_key(headers)
        if scope["method"] != "POST" or scope["path"] not in BODY_PATHS:
            return receive
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            got = f"it is {media_type!r}" if media_type else "none was given"
            raise ApiError(415, f"The Content-Type must be application/json; {got}.", code="unsupported_media_type")
        return _replay(await self._body(headers, receive), receive)

    def _check_key(self, headers: Headers) -> None:
        key = self._settings.api_key
        if key is None:
            return
        scheme, _, given = headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode(), key.get_secret_value().encode())
        if scheme.lower() == "bearer" and right:
            return
        message = "Incorrect API key provided." if given else "No API key was given. Send Authorization: Bearer KEY."
        raise ApiError(401, message, code="invalid_api_key", headers={"WWW-Authenticate": "Bearer"})

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        most = self._settings.max_body_bytes
        too_large = ApiError(413, f"The body is larger than {most:,} bytes.", code="body_too_large")
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > most:
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.max_body_seconds):
                while True:
                    message = await receive()
                    body += message.get("body", b"")
                    if len(body) > most:
                        raise too_large
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            raise ApiError(408, "The body took too long to arrive.", code="timeout") from None


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body in one piece, then goes on with what else comes."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
