"""Errors as the OpenAI API words them: `{"error": {message, type, param, code}}`, with the right status."""

import itertools
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from inkloom.errors import InkloomError, InputError
from inkloom.serving.scheduler import QueueFullError, StoppedError

log = logging.getLogger("inkloom")

RETRY_AFTER = {"Retry-After": "1"}
LONGEST_QUOTE = 60
"""Characters of a wrong value that are quoted back."""


class ApiError(Exception):
    """What a client is told instead of an answer."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        type: str = "invalid_request_error",  # noqa: A002  the API's own name
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.body = {"error": {"message": message, "type": type, "param": param, "code": code}}

    def response(self) -> Response:
        return json_response(self.body, self.status, self.headers)


def json_response(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON in ASCII: text that UTF-8 cannot hold (half a surrogate pair that a client sent) does not break it."""
    return Response(to_json(body), status, headers, media_type="application/json")


def to_json(body: Mapping[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"), allow_nan=False)


def as_api_error(error: Exception) -> ApiError:
    """What a client may know of an error. Nothing of the machine's inside but in the log."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, QueueFullError):
        return ApiError(429, str(error), type="rate_limit_error", code="queue_full", headers=RETRY_AFTER)
    if isinstance(error, StoppedError):
        return ApiError(503, str(error), type="server_error", code="stopping", headers=RETRY_AFTER)
    if isinstance(error, InputError):
        return ApiError(400, str(error))
    if isinstance(error, InkloomError):
        return ApiError(500, str(error), type="server_error")
    log.error("A request failed.", exc_info=error)
    return ApiError(500, "The server failed at this request; its log says why.", type="server_error")


def invalid(errors: Sequence[Mapping[str, Any]]) -> ApiError:
    """The error for a body that is not what the schema says, from pydantic's list of complaints: the first field's."""
    places = itertools.groupby(errors, key=lambda error: tuple(error["loc"])[1:2])
    place, complaints = next((place, list(group)) for place, group in places)
    first = complaints[0]
    if first["type"] == "json_invalid":
        return ApiError(400, f"The body is no valid JSON: {first['ctx']['error']}.", code="invalid_json")
    if not place or not isinstance(place[0], str):
        return ApiError(400, "The body must be a JSON object.", code="invalid_json")
    param = place[0]
    if first["type"] == "extra_forbidden":
        return ApiError(400, f"Unrecognized request argument supplied: {_quoted(param)}", param=param)
    if first["type"] == "missing" and len(first["loc"]) == 2:
        message = f"Missing required parameter: {param!r}."
        return ApiError(400, message, param=param, code="missing_required_parameter")
    reasons = dict.fromkeys(_reason(complaint) for complaint in complaints)  # several where a field takes several types
    message = f"Invalid {param!r}: {', or '.join(reasons)}. Got {_quoted(json.dumps(first['input'], default=str))}."
    return ApiError(400, message, param=param, code=first["type"])


def add_handlers(app: FastAPI) -> None:
    """Answer every error of the application in the API's words."""

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        return invalid(error.errors()).response()

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        messages = {
            404: f"Unknown path: {request.method} {request.url.path}",
            405: f"{request.url.path} does not take {request.method}.",
        }
        message = messages.get(error.status_code, str(error.detail))
        return ApiError(error.status_code, message, headers=error.headers).response()

    @app.exception_handler(InkloomError)
    @app.exception_handler(ApiError)
    @app.exception_handler(Exception)
    async def on_error(request: Request, error: Exception) -> Response:
        return as_api_error(error).response()


def _reason(complaint: Mapping[str, Any]) -> str:
    message: str = complaint["msg"].removeprefix("Value error, ").rstrip(".")
    return message[:1].lower() + message[1:]


def _quoted(text: str) -> str:
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"
