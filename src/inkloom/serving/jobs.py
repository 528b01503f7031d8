"""Requests that have been checked: what is to be written, and what is to be told about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from inkloom.config import build
from inkloom.errors import InputError
from inkloom.generation import GenerationConfig
from inkloom.generation.rows import Request, Token
from inkloom.generation.samples import sample_requests
from inkloom.serving.engine import Engine
from inkloom.serving.errors import ApiError
from inkloom.serving.reports import Entry
from inkloom.serving.schema import ChatBody, CompletionBody, Message, SamplingBody, TextPart
from inkloom.serving.settings import ServerSettings

COMPLETION_TOKENS = 16
CHAT_TOKENS = 200
"""Tokens that are written where a request gives no number: as in the OpenAI API, and as `inkloom generate` does."""


@dataclass(frozen=True)
class Job:
    """The samples of one request, prompt after prompt."""

    engine: Engine
    prompts: list[list[int]]
    """As the client gave them."""

    requests: list[Request]
    """`samples` for each prompt."""

    samples: int
    kept: int
    """Of each prompt's samples, those with the highest log-probability per token are kept."""

    echo: bool
    logprobs: int | None
    """How many of the likeliest tokens to tell in the place of each; None tells no log-probabilities."""

    stream: bool
    include_usage: bool
    writes: bool = True
    """Whether the texts are wanted; else each request writes one token, which is not shown."""

    def prompt_of(self, place: int) -> list[int]:
        """The prompt of a request."""
        return self.prompts[place // self.samples]

    def prompt_entries(self, place: int, first: Token) -> list[Entry]:
        """What to report of a request's prompt; its first token has nothing before it."""
        ids = self.prompt_of(place)
        scores = list(first.prompt or ())
        known = [None] * (len(ids) - len(scores)) + scores  # an end token that the client gave has not been scored
        return [
            Entry(token, None) if number == 0 or score is None else Entry(token, score.logprob, score.likeliest)
            for number, (token, score) in enumerate(zip(ids, known, strict=True))
        ]

    @property
    def prompt_tokens(self) -> int:
        return sum(map(len, self.prompts))


def completion_job(body: CompletionBody, engine: Engine, settings: ServerSettings) -> Job:
    """Check a body of /v1/completions. ApiError where it asks for what cannot be."""
    if body.suffix:
        message = "suffix is not supported: these models write forward only, so nothing can be filled in before a text."
        raise ApiError(400, message, param="suffix", code="unsupported_parameter")
    kept = body.n or 1
    samples = kept if body.best_of is None else body.best_of
    if samples < kept:
        raise ApiError(400, f"best_of is {samples}, but n is {kept}; best_of is n at least.", param="best_of")
    if body.stream and samples > kept:
        raise ApiError(400, "best_of above n cannot be streamed: the best are known at the end.", param="best_of")
    prompts = [_ids(engine, prompt) for prompt in _prompts(body)]
    max_tokens = COMPLETION_TOKENS if body.max_tokens is None else body.max_tokens
    echo, writes = bool(body.echo), max_tokens > 0
    return _job(
        body,
        engine,
        settings,
        prompts=prompts,
        config=_config(body, samples, max_tokens or 1, settings),
        kept=kept,
        echo=echo,
        logprobs=body.logprobs,
        writes=writes,
    )


def chat_job(body: ChatBody, engine: Engine, settings: ServerSettings) -> Job:
    """Check a body of /v1/chat/completions. ApiError where it asks for what cannot be."""
    if body.top_logprobs is not None and not body.logprobs:
        raise ApiError(400, "top_logprobs needs logprobs to be true.", param="top_logprobs")
    max_tokens = body.max_completion_tokens or body.max_tokens or CHAT_TOKENS
    n = body.n or 1
    return _job(
        body,
        engine,
        settings,
        prompts=[_ids(engine, plain_template(body.messages, engine), param="messages")],
        config=_config(body, n, max_tokens, settings),
        kept=n,
        echo=False,
        logprobs=(body.top_logprobs or 0) if body.logprobs else None,
    )


def plain_template(messages: Sequence[Message], engine: Engine) -> str:
    """The prompt of a chat with a model that knows no roles: the messages, a line end after each."""
    separator = next((mark for mark in ("\n", " ") if engine.vocabulary.knows(mark)), "")
    return "".join(_text(message) + separator for message in messages)


def check_ids(engine: Engine, ids: Iterable[int], param: str) -> None:
    """ApiError for token ids that the vocabulary lacks."""
    size = engine.vocabulary.size
    if beyond := [token for token in ids if token >= size]:
        message = f"{param} has token {beyond[0]}; the vocabulary has {size}, from 0 on."
        raise ApiError(400, message, param=param, code="unknown_token")


def _job(
    body: SamplingBody,
    engine: Engine,
    settings: ServerSettings,
    *,
    prompts: list[list[int]],
    config: GenerationConfig,
    kept: int,
    echo: bool,
    logprobs: int | None,
    writes: bool = True,
) -> Job:
    if body.stream_options is not None and not body.stream:
        raise ApiError(400, "stream_options is for streams; set stream to true.", param="stream_options")
    if len(prompts) * config.num_samples > settings.max_queue:
        raise ApiError(400, f"One request may ask for {settings.max_queue} samples in all.", param="n")
    if sum(map(len, prompts)) > settings.max_prompt_tokens:
        message = (
            f"The prompts have {sum(map(len, prompts)):,} tokens; at most {settings.max_prompt_tokens:,} are read."
        )
        raise ApiError(400, message, param="prompt", code="context_length_exceeded")
    check_ids(engine, config.logit_bias, "logit_bias")
    # Every text begins after an end token; one that the client gave is that token.
    own = [ids[1:] if ids[:1] == [engine.vocabulary.end_id] else ids for ids in prompts]
    scored = echo and logprobs is not None
    return Job(
        engine=engine,
        prompts=prompts,
        requests=[replace(one, likeliest=logprobs or 0, score_prompt=scored) for one in sample_requests(own, config)],
        samples=config.num_samples,
        kept=kept,
        echo=echo,
        logprobs=logprobs,
        stream=bool(body.stream),
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
        writes=writes,
    )


def _config(body: SamplingBody, samples: int, max_tokens: int, settings: ServerSettings) -> GenerationConfig:
    if max_tokens > settings.max_tokens:
        message = f"max_tokens is {max_tokens:,}; this server writes at most {settings.max_tokens:,} in one sample."
        raise ApiError(400, message, param="max_tokens")
    given = {
        "max_tokens": max_tokens,
        "num_samples": samples,
        "temperature": body.temperature,
        "top_p": body.top_p,
        "top_k": None if body.top_k is None else max(0, body.top_k),
        "min_p": body.min_p,
        "repetition_penalty": body.repetition_penalty,
        "presence_penalty": body.presence_penalty,
        "frequency_penalty": body.frequency_penalty,
        "logit_bias": {int(token): bias for token, bias in (body.logit_bias or {}).items()},
        "stop": body.stop or (),
        "seed": None if body.seed is None else body.seed % 2**64,
    }
    return build(GenerationConfig, {name: value for name, value in given.items() if value is not None}, "request")


def _prompts(body: CompletionBody) -> Sequence[str | list[int]]:
    prompt = body.prompt
    if isinstance(prompt, str):
        return [prompt]
    if not prompt:
        raise ApiError(400, "prompt is an empty list; it takes a text, token ids, or a list of those.", param="prompt")
    if isinstance(prompt[0], int):
        return [[token for token in prompt if isinstance(token, int)]]
    return [one for one in prompt if not isinstance(one, int)]


def _ids(engine: Engine, prompt: str | list[int], param: str = "prompt") -> list[int]:
    if isinstance(prompt, str):
        try:
            return engine.vocabulary.encode_prompt(prompt)
        except InputError as error:
            raise ApiError(400, str(error), param=param, code="unknown_text") from error
    check_ids(engine, prompt, param)
    return prompt


def _text(message: Message) -> str:
    parts = [TextPart(type="text", text=message.content)] if isinstance(message.content, str) else message.content
    return "".join(part.text for part in parts)
