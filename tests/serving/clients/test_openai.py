"""The `openai` package."""

import asyncio

import openai
import pytest

import inkloom

pytestmark = pytest.mark.clients

MODEL = "tiny"


@pytest.fixture(scope="module")
def client(server):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="whatever", max_retries=0)


@pytest.fixture(scope="module")
def run(finished_run):
    return inkloom.load_run(finished_run)


def test_models(client):
    assert [model.id for model in client.models.list()] == ["tiny"]
    assert client.models.retrieve("tiny").owned_by == "inkloom"


def test_completions(client, run):
    answer = client.completions.create(model=MODEL, prompt="The ", seed=5, max_tokens=30, n=2, temperature=0.8)
    samples = run.generate("The ", seed=5, max_tokens=30, num_samples=2, temperature=0.8)
    assert [choice.text for choice in answer.choices] == [sample.text for sample in samples]
    assert answer.usage.total_tokens == 4 + 60


def test_fields_that_are_extensions(client, run):
    extras = {"top_k": 5, "min_p": 0.01, "repetition_penalty": 1.1}
    answer = client.completions.create(model=MODEL, prompt="The ", seed=5, max_tokens=30, extra_body=extras)
    assert answer.choices[0].text == run.generate("The ", seed=5, max_tokens=30, **extras)[0].text


def test_streamed_completions(client, run):
    stream = client.completions.create(
        model=MODEL, prompt="The ", seed=5, max_tokens=30, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)
    assert text == run.generate("The ", seed=5, max_tokens=30)[0].text
    assert chunks[-1].usage.completion_tokens == 30


def test_a_stream_can_be_left(client):
    with client.completions.create(model=MODEL, prompt="The ", max_tokens=5000, stream=True) as stream:
        assert next(iter(stream)).choices[0].text


def test_log_probabilities(client, run):
    answer = client.completions.create(
        model=MODEL, prompt="The value", echo=True, logprobs=2, max_tokens=3, temperature=0
    )
    found = answer.choices[0].logprobs
    assert found.tokens == list(answer.choices[0].text)
    assert found.token_logprobs[0] is None
    assert all(logprob <= 0 for logprob in found.token_logprobs[1:])
    (sample,) = run.generate("The value", max_tokens=3, greedy=True)
    assert sum(found.token_logprobs[-3:]) == pytest.approx(sample.logprob, rel=1e-4)
    assert found.text_offset == list(range(12))


def test_chats(client):
    messages = [{"role": "user", "content": "The value"}]
    answer = client.chat.completions.create(
        model=MODEL, messages=messages, seed=1, max_completion_tokens=20, logprobs=True, top_logprobs=3
    )
    (choice,) = answer.choices
    assert choice.message.role == "assistant"
    assert "".join(entry.token for entry in choice.logprobs.content) == choice.message.content
    stream = client.chat.completions.create(
        model=MODEL, messages=messages, seed=1, max_completion_tokens=20, stream=True
    )
    assert "".join(chunk.choices[0].delta.content for chunk in stream) == choice.message.content


@pytest.mark.parametrize(
    ("body", "kind", "param"),
    [
        ({"model": "gpt-4"}, openai.NotFoundError, "model"),
        ({"temperature": -1}, openai.BadRequestError, "temperature"),
        ({"prompt": "snow ☃"}, openai.BadRequestError, "prompt"),
        ({"suffix": "end"}, openai.BadRequestError, "suffix"),
        ({"extra_body": {"temprature": 1}}, openai.BadRequestError, "temprature"),
    ],
)
def test_errors_are_raised_as_what_they_are(client, body, kind, param):
    with pytest.raises(kind) as raised:
        client.completions.create(**{"model": MODEL, "prompt": "a", **body})
    assert raised.value.param == param
    assert raised.value.type == "invalid_request_error"


def test_a_wrong_key_is_an_authentication_error(finished_run):
    from tests.serving.process import Serving

    serving = Serving(finished_run, INKLOOM_API_KEY="right")
    try:
        with pytest.raises(openai.AuthenticationError):
            openai.OpenAI(base_url=f"{serving.url}/v1", api_key="wrong").models.list()
        assert openai.OpenAI(base_url=f"{serving.url}/v1", api_key="right").models.list().data
    finally:
        serving.kill()


def test_many_at_once_get_their_own_texts(server, run):
    client = openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="whatever", max_retries=0)

    async def one(seed):
        answer = await client.completions.create(model=MODEL, prompt="The ", seed=seed, max_tokens=40)
        return answer.choices[0].text

    async def everybody():
        return await asyncio.gather(*map(one, range(16)))

    texts = asyncio.run(everybody())
    assert texts == [run.generate("The ", seed=seed, max_tokens=40)[0].text for seed in range(16)]
