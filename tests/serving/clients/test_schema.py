"""Requests drawn from the API's own schema, right and wrong ones: never a 500, and every error in the API's words."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from inkloom.serving.app import create_app
from inkloom.serving.settings import ServerSettings

pytestmark = pytest.mark.clients

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OPERATIONS = [
    *("GET /v1/models", "GET /v1/models/{model}", "POST /v1/completions", "POST /v1/chat/completions"),
    *("POST /tokenize", "POST /detokenize", "GET /tokenizer_info", "GET /health", "GET /metrics"),
]


@pytest.fixture(scope="module")
def schema(finished_run):
    import inkloom

    app = create_app([inkloom.load_run(finished_run)], ServerSettings(max_tokens=64, host="testserver"))
    yield schemathesis.openapi.from_asgi("/openapi.json", app)
    app.state.engines.close()


def test_every_operation_is_tried_here(schema):
    found = [result.ok() for result in schema.get_all_operations()]
    assert {f"{operation.method.upper()} {operation.path}" for operation in found} == set(OPERATIONS)


CASES = [(name, GenerationMode.POSITIVE) for name in OPERATIONS]
CASES += [(name, GenerationMode.NEGATIVE) for name in OPERATIONS if name.startswith("POST")]


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_every_answer_is_what_the_schema_says(schema, name, mode):
    method, path = name.split()
    operation = schema[path][method]

    @settings(max_examples=50, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case):
        if mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
            case.body.pop("model", None)  # few names that are drawn are a model's
        answer = case.call()
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code >= 400:
            assert set(answer.json()["error"]) == {"message", "type", "param", "code"}

    ask()
