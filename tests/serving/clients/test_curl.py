"""curl, as a shell script would use it."""

import json
import subprocess

import pytest

pytestmark = pytest.mark.clients


def curl(*arguments):
    ended = subprocess.run(["curl", "-sS", "-w", "\n%{http_code}", *arguments], capture_output=True, check=True)
    body, _, status = ended.stdout.decode().rpartition("\n")
    return int(status), body


def post(server, path, body, *arguments):
    return curl(f"{server.url}{path}", "-H", "Content-Type: application/json", "-d", body, *arguments)


def test_a_completion(server):
    status, body = post(server, "/v1/completions", '{"model": "tiny", "prompt": "The ", "max_tokens": 5, "seed": 1}')
    assert status == 200
    assert json.loads(body)["usage"]["completion_tokens"] == 5


def test_a_stream(server):
    body = '{"model": "tiny", "prompt": "The ", "max_tokens": 5, "stream": true}'
    status, events = post(server, "/v1/completions", body, "-N")
    assert status == 200
    assert events.startswith("data: {")
    assert events.endswith("data: [DONE]\n\n")


def test_what_curl_does_without_a_content_type(server):
    status, body = curl(f"{server.url}/v1/completions", "-d", '{"prompt": "The "}')
    assert (status, json.loads(body)["error"]["code"]) == (415, "unsupported_media_type")


def test_a_body_that_is_too_large(server, tmp_path):
    (tmp_path / "large.json").write_text(json.dumps({"prompt": "a" * (5 << 20)}))
    status, body = post(server, "/v1/completions", f"@{tmp_path / 'large.json'}")
    assert (status, json.loads(body)["error"]["code"]) == (413, "body_too_large")


def test_chunks_of_a_body(server):
    status, _ = post(server, "/tokenize", '{"model": "tiny", "prompt": "The "}', "-H", "Transfer-Encoding: chunked")
    assert status == 200


def test_another_name_for_this_machine(server):
    status, body = curl(f"{server.url}/v1/models", "-H", "Host: evil.example")
    assert (status, json.loads(body)["error"]["code"]) == (403, "unknown_host")
