"""The endpoints that tell what is served and how texts become tokens."""

import re

import pytest

from inkloom.serving.vocabulary import END


def test_models_are_listed_with_their_windows(client, served_run):
    listed = client.get("/v1/models").json
    assert listed["object"] == "list"
    (model,) = listed["data"]
    assert model.pop("created") > 1.7e9
    assert model == {"id": "tiny", "object": "model", "owned_by": "inkloom", "family": "lstm", "max_model_len": None}
    assert client.get("/v1/models/tiny").json["id"] == "tiny"
    missing = client.get("/v1/models/tinny")
    assert (missing.status, missing.error["code"], missing.error["param"]) == (404, "model_not_found", "model")
    assert "Did you mean tiny?" in missing.error["message"]


def test_a_request_may_leave_out_the_model_where_there_is_one(serve, served_run, tmp_path):
    import shutil

    import inkloom

    shutil.copytree(served_run.directory.path, tmp_path / "other")
    both = serve(served_run, inkloom.load_run(tmp_path / "other"))
    body = {"prompt": "a", "max_tokens": 1}
    reply = both.post("/v1/completions", body)
    assert (reply.status, reply.error["param"], reply.error["code"]) == (400, "model", "missing_required_parameter")
    assert "tiny, other" in reply.error["message"]
    assert both.post("/v1/completions", {**body, "model": "other"}).json["model"] == "other"
    unknown = both.post("/v1/completions", {**body, "model": "gpt-4"})
    assert (unknown.status, unknown.error["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("text", ["", "The value", f"{END}The{END}", f"{END}{END}a"])
def test_texts_survive_the_way_to_tokens_and_back(client, text):
    tokens = client.post("/tokenize", {"prompt": text, "add_special_tokens": False}).json
    assert tokens["count"] == len(tokens["tokens"])
    assert client.post("/detokenize", {"tokens": tokens["tokens"]}).json == {"prompt": text}


def test_tokens_are_those_of_the_run(client, served_run):
    reply = client.post("/tokenize", {"prompt": f"The{END}☃", "return_token_strs": True}).json
    tokenizer = served_run.tokenizer
    assert reply["tokens"] == [*tokenizer.encode_prompt("The"), tokenizer.end_id, tokenizer.unknown_id]
    assert reply["token_strs"] == ["T", "h", "e", END, "\ufffd"]
    assert client.post("/tokenize", {"prompt": "The"}).json["token_strs"] is None


def test_the_tokenizer_tells_what_a_client_needs_to_score_texts(client, served_run):
    info = client.get("/tokenizer_info").json
    assert info["vocab_size"] == served_run.tokenizer.vocab_size
    assert info["tokenizer_class"] == "CharTokenizer"
    assert info["bos_token"] == info["eos_token"] == END
    assert client.post("/tokenize", {"prompt": info["eos_token"]}).json["tokens"] == [served_run.tokenizer.end_id]
    assert client.get("/tokenizer_info?model=nope").status == 404


def test_unknown_ids_are_refused(client):
    reply = client.post("/detokenize", {"tokens": [1, 10**6]})
    assert (reply.status, reply.error["param"]) == (400, "tokens")


def test_health(client):
    assert client.get("/health").json == {"status": "ok"}


def test_metrics_count_requests_and_tokens(serve, served_run):
    client = serve(served_run)
    client.post("/v1/completions", {"prompt": "The ", "max_tokens": 7, "n": 2, "logit_bias": {"1": -100}})
    client.post("/v1/completions", {"prompt": 1})
    client.get("/v1/nothing")
    reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = dict(re.findall(r"^(\S+) (\S+)$", reply.body.decode(), flags=re.MULTILINE))
    assert float(found['inkloom_requests_total{path="/v1/completions",status="200"}']) == 1
    assert float(found['inkloom_requests_total{path="/v1/completions",status="400"}']) == 1
    assert float(found['inkloom_requests_total{path="other",status="404"}']) == 1
    assert float(found['inkloom_prompt_tokens_total{model="tiny"}']) == 4
    assert float(found['inkloom_written_tokens_total{model="tiny"}']) == 14
    assert float(found['inkloom_first_token_seconds_count{model="tiny"}']) == 1
    assert float(found['inkloom_samples_running{model="tiny"}']) == 0
    assert float(found['inkloom_samples_waiting{model="tiny"}']) == 0


def test_the_schema_names_every_path_and_refusal(client):
    schema = client.get("/openapi.json").json
    assert {"/v1/models", "/v1/completions", "/v1/chat/completions", "/tokenize", "/health"} <= schema["paths"].keys()
    for path in schema["paths"].values():
        for operation in path.values():
            assert "422" not in operation["responses"]
            assert "400" in operation["responses"]
