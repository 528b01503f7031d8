"""`lm-eval` with local-completions: what it computes through the server is what inkloom computes itself."""

import json
import math
import os
import re
from pathlib import Path

import pytest

import inkloom
from tests.serving.clients.conftest import WINDOW

pytestmark = pytest.mark.clients

TASKS = Path(__file__).parent / "tasks"


@pytest.fixture(scope="module")
def evaluate(server, transformer_server, tmp_path_factory):
    """Run tasks of the folder beside this file on a model of the server."""
    os.environ.update(
        HF_HUB_OFFLINE="1",
        HF_DATASETS_CACHE=str(tmp_path_factory.mktemp("datasets")),
        OPENAI_API_KEY="whatever",
    )
    lm_eval = pytest.importorskip("lm_eval")
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(TASKS), include_defaults=False)

    def run(model, tasks, **arguments):
        url = (server if model == "tiny" else transformer_server).url
        given = {"model": model, "base_url": f"{url}/v1/completions", "tokenizer_backend": "remote", **arguments}
        return lm_eval.simple_evaluate(
            model="local-completions",
            model_args=",".join(f"{name}={value}" for name, value in given.items()),
            tasks=tasks,
            task_manager=manager,
            bootstrap_iters=0,
        )

    return run


@pytest.mark.parametrize("arguments", [{}, {"num_concurrent": 4}, {"batch_size": 4}, {"tokenized_requests": False}])
def test_choices_are_scored(evaluate, arguments):
    found = evaluate("tiny", ["inkloom_vowels"], **arguments)
    assert found["results"]["inkloom_vowels"]["acc,none"] == 1.0


def test_log_likelihoods_are_the_models_own(evaluate, finished_run, tmp_path):
    run = inkloom.load_run(finished_run)
    samples = evaluate("tiny", ["inkloom_vowels"])["samples"]["inkloom_vowels"]

    def nats(text):
        (tmp_path / "text.txt").write_text(text)
        return run.evaluate(corpus=str(tmp_path / "text.txt")).nats

    for sample in samples:
        text = sample["doc"]["text"]
        for choice, (logprob, _) in zip(sample["doc"]["choices"], sample["filtered_resps"], strict=True):
            assert float(logprob) == pytest.approx(nats(text) - nats(text + choice), abs=1e-3)


def test_text_is_written(evaluate, finished_run):
    run = inkloom.load_run(finished_run)
    for sample in evaluate("tiny", ["inkloom_greedy"])["samples"]["inkloom_greedy"]:
        (expected,) = run.generate(sample["doc"]["text"], greedy=True, max_tokens=8, stop="\n")
        assert sample["resps"][0][0] == expected.text


@pytest.mark.parametrize("model", ["tiny", "small-transformer"])
def test_perplexity_is_that_of_evaluate(evaluate, finished_run, transformer_run, tmp_path, model):
    """On documents shorter than a window, within 1 %. One token of lm-eval's length is for what is written."""
    run = inkloom.load_run(finished_run if model == "tiny" else transformer_run)
    documents = [json.loads(line)["page"] for line in (TASKS / "documents.jsonl").read_text().splitlines()]
    assert max(map(len, documents)) < WINDOW
    nats = characters = 0
    for document in documents:
        (tmp_path / "document.txt").write_text(document)
        scores = run.evaluate(corpus=str(tmp_path / "document.txt"))
        nats += scores.nats
        characters += scores.bytes
    words = sum(len(re.split(r"\s+", document)) for document in documents)
    found = evaluate(model, ["inkloom_wikitext"], max_length=WINDOW + 2)["results"]["inkloom_wikitext"]
    assert found["word_perplexity,none"] == pytest.approx(math.exp(nats / words), rel=0.01)
    assert found["byte_perplexity,none"] == pytest.approx(math.exp(nats / characters), rel=0.01)
