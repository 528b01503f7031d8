"""Who is let in: what the guard does with requests."""

import asyncio

import pytest
from starlette.datastructures import Headers

from inkloom.serving.studio.guard import COOKIE, KEY_PATH, CookiePass, Guard


def answer(guard, method="GET", path="/", kind="http", **headers):
    """What the guard sends for a request: a status, or None where it closes a websocket, and the headers."""
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b""}

    asyncio.run(guard(scope, receive, send))
    first = sent[0]
    return first.get("status"), Headers(raw=first.get("headers", []))


async def studio(scope, receive, send):
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept", "status": 101})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})


HOST = "127.0.0.1:8000"


def test_a_page_may_frame_load_and_run_nothing_from_elsewhere():
    status, headers = answer(Guard(studio), host=HOST)
    policy = headers["content-security-policy"]
    assert status == 200
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy.replace("http-equiv", "")
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_what_another_page_sends_is_refused(origin):
    guard = Guard(studio)
    assert answer(guard, "POST", "/studio/texts", host=HOST, origin=origin)[0] == 403
    assert answer(guard, path="/_nicegui_ws/socket.io/", kind="websocket", host=HOST, origin=origin)[0] is None


def test_what_the_own_page_sends_is_not():
    guard = Guard(studio)
    assert answer(guard, "POST", "/studio/texts", host=HOST, origin=f"http://{HOST}")[0] == 200
    assert answer(guard, path="/_nicegui_ws/socket.io/", kind="websocket", host=HOST, origin=f"http://{HOST}")[0] == 101


def test_a_key_is_asked_for_once():
    guard = Guard(studio, api_key="sesame")
    status, headers = answer(guard, host=HOST)
    assert (status, headers["location"]) == (303, KEY_PATH)
    assert answer(guard, path=KEY_PATH, host=HOST)[0] == 200
    assert answer(guard, "POST", "/studio/texts", host=HOST)[0] == 403
    assert answer(guard, path="/_nicegui_ws/", kind="websocket", host=HOST)[0] is None
    assert guard.cookie_for("wrong") is None
    cookie = guard.cookie_for("sesame").partition(";")[0]
    assert answer(guard, host=HOST, cookie=f"other=1; {cookie}")[0] == 200


def test_the_cookie_holds_neither_the_key_nor_what_another_server_takes():
    first, second = CookiePass("sesame"), CookiePass("sesame")
    cookie = first.issue("sesame")
    assert "sesame" not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert first.holds({"cookie": cookie})
    assert not second.holds({"cookie": cookie})
    assert not first.holds({"cookie": f"{COOKIE}=x"})
    assert not first.holds({"cookie": "a[]=;;=é"})
    assert not first.holds({})
