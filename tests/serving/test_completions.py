"""POST /v1/completions, field by field."""

import itertools
import json
import math

import pytest

from inkloom.serving.vocabulary import END

PATH = "/v1/completions"


@pytest.fixture
def complete(client):
    """Post a request that must succeed; its choices."""

    def post(**body):
        reply = client.post(PATH, {"prompt": "The ", "seed": 3, "max_tokens": 12, **body})
        assert reply.status == 200, reply.body
        return reply.json["choices"]

    return post


def test_an_answer_has_the_fields_of_the_original(client, served_run):
    reply = client.post(PATH, {"model": "tiny", "prompt": "The ", "seed": 1, "max_tokens": 5})
    answer = reply.json
    assert set(answer) == {"id", "object", "created", "model", "choices", "usage"}
    assert answer["id"].startswith("cmpl-")
    assert (answer["object"], answer["model"]) == ("text_completion", "tiny")
    assert answer["usage"] == {"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9}
    (choice,) = answer["choices"]
    assert choice == {
        "text": served_run.generate("The ", seed=1, max_tokens=5)[0].text,
        "index": 0,
        "logprobs": None,
        "finish_reason": "length",
    }


@pytest.mark.parametrize(
    ("body", "settings"),
    [
        ({}, {}),
        ({"n": 4}, {"num_samples": 4}),
        ({"temperature": 0.5, "top_k": 5}, {"temperature": 0.5, "top_k": 5}),
        ({"temperature": 0}, {"temperature": 0}),
        ({"temperature": 2, "top_p": 0.8}, {"temperature": 2, "top_p": 0.8}),
        ({"min_p": 0.1, "repetition_penalty": 1.3}, {"min_p": 0.1, "repetition_penalty": 1.3}),
        ({"presence_penalty": 1, "frequency_penalty": -0.5}, {"presence_penalty": 1, "frequency_penalty": -0.5}),
        ({"stop": "e"}, {"stop": "e"}),
        ({"stop": ["e", " a"]}, {"stop": ("e", " a")}),
        ({"logit_bias": {"20": 5, "21": -100}}, {"logit_bias": {20: 5, 21: -100}}),
        ({"prompt": ""}, {"prompt": ""}),
        ({"top_k": -1, "top_p": None, "temperature": None, "n": None, "stop": None}, {}),
    ],
)
def test_the_text_is_that_of_inkloom_generate(complete, served_run, body, settings):
    samples = served_run.generate(**{"prompt": "The ", "seed": 3, "max_tokens": 12, **settings})
    choices = complete(**body)
    assert [choice["text"] for choice in choices] == [sample.text for sample in samples]
    assert [choice["finish_reason"] for choice in choices] == [sample.finish_reason for sample in samples]
    assert [choice["index"] for choice in choices] == list(range(len(samples)))


def test_prompts_come_as_text_as_ids_or_as_lists_of_either(complete, served_run):
    ids = [served_run.tokenizer.encode_prompt(text) for text in ("The ", "A")]
    one, other = (complete(prompt=text)[0]["text"] for text in ("The ", "A"))
    assert complete(prompt=ids[0])[0]["text"] == one
    assert [choice["text"] for choice in complete(prompt=["The ", "A"])] == [one, other]
    assert [choice["text"] for choice in complete(prompt=ids)] == [one, other]
    both = complete(prompt=["The ", "A"], n=2)
    assert [choice["text"] for choice in both[::2]] == [one, other]
    assert [choice["index"] for choice in both] == [0, 1, 2, 3]


def test_sixteen_tokens_are_written_where_no_number_is_given(client):
    for body in ({}, {"max_tokens": None}):
        assert client.post(PATH, {"prompt": "The ", "seed": 3, **body}).json["usage"]["completion_tokens"] == 16


def test_without_a_seed_every_sample_is_another(client):
    choices = client.post(PATH, {"prompt": ["The "] * 3, "n": 2, "max_tokens": 30}).json["choices"]
    assert len({choice["text"] for choice in choices}) == 6


def test_a_negative_seed_is_a_seed(complete):
    assert complete(seed=-5) == complete(seed=-5)
    assert complete(seed=-5) != complete(seed=-6)


def test_the_end_token_begins_a_text_and_stands_between_texts(complete, served_run):
    begins = complete(prompt=END)[0]["text"]
    assert begins == complete(prompt=[served_run.tokenizer.end_id])[0]["text"] != complete(prompt="")[0]["text"]
    ids = [*served_run.tokenizer.encode_prompt("a"), served_run.tokenizer.end_id]
    assert complete(prompt=f"a{END}")[0]["text"] == complete(prompt=ids)[0]["text"]


def test_log_probabilities_are_told_with_alternatives(complete, served_run):
    (sample,) = served_run.generate("The ", seed=3, max_tokens=12)
    (choice,) = complete(logprobs=3)
    found = choice["logprobs"]
    assert found["tokens"] == list(choice["text"])
    assert found["text_offset"] == list(range(12))
    assert sum(found["token_logprobs"]) == pytest.approx(sample.logprob, rel=1e-4)
    for token, logprob, alternatives in zip(
        found["tokens"], found["token_logprobs"], found["top_logprobs"], strict=True
    ):
        assert alternatives[token] == logprob <= max(alternatives.values())
        assert len(alternatives) in (3, 4)  # and the token itself where it is not among the likeliest
        assert list(alternatives.values())[:3] == sorted(alternatives.values(), reverse=True)[:3]


def test_no_alternatives_leave_the_token_alone(complete):
    found = complete(logprobs=0)[0]["logprobs"]
    assert [{token: logprob} for token, logprob in zip(found["tokens"], found["token_logprobs"], strict=True)] == found[
        "top_logprobs"
    ]


def test_an_end_token_is_told_but_is_no_text(complete, served_run):
    (choice,) = complete(logit_bias={str(served_run.tokenizer.end_id): 100}, temperature=0, logprobs=0)
    assert (choice["text"], choice["finish_reason"]) == ("", "stop")
    assert choice["logprobs"]["tokens"] == [END]


def test_a_stop_text_is_told_but_is_no_text(complete):
    (free,) = complete(temperature=0, max_tokens=10)
    (choice,) = complete(temperature=0, max_tokens=10, stop=free["text"][3:5], logprobs=1)
    assert choice["text"] == free["text"][: free["text"].find(free["text"][3:5])]
    assert "".join(choice["logprobs"]["tokens"]) == choice["text"] + free["text"][3:5]


@pytest.mark.parametrize("max_tokens", [0, 1, 4])
def test_echo_begins_with_the_prompt_and_scores_it(complete, served_run, max_tokens):
    text = "The value of a"
    (choice,) = complete(prompt=text, echo=True, logprobs=1, max_tokens=max_tokens)
    (plain,) = complete(prompt=text, max_tokens=max(1, max_tokens))
    found = choice["logprobs"]
    assert choice["text"] == text + (plain["text"] if max_tokens else "")
    assert found["tokens"] == list(choice["text"])
    assert found["text_offset"] == list(range(len(choice["text"])))
    assert (found["token_logprobs"][0], found["top_logprobs"][0]) == (None, None)
    (scored,) = complete(prompt=END + text, echo=True, logprobs=1, max_tokens=0)
    assert scored["logprobs"]["token_logprobs"][2:] == pytest.approx(found["token_logprobs"][1 : len(text)], rel=1e-4)


def test_a_scored_text_costs_what_evaluate_says(complete, served_run, tmp_path):
    text = "The value of an expression is an object.\n"
    (tmp_path / "text.txt").write_text(text)
    (choice,) = complete(prompt=END + text, echo=True, logprobs=0, max_tokens=0)
    assert choice["text"] == END + text
    first, *logprobs = choice["logprobs"]["token_logprobs"]
    assert first is None
    assert choice["logprobs"]["text_offset"][:3] == [0, len(END), len(END) + 1]
    assert -sum(logprobs) == pytest.approx(served_run.evaluate(corpus=str(tmp_path / "text.txt")).nats, rel=1e-5)


def test_nothing_written_is_nothing_counted(client):
    reply = client.post(PATH, {"prompt": "The ", "max_tokens": 0})
    assert reply.json["usage"]["completion_tokens"] == 0
    assert [(choice["text"], choice["finish_reason"]) for choice in reply.json["choices"]] == [("", "length")]


def test_unknown_tokens_can_be_scored(client, served_run):
    found = client.post("/tokenize", {"prompt": "a☃"}).json["tokens"]
    assert found[1] == served_run.tokenizer.unknown_id
    reply = client.post(PATH, {"prompt": [found], "echo": True, "logprobs": 1, "max_tokens": 0})
    assert math.isfinite(reply.json["choices"][0]["logprobs"]["token_logprobs"][1])


def test_the_best_are_those_with_the_highest_log_probability_per_token(client, served_run):
    body = {"prompt": ["The ", "A"], "n": 2, "best_of": 5, "seed": 7, "max_tokens": 10, "stop": "e"}
    answer = client.post(PATH, body).json
    expected = []
    for prompt in body["prompt"]:
        samples = served_run.generate(prompt, num_samples=5, seed=7, max_tokens=10, stop="e")
        expected += sorted(samples, key=lambda sample: sample.logprob / sample.tokens, reverse=True)[:2]
    assert [choice["text"] for choice in answer["choices"]] == [sample.text for sample in expected]
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert answer["usage"]["completion_tokens"] > sum(sample.tokens for sample in expected)


def streamed(client, **body):
    reply = client.post(PATH, {"prompt": "The ", "seed": 3, "max_tokens": 12, "stream": True, **body})
    assert reply.status == 200, reply.body
    return reply.events


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"n": 3},
        {"prompt": ["The ", "A"], "n": 2},
        {"stop": "e"},
        {"echo": True},
        {"logprobs": 2},
        {"prompt": f"{END}The ", "echo": True, "logprobs": 1, "n": 2},
        {"echo": True, "logprobs": 1, "max_tokens": 0},
    ],
)
def test_a_stream_is_the_same_answer_in_pieces(client, complete, body):
    events = streamed(client, **body)
    assert len({event["id"] for event in events}) == 1
    assert {event["object"] for event in events} == {"text_completion"}
    for index, whole in enumerate(complete(**body)):
        pieces = [event["choices"][0] for event in events if event["choices"][0]["index"] == index]
        assert "".join(piece["text"] for piece in pieces) == whole["text"]
        assert [piece["finish_reason"] for piece in pieces] == [None] * (len(pieces) - 1) + [whole["finish_reason"]]
        if whole["logprobs"]:
            for name, entries in whole["logprobs"].items():
                found = itertools.chain.from_iterable(piece["logprobs"][name] for piece in pieces)
                if name in ("text_offset", "tokens"):
                    assert list(found) == entries
                else:
                    assert len(list(found)) == len(entries)


