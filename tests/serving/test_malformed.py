"""What strangers and their programs send: an error in the API's words each time, and never a 500."""

import pytest

COMPLETIONS, CHAT = "/v1/completions", "/v1/chat/completions"
OK = {"prompt": "The ", "max_tokens": 1}
USER = [{"role": "user", "content": "a"}]

CASES = {
    # not JSON, or not an object
    "no body": (COMPLETIONS, b""),
    "blank": (COMPLETIONS, b"  "),
    "broken off": (COMPLETIONS, b'{"prompt": "a"'),
    "trailing comma": (COMPLETIONS, b'{"prompt": "a",}'),
    "single quotes": (COMPLETIONS, b"{'prompt': 'a'}"),
    "two objects": (COMPLETIONS, b'{"prompt": "a"}{}'),
    "not UTF-8": (COMPLETIONS, b'{"prompt": "\xff\xfe"}'),
    "binary": (COMPLETIONS, bytes(range(256))),
    "nested too deep": (COMPLETIONS, b"[" * 100_000),
    "nested deep inside": (COMPLETIONS, b'{"prompt": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
    "a number of 10,000 digits": (COMPLETIONS, b'{"prompt": "a", "seed": ' + b"9" * 10_000 + b"}"),
    "a list": (COMPLETIONS, []),
    "a text": (COMPLETIONS, "prompt"),
    "a number": (COMPLETIONS, 7),
    "null": (COMPLETIONS, None),
    "an empty object": (COMPLETIONS, {}),
    # prompts
    "prompt of null": (COMPLETIONS, {"prompt": None}),
    "prompt of a number": (COMPLETIONS, {"prompt": 3}),
    "prompt of a fraction": (COMPLETIONS, {"prompt": [1.5]}),
    "prompt of truth": (COMPLETIONS, {"prompt": [True]}),
    "prompt of an object": (COMPLETIONS, {"prompt": {"text": "a"}}),
    "prompt of mixed kinds": (COMPLETIONS, {"prompt": ["a", 1]}),
    "prompt of negative ids": (COMPLETIONS, {"prompt": [-1]}),
    "prompt of nested lists": (COMPLETIONS, {"prompt": [[["a"]]]}),
    "prompt of huge ids": (COMPLETIONS, {"prompt": [2**70]}),
    "prompt of a control character": (COMPLETIONS, {"prompt": "\x00"}),
    "prompt of a lone surrogate": (COMPLETIONS, b'{"prompt": "\\ud800"}'),
    # fields
    "unknown field": (COMPLETIONS, {**OK, "temprature": 1}),
    "a field named by a surrogate": (COMPLETIONS, b'{"prompt": "a", "\\udfff": 1}'),
    "model of a number": (COMPLETIONS, {**OK, "model": 1}),
    "model that is a path": (COMPLETIONS, {**OK, "model": "../../etc/passwd"}),
    "model of a surrogate": (COMPLETIONS, b'{"prompt": "a", "model": "\\ud800"}'),
    "max_tokens as text": (COMPLETIONS, {**OK, "max_tokens": "10"}),
    "max_tokens below zero": (COMPLETIONS, {**OK, "max_tokens": -1}),
    "max_tokens as a fraction": (COMPLETIONS, {**OK, "max_tokens": 1.5}),
    "max_tokens beyond all": (COMPLETIONS, {**OK, "max_tokens": 2**63}),
    "max_tokens as truth": (COMPLETIONS, {**OK, "max_tokens": True}),
    "temperature below zero": (COMPLETIONS, {**OK, "temperature": -0.1}),
    "temperature that is no number": (COMPLETIONS, b'{"prompt": "a", "temperature": NaN}'),
    "temperature without end": (COMPLETIONS, b'{"prompt": "a", "temperature": Infinity}'),
    "temperature beyond floats": (COMPLETIONS, b'{"prompt": "a", "temperature": 1e999}'),
    "top_p of zero": (COMPLETIONS, {**OK, "top_p": 0}),
    "top_p above one": (COMPLETIONS, {**OK, "top_p": 1.1}),
    "top_k of -2": (COMPLETIONS, {**OK, "top_k": -2}),
    "min_p above one": (COMPLETIONS, {**OK, "min_p": 2}),
    "repetition_penalty of zero": (COMPLETIONS, {**OK, "repetition_penalty": 0}),
    "presence_penalty above two": (COMPLETIONS, {**OK, "presence_penalty": 3}),
    "n of zero": (COMPLETIONS, {**OK, "n": 0}),
    "n of a million": (COMPLETIONS, {**OK, "n": 10**6}),
    "best_of of zero": (COMPLETIONS, {**OK, "best_of": 0}),
    "logprobs as truth": (COMPLETIONS, {**OK, "logprobs": True}),
    "logprobs of a hundred": (COMPLETIONS, {**OK, "logprobs": 100}),
    "stop of nothing": (COMPLETIONS, {**OK, "stop": ""}),
    "stop with nothing among it": (COMPLETIONS, {**OK, "stop": ["a", ""]}),
    "stop of numbers": (COMPLETIONS, {**OK, "stop": [1]}),
    "a hundred stops": (COMPLETIONS, {**OK, "stop": ["x"] * 100}),
    "logit_bias as a list": (COMPLETIONS, {**OK, "logit_bias": [1]}),
    "logit_bias for words": (COMPLETIONS, {**OK, "logit_bias": {"the": 1}}),
    "logit_bias for other digits": (COMPLETIONS, {**OK, "logit_bias": {"٣": 1}}),
    "logit_bias beyond 100": (COMPLETIONS, {**OK, "logit_bias": {"3": 101}}),
    "seed as text": (COMPLETIONS, {**OK, "seed": "x"}),
    "seed beyond 64 bits": (COMPLETIONS, {**OK, "seed": 2**64}),
    "stream as text": (COMPLETIONS, {**OK, "stream": "yes"}),
    "stream_options as truth": (COMPLETIONS, {**OK, "stream": True, "stream_options": True}),
    "suffix": (COMPLETIONS, {**OK, "suffix": "b"}),
    # chat
    "chat without messages": (CHAT, {}),
    "chat of a text": (CHAT, {"messages": "hello"}),
    "chat of texts": (CHAT, {"messages": ["hello"]}),
    "message without content": (CHAT, {"messages": [{"role": "user"}]}),
    "message without role": (CHAT, {"messages": [{"content": "a"}]}),
    "message of an unknown role": (CHAT, {"messages": [{"role": "wizard", "content": "a"}]}),
    "message of null": (CHAT, {"messages": [{"role": "user", "content": None}]}),
    "message with a number": (CHAT, {"messages": [{"role": "user", "content": 5}]}),
    "chat with completions' logprobs": (CHAT, {"messages": USER, "logprobs": 3}),
    "chat with tools": (CHAT, {"messages": USER, "tools": []}),
    "chat with a prompt": (CHAT, {"messages": USER, "prompt": "a"}),
    # tokens
    "tokenize without a text": ("/tokenize", {}),
    "tokenize a list": ("/tokenize", {"prompt": ["a"]}),
    "detokenize a text": ("/detokenize", {"tokens": "a"}),
    "detokenize negative ids": ("/detokenize", {"tokens": [-1]}),
    "detokenize huge ids": ("/detokenize", {"tokens": [2**80]}),
}


@pytest.mark.parametrize("case", CASES)
def test_malformed_requests_get_an_error_in_the_apis_words(client, case):
    path, body = CASES[case]
    reply = client.post(path, body)
    assert 400 <= reply.status < 500, reply.body
    assert reply.error["type"] == "invalid_request_error"
    assert "detail" not in reply.json
    assert "Traceback" not in reply.error["message"]
    assert len(reply.error["message"]) < 400


def test_there_are_as_many_as_promised():
    assert len(CASES) >= 50


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({**OK, "temprature": 1}, "Unrecognized request argument supplied: temprature"),
        ({}, "Missing required parameter: 'prompt'."),
        ({**OK, "n": 0}, "Invalid 'n': input should be greater than or equal to 1. Got 0."),
        ({**OK, "max_tokens": "10"}, "Invalid 'max_tokens': input should be a valid integer. Got \"10\"."),
        (b'{"prompt": "a",}', "The body is no valid JSON:"),
        ([], "The body must be a JSON object."),
    ],
)
def test_the_message_says_what_is_wrong(client, body, words):
    assert client.post(COMPLETIONS, body).error["message"].startswith(words)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("POST", "/v1/nothing", 404),
        ("GET", "/v1/models/", 404),
        ("GET", "/v1/../etc/passwd", 404),
        ("GET", "/no/such/page", 404),
        ("GET", "/docs", 404),
        ("GET", COMPLETIONS, 405),
        ("DELETE", "/v1/models/tiny", 405),
        ("PUT", "/v1/models", 405),
        ("OPTIONS", COMPLETIONS, 405),
        ("POST", "/health", 405),
    ],
)
def test_unknown_paths_and_methods_are_worded_too(client, method, path, status):
    reply = client.request(method, path, b"")
    assert reply.status == status
    assert reply.error["type"] == "invalid_request_error"


def test_a_fault_of_the_server_tells_nothing_of_its_inside(serve, served_run, monkeypatch, caplog):
    client = serve(served_run)
    engine = client.app.state.engines["tiny"]

    def fails(requests):
        raise RuntimeError("secret place /home/me")

    monkeypatch.setattr(engine, "submit", fails)
    reply = client.post(COMPLETIONS, OK)
    assert (reply.status, reply.error["type"]) == (500, "server_error")
    assert "secret" not in reply.error["message"]
    assert "A request failed." in caplog.text
