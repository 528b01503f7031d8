"""Who may use the Studio, and what a browser may do with its pages.

A page of the Studio can start trainings for whoever opened it. So other web pages, which a browser lets reach servers
on its own machine, are kept out: by the Origin of what they send, and by a policy that lets no other page frame these.
(That nobody gives this server a name of their own is the server's part, see `inkloom.serving.hosts`.) Where the server
has a key, the Studio asks for it once and then knows the browser by a cookie.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkloom.serving.hosts import is_same_origin

PAGE_POLICY = (
    "default-src 'self'; "
    # NiceGUI starts its pages by an inline script and evaluates its event handlers; both come from this server alone,
    # and what people or models wrote reaches a page as text.
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

REPORT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
"""For pages out of a run's folder: no script, no form, and an origin of their own, whatever stands in them."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
KEY_PATH = "/studio/key"
COOKIE = "inkloom-studio"


class Guard:
    """Passes on to the Studio what comes from its own pages or from no page at all; adds headers to what goes out."""

    def __init__(self, studio: ASGIApp, api_key: str | None = None) -> None:
        """api_key: what must be known to come in; None lets all in."""
        self._studio = studio
        self._pass = None if api_key is None else CookiePass(api_key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        writes = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if writes and not is_same_origin(headers.get("origin"), headers.get("host", "")):
            await _refuse("The Studio takes orders from its own pages only.", scope, receive, send)
        elif self._pass is None or self._pass.holds(headers) or scope["path"] == KEY_PATH:
            await self._studio(scope, receive, _with_headers(send))
        elif scope["type"] == "http" and scope["method"] == "GET":
            await RedirectResponse(KEY_PATH, 303)(scope, receive, send)
        else:
            await _refuse("The Studio wants the server's key first.", scope, receive, send)

    def cookie_for(self, key: str) -> str | None:
        """The Set-Cookie header for who knows the key; None for a wrong one."""
        return None if self._pass is None else self._pass.issue(key)


class CookiePass:
    """Knows the browsers whose user has given the key, by a cookie that does not hold it."""

    def __init__(self, api_key: str) -> None:
        self._key = api_key.encode()
        self._token = hmac.new(secrets.token_bytes(32), self._key, hashlib.sha256).hexdigest()

    def issue(self, key: str) -> str | None:
        """A Set-Cookie header where the key is right, else None."""
        if not hmac.compare_digest(key.encode(), self._key):
            return None
        return f"{COOKIE}={self._token}; Path=/; HttpOnly; SameSite=Strict"

    def holds(self, headers: Mapping[str, str]) -> bool:
        """Whether a request brings the cookie."""
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return morsel is not None and hmac.compare_digest(morsel.value.encode(), self._token.encode())


def _with_headers(send: Send) -> Send:
    """Add the policy of pages to all that has none of its own."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", PAGE_POLICY)
            headers.setdefault("X-Content-Type-Options", "nosniff")
            headers.setdefault("Referrer-Policy", "same-origin")
        await send(message)

    return guarded


async def _refuse(complaint: str, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": complaint})
    else:
        await PlainTextResponse(complaint, 403)(scope, receive, send)
