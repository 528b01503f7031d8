"""Who may ask, from where, and how much."""

import asyncio
import json

import pytest

PATH = "/v1/completions"
OK = {"prompt": "The ", "max_tokens": 1}


@pytest.mark.parametrize("given", [None, "Bearer anything", "Bearer ", "Basic eDp5", "junk"])
def test_any_key_is_accepted_unless_one_is_set(client, given):
    assert client.post(PATH, OK, authorization=given).status == 200


@pytest.mark.parametrize("given", [None, "", "Bearer ", "Bearer wrong", "Bearer sésame2", "Basic sésame", "sésame"])
@pytest.mark.parametrize("path", [PATH, "/v1/models", "/v1/nothing", "/tokenize", "/metrics", "/openapi.json"])
def test_a_key_that_is_set_is_asked_for(serve, served_run, given, path):
    client = serve(served_run, api_key="sésame")
    given = None if given is None else given.encode().decode("latin-1")
    reply = client.post(path, OK, authorization=given)
    assert (reply.status, reply.error["code"]) == (401, "invalid_api_key")
    assert reply.headers["www-authenticate"] == "Bearer"
    assert "sésame" not in reply.error["message"]


def test_the_right_key_lets_in(serve, served_run):
    client = serve(served_run, api_key="secret-key")
    assert client.post(PATH, OK, authorization="Bearer secret-key").status == 200
    assert client.post(PATH, OK, authorization="bearer  secret-key").status == 200
    assert client.get("/health").status == 200
    assert "secret-key" not in repr(client.app.state.engines.settings)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:80", "[::1]:8000", "192.168.1.7", None])
def test_addresses_and_own_names_are_served(client, host):
    assert client.get("/v1/models", host=host).status == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8000", "", "[::1", "a b", "localhost.evil"])
@pytest.mark.parametrize("path", ["/v1/models", "/health", "/"])
def test_names_of_others_are_not(client, host, path):
    reply = client.get(path, host=host)
    assert (reply.status, reply.error["code"]) == (403, "unknown_host")


def preflight(client, origin):
    wanted = {"access_control_request_method": "POST", "access_control_request_headers": "authorization,content-type"}
    return client.request("OPTIONS", PATH, b"", origin=origin, **wanted)


def test_pages_of_named_origins_may_ask_with_a_key(serve, served_run):
    client = serve(served_run, cors_origins=("https://page.example",), api_key="secret")
    reply = preflight(client, "https://page.example")
    assert reply.status == 200
    assert reply.headers["access-control-allow-origin"] == "https://page.example"
    assert "authorization" in reply.headers["access-control-allow-headers"].lower()
    reply = client.post(PATH, OK, origin="https://page.example", authorization="Bearer secret")
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, "https://page.example")
    refused = client.post(PATH, OK, origin="https://page.example")
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, "https://page.example")


def test_pages_of_other_origins_may_not(client, serve, served_run):
    for server in (client, serve(served_run, cors_origins=("https://page.example",))):
        reply = preflight(server, "https://evil.example")
        assert reply.status >= 400
        assert reply.error["message"]
        assert "access-control-allow-origin" not in reply.headers
        assert "access-control-allow-origin" not in server.post(PATH, OK, origin="https://evil.example").headers


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_page_can_send_without_asking_is_refused(client, media_type):
    reply = client.post(PATH, OK, content_type=media_type)
    assert (reply.status, reply.error["code"]) == (415, "unsupported_media_type")


def test_json_may_name_its_encoding(client):
    assert client.post(PATH, OK, content_type="Application/JSON; charset=utf-8").status == 200


def test_bodies_are_limited(serve, served_run):
    client = serve(served_run, max_body_bytes=1000)
    large = {"prompt": "a" * 1000}
    assert client.post(PATH, {"prompt": "a" * 900, "max_tokens": 1}).status == 200
    for reply in (
        client.post(PATH, large),
        client.post(PATH, OK, content_length="1001"),
        asyncio.run(client.send("POST", PATH, b"a" * 300, endless=True, content_type="application/json")),
    ):
        assert (reply.status, reply.error["code"]) == (413, "body_too_large")


def test_bodies_that_do_not_come_are_not_waited_for(serve, served_run):
    client = serve(served_run, max_body_seconds=0.05)
    reply = client.post(PATH, OK, slow=10)
    assert (reply.status, reply.error["code"]) == (408, "timeout")


def test_answers_that_take_too_long_are_ended(serve, served_run):
    client = serve(served_run, max_seconds=0.05)
    engine = client.app.state.engines["tiny"]
    endless = {"prompt": "The ", "max_tokens": 8000, "logit_bias": {"1": -100}}
    reply = client.post(PATH, endless)
    assert (reply.status, reply.error["code"]) == (408, "timeout")
    stream = client.post(PATH, {**endless, "stream": True})
    assert stream.status == 200
    assert '"code":"timeout"' in stream.body.decode().split("\n\n")[-2]
    assert "[DONE]" not in stream.body.decode()
    assert client.post(PATH, OK).status in (200, 408)
    assert engine.scheduler.running == 0


def test_a_full_queue_says_when_to_come_back(serve, served_run):
    client = serve(served_run, max_concurrency=1, max_queue=2, max_tokens=10**7)
    body = {"prompt": "The ", "max_tokens": 10**7, "logit_bias": {"1": -100}, "stream": True}

    async def crowd():
        data = json.dumps(body).encode()
        patient = [
            asyncio.create_task(client.send("POST", PATH, data, content_type="application/json", leave_after=3000))
            for _ in range(3)
        ]
        await asyncio.sleep(0.2)
        refused = await client.send("POST", PATH, data, content_type="application/json")
        for one in patient:
            one.cancel()
        await asyncio.gather(*patient, return_exceptions=True)
        return refused

    refused = asyncio.run(crowd())
    assert (refused.status, refused.error["code"]) == (429, "queue_full")
    assert int(refused.headers["retry-after"]) >= 1


@pytest.mark.parametrize("stream", [True, False])
def test_clients_that_leave_stop_their_work(serve, served_run, stream):
    client = serve(served_run)
    engine = client.app.state.engines["tiny"]
    body = {"prompt": "The ", "max_tokens": 8000, "logit_bias": {"1": -100}, "stream": stream, "n": 3}

    async def leave():
        data = json.dumps(body).encode()
        reply = await client.send("POST", PATH, data, content_type="application/json", leave_after=20 if stream else 0)
        for _ in range(200):
            if engine.scheduler.running == engine.scheduler.waiting == 0:
                break
            await asyncio.sleep(0.01)
        return reply

    reply = asyncio.run(leave())
    assert (engine.scheduler.running, engine.scheduler.waiting) == (0, 0)
    assert "[DONE]" not in reply.body.decode()
    assert len(reply.body.split(b"\n\n")) < 3 * 8000
