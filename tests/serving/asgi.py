"""A client that calls an application without a network, and can do what clients should not."""

import asyncio
import json
from dataclasses import dataclass


@dataclass
class Reply:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The error, whose shape is checked."""
        found = self.json
        assert set(found) == {"error"}
        assert set(found["error"]) == {"message", "type", "param", "code"}
        assert isinstance(found["error"]["message"], str)
        assert found["error"]["message"]
        return found["error"]

    @property
    def events(self):
        """The JSON of a stream's events; it must end as a stream does."""
        assert self.headers["content-type"] == "text/event-stream; charset=utf-8"
        lines = [line for line in self.body.decode().split("\n\n") if line]
        assert all(line.startswith("data: ") for line in lines)
        assert lines[-1] == "data: [DONE]"
        return [json.loads(line[6:]) for line in lines[:-1]]


class Asgi:
    """Calls an application. `headers` are sent with every request."""

    def __init__(self, app, **headers):
        self.app = app
        self.headers = {"host": "127.0.0.1:8000", **headers}

    def get(self, path, **headers):
        return self.request("GET", path, b"", **headers)

    def post(self, path, body=None, **headers):
        """`body` is sent as JSON, unless it is bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, data, **{"content_type": "application/json", **headers})

    def request(self, method, path, body, **headers):
        return asyncio.run(self.send(method, path, body, **headers))

    async def send(self, method, path, body=b"", *, leave_after=None, endless=False, slow=0.0, **headers):
        """leave_after: the client disconnects when it has got so many events; endless: its body never ends."""
        path, _, query = path.partition("?")
        sent = {name.replace("_", "-"): value for name, value in {**self.headers, **headers}.items()}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items() if value is not None],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
        }
        messages, gone = [], asyncio.Event()
        pieces = iter([body])

        async def receive():
            if slow:
                await asyncio.sleep(slow)
            piece = next(pieces, None)
            if piece is not None or endless:
                return {"type": "http.request", "body": piece or body, "more_body": endless}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            messages.append(message)
            if leave_after is not None and sum("body" in one for one in messages) >= leave_after:
                gone.set()

        if leave_after == 0:
            gone.set()
        await self.app(scope, receive, send)
        start, *rest = messages
        return Reply(
            start["status"],
            {name.decode(): value.decode() for name, value in start.get("headers", [])},
            b"".join(message.get("body", b"") for message in rest),
        )
