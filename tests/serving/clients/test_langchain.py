"""LangChain's OpenAI classes."""

import pytest
from langchain_openai import OpenAI

import inkloom

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def model(server):
    return OpenAI(model="tiny", base_url=f"{server.url}/v1", api_key="whatever", max_tokens=20, seed=3, temperature=0.7)


def test_texts_whole_and_streamed(model, finished_run):
    (sample,) = inkloom.load_run(finished_run).generate("The ", max_tokens=20, seed=3, temperature=0.7)
    assert model.invoke("The ") == sample.text
    assert "".join(model.stream("The ")) == sample.text


def test_batches_and_stop_texts(model, finished_run):
    run = inkloom.load_run(finished_run)
    settings = {"max_tokens": 20, "seed": 3, "temperature": 0.7}
    assert model.batch(["The ", "A"]) == [run.generate(text, **settings)[0].text for text in ("The ", "A")]
    assert model.invoke("The ", stop=["e"]) == run.generate("The ", stop="e", **settings)[0].text
