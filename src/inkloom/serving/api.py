"""The endpoints of the API: https://platform.openai.com/docs/api-reference, and vLLM's for tokens."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from inkloom.errors import unknown_name
from inkloom.serving import schema
from inkloom.serving.answers import Answer, EventStream
from inkloom.serving.engine import Engine, Engines
from inkloom.serving.errors import ApiError, json_response
from inkloom.serving.jobs import Job, chat_job, check_ids, completion_job
from inkloom.serving.metrics import Metrics
from inkloom.serving.shapes import ChatShape, CompletionShape, Shape
from inkloom.serving.vocabulary import END

CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
"""What `jobs.plain_template` does, for clients that render chats themselves."""

REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": schema.ErrorReply, "description": description}
    for status, description in {
        400: "The request is not what it should be.",
        401: "The key is wrong or missing.",
        403: "The Host is none of this machine's names.",
        404: "There is no such model or path.",
        405: "The path does not take this method.",
        408: "It took too long.",
        413: "The body is too large.",
        415: "The body is no JSON.",
        429: "Too many samples wait already.",
        500: "The server failed.",
        503: "The server is stopping.",
    }.items()
}
EVENTS = {"text/event-stream": {"schema": {"type": "string"}}}


def router(engines: Engines, metrics: Metrics) -> APIRouter:
    """The endpoints for these engines."""
    api = APIRouter(responses=REFUSALS)
    settings = engines.settings

    async def answered(job: Job, shape: type[Shape], request: Request) -> Response:
        answer = Answer(job, shape(job.engine.name), settings.max_seconds, metrics)
        return EventStream(answer) if job.stream else await answer.response(request.receive)

    @api.get("/v1/models", response_model=schema.ModelList)
    async def models() -> Response:
        return json_response({"object": "list", "data": [_about(engine) for engine in engines.values()]})

    @api.get("/v1/models/{model}", response_model=schema.ModelInfo)
    async def model(model: str) -> Response:
        return json_response(_about(_pick(engines, model)))

    @api.post("/v1/completions", response_model=schema.Completion, responses={200: {"content": EVENTS}})
    async def completions(body: schema.CompletionBody, request: Request) -> Response:
        return await answered(completion_job(body, _pick(engines, body.model), settings), CompletionShape, request)

    @api.post("/v1/chat/completions", response_model=schema.ChatCompletion, responses={200: {"content": EVENTS}})
    async def chat(body: schema.ChatBody, request: Request) -> Response:
        return await answered(chat_job(body, _pick(engines, body.model), settings), ChatShape, request)

    @api.post("/tokenize", response_model=schema.Tokens)
    async def tokenize(body: schema.TokenizeBody) -> Response:
        engine = _pick(engines, body.model)
        ids = engine.vocabulary.encode(body.prompt)
        texts = [engine.vocabulary.text_of(token) for token in ids] if body.return_token_strs else None
        window = engine.model.context_window
        return json_response({"count": len(ids), "max_model_len": window, "tokens": ids, "token_strs": texts})

    @api.post("/detokenize", response_model=schema.Text)
    async def detokenize(body: schema.DetokenizeBody) -> Response:
        engine = _pick(engines, body.model)
        check_ids(engine, body.tokens, "tokens")
        return json_response({"prompt": engine.vocabulary.decode(body.tokens)})

    @api.get("/tokenizer_info", response_model=schema.TokenizerInfo)
    async def tokenizer_info(model: str | None = None) -> Response:
        engine = _pick(engines, model)
        unknown = engine.tokenizer.unknown_id
        return json_response(
            {
                "tokenizer_class": type(engine.tokenizer).__name__,
                "vocab_size": engine.vocabulary.size,
                "bos_token": END,
                "eos_token": END,
                "pad_token": None,
                "unk_token": None if unknown is None else engine.vocabulary.text_of(unknown),
                "model_max_length": engine.model.context_window,
                "add_bos_token": False,
                "chat_template": CHAT_TEMPLATE,
            }
        )

    @api.get("/health", response_model=schema.Health)
    async def health() -> Response:
        return json_response({"status": "ok"})

    @api.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def prometheus() -> Response:
        return Response(metrics.exposition(), headers={"Content-Type": metrics.content_type})

    return api


def _pick(engines: Engines, name: str | None) -> Engine:
    """The engine of a request; the only one where it names none."""
    if name is None and len(engines) == 1:
        return next(iter(engines.values()))
    if name is None:
        message = f"Missing required parameter: 'model'. Known: {', '.join(engines)}."
        raise ApiError(400, message, param="model", code="missing_required_parameter")
    if name not in engines:
        unknown = unknown_name("open run", name, engines)
        raise ApiError(404, str(unknown), param="model", code="model_not_found")
    return engines[name]


def _about(engine: Engine) -> dict[str, Any]:
    created = engine.run.config.created
    return {
        "id": engine.name,
        "object": "model",
        "created": int(datetime.fromisoformat(created).timestamp()) if created else 0,
        "owned_by": "inkloom",
        "family": engine.run.config.model["name"],
        "max_model_len": engine.model.context_window,
    }