def test_a_stream_tells_the_usage_where_it_is_asked_to(client):
    *chunks, last = streamed(client, stream_options={"include_usage": True}, n=2)
    assert {json.dumps(chunk["usage"]) for chunk in chunks} == {"null"}
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 4, "completion_tokens": 24, "total_tokens": 28}
    assert all("usage" not in chunk for chunk in streamed(client))


REFUSED = {
    "suffix": ({"suffix": "end"}, "suffix", "forward only"),
    "fewer best than wanted": ({"n": 3, "best_of": 2}, "best_of", "n is 3"),
    "streamed best": ({"best_of": 2, "stream": True}, "best_of", "streamed"),
    "options without a stream": ({"stream_options": {"include_usage": True}}, "stream_options", "stream"),
    "too many tokens": ({"max_tokens": 10**6}, "max_tokens", "8,192"),
    "no prompts": ({"prompt": []}, "prompt", "empty list"),
    "unknown characters": ({"prompt": "snow ☃"}, "prompt", "U+2603"),
    "half a surrogate pair": ({"prompt": "a\ud83d"}, "prompt", "U+D83D"),
    "unknown token": ({"prompt": [99999]}, "prompt", "99999"),
    "unknown token in a bias": ({"logit_bias": {"99999": 1}}, "logit_bias", "99999"),
    "too long": ({"prompt": "a" * 70_000}, "prompt", "65,536"),
    "too many samples": ({"prompt": ["a"] * 20, "n": 128}, "n", "1024"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_by_name(client, case):
    body, param, words = REFUSED[case]
    reply = client.post(PATH, {"prompt": "The ", **body})
    assert reply.status == 400
    assert reply.error["param"] == param
    assert reply.error["type"] == "invalid_request_error"
    assert words in reply.error["message"]


def test_an_empty_suffix_is_none(complete):
    assert complete(suffix="") == complete()
