"""POST /v1/chat/completions: a base model continues the messages."""

import pytest

PATH = "/v1/chat/completions"
MESSAGES = [{"role": "system", "content": "Be good."}, {"role": "user", "content": "The value"}]


def test_the_messages_are_continued_after_a_line_end_each(client, served_run):
    answer = client.post(PATH, {"messages": MESSAGES, "seed": 2, "max_tokens": 20, "n": 2}).json
    samples = served_run.generate("Be good.\nThe value\n", seed=2, max_tokens=20, num_samples=2)
    assert set(answer) == {"id", "object", "created", "model", "choices", "usage", "chat_template"}
    assert (answer["object"], answer["chat_template"]) == ("chat.completion", "plain")
    assert answer["choices"] == [
        {
            "index": index,
            "message": {"role": "assistant", "content": sample.text, "refusal": None},
            "logprobs": None,
            "finish_reason": "length",
        }
        for index, sample in enumerate(samples)
    ]


def test_content_may_come_in_parts(client):
    def text(content):
        body = {"messages": [{"role": "user", "content": content}], "seed": 2, "max_tokens": 20}
        return client.post(PATH, body).json["choices"][0]["message"]["content"]

    assert text([{"type": "text", "text": "The "}, {"type": "text", "text": "value"}]) == text("The value")


@pytest.mark.parametrize(
    ("body", "written"), [({}, 200), ({"max_tokens": 7}, 7), ({"max_completion_tokens": 5, "max_tokens": 7}, 5)]
)
def test_how_much_is_written(client, served_run, body, written):
    bias = {str(served_run.tokenizer.end_id): -100}
    answer = client.post(PATH, {"messages": MESSAGES, "seed": 2, "logit_bias": bias, **body}).json
    assert answer["usage"]["completion_tokens"] == written


def test_log_probabilities_have_the_shape_of_chats(client):
    body = {"messages": MESSAGES, "seed": 2, "max_tokens": 5, "logprobs": True, "top_logprobs": 2}
    (choice,) = client.post(PATH, body).json["choices"]
    content = choice["logprobs"]["content"]
    assert "".join(entry["token"] for entry in content) == choice["message"]["content"]
    for entry in content:
        assert set(entry) == {"token", "logprob", "bytes", "top_logprobs"}
        assert bytes(entry["bytes"]).decode() == entry["token"]
        assert len(entry["top_logprobs"]) == 2
        assert entry["logprob"] <= entry["top_logprobs"][0]["logprob"]
    without = client.post(PATH, {**body, "top_logprobs": None}).json["choices"][0]["logprobs"]["content"]
    assert [entry["top_logprobs"] for entry in without] == [[]] * 5


def test_a_stream_begins_with_the_role(client):
    body = {"messages": MESSAGES, "seed": 2, "max_tokens": 9}
    whole = client.post(PATH, body).json["choices"][0]["message"]["content"]
    events = client.post(PATH, {**body, "stream": True, "stream_options": {"include_usage": True}}).events
    *chunks, usage = events
    assert {chunk["object"] for chunk in events} == {"chat.completion.chunk"}
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert [delta.get("role") for delta in deltas] == ["assistant"] + [None] * (len(deltas) - 1)
    assert "".join(delta["content"] for delta in deltas) == whole
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert usage["usage"]["completion_tokens"] == 9


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": "☃"}]}, "messages"),
        ({"messages": MESSAGES, "tools": [{"type": "function"}]}, "tools"),
        ({"messages": MESSAGES, "response_format": {"type": "json_object"}}, "response_format"),
        ({"messages": MESSAGES, "top_logprobs": 2}, "top_logprobs"),
        ({"messages": MESSAGES, "max_tokens": 0}, "max_tokens"),
    ],
)
def test_what_a_base_model_cannot_do_is_refused_by_name(client, body, param):
    reply = client.post(PATH, body)
    assert (reply.status, reply.error["param"]) == (400, param)


def test_a_vocabulary_without_line_ends_joins_by_spaces(tmp_path, serve):
    import inkloom

    (tmp_path / "text.txt").write_text("to be or not to be that is the question " * 60)
    settings = {"steps": 1, "overrides": ("model.hidden_size=8", "model.embedding_size=4"), "seq_len": 8}
    run = inkloom.train(tmp_path / "text.txt", out=tmp_path / "run", **settings)
    body = {"messages": [{"role": "user", "content": "to be"}] * 2, "seed": 1, "max_tokens": 9}
    (choice,) = serve(run).post(PATH, body).json["choices"]
    assert choice["message"]["content"] == run.generate("to be to be ", seed=1, max_tokens=9)[0].text
