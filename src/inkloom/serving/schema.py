"""What the API takes, as the OpenAI API defines it, with the extensions that vLLM and other servers share."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

MOST_CHOICES = 128
"""Samples that one request may ask for, of all its prompts."""

MOST_STOPS = 16


class Body(BaseModel):
    """The body of a request: types as they are, no unknown fields, docs under the fields."""

    model_config = ConfigDict(
        extra="forbid", strict=True, use_attribute_docstrings=True, protected_namespaces=(), allow_inf_nan=False
    )


TokenIds = list[Annotated[int, Field(ge=0)]]


class StreamOptions(Body):
    """Options of streaming."""

    include_usage: bool | None = False
    """Whether one more chunk before the end tells the usage."""

    include_obfuscation: bool | None = None
    """Accepted and ignored: nothing is added to hide the sizes of chunks."""


class SamplingBody(Body):
    """What completions and chat have in common. A field that is null has its default."""

    model: str | None = None
    """A name of /v1/models; may be left out where there is only one."""

    n: Annotated[int, Field(ge=1, le=MOST_CHOICES)] | None = 1
    """Samples for each prompt."""

    temperature: Annotated[float, Field(ge=0, le=100)] | None = 1.0
    """Below 1 likely tokens gain, above 1 unlikely ones do; 0 always takes the likeliest."""

    top_p: Annotated[float, Field(gt=0, le=1)] | None = 1.0
    """Choose among the likeliest tokens that together reach this probability."""

    top_k: Annotated[int, Field(ge=-1)] | None = 0
    """Choose among the K likeliest tokens only; 0 or -1 keeps all. An extension."""

    min_p: Annotated[float, Field(ge=0, le=1)] | None = 0.0
    """Drop tokens less likely than this share of the likeliest one's probability. An extension."""

    repetition_penalty: Annotated[float, Field(gt=0)] | None = 1.0
    """Above 1, makes tokens that the prompt or the text already holds less likely. An extension."""

    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = 0.0
    """Taken off the logits of tokens that have been written."""

    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = 0.0
    """Taken off the logits of a token for every time that it has been written."""

    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] | None = None
    """Added to the logits of tokens, by token id."""

    stop: (
        Annotated[str, Field(min_length=1)]
        | Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=MOST_STOPS)]
        | None
    ) = None
    """Texts that end a sample when they appear; they are not part of it."""

    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    """Same seed, same text, whatever else the server does."""

    stream: bool | None = False
    """Whether the text is sent in pieces as it is written, as server-sent events."""

    stream_options: StreamOptions | None = None
    """Only with `stream`."""

    user: str | None = None
    """Accepted and ignored."""

    @field_validator("logit_bias")
    @classmethod
    def _keys_are_ids(cls, bias: dict[str, float] | None) -> dict[str, float] | None:
        for key in bias or {}:
            if not (key.isascii() and key.isdecimal() and len(key) < 10):
                raise ValueError("its keys are token ids")
        return bias


class CompletionBody(SamplingBody):
    """POST /v1/completions."""

    prompt: str | list[str] | TokenIds | list[TokenIds]
    """A text, token ids, or several of either. An empty text begins where `inkloom generate` without a prompt does."""

    max_tokens: Annotated[int, Field(ge=0)] | None = 16
    """The most tokens to write; 0 writes none, which with `echo` and `logprobs` scores the prompt."""

    best_of: Annotated[int, Field(ge=1, le=MOST_CHOICES)] | None = None
    """Write so many samples and keep the `n` with the highest log-probability per token."""

    echo: bool | None = False
    """Whether each text begins with its prompt."""

    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    """Report the log-probability of each token, and of as many of the likeliest in its place."""

    suffix: str | None = None
    """Refused: these models write forward only."""


class TextPart(Body):
    """A piece of a message."""

    type: Literal["text"]
    text: str


class Message(Body):
    """One message of a chat."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]
    name: str | None = None
    """Accepted and ignored."""


class ResponseFormat(Body):
    """What the answer is to look like: text."""

    type: Literal["text"]


class ChatBody(SamplingBody):
    """POST /v1/chat/completions."""

    messages: Annotated[list[Message], Field(min_length=1)]
    """The texts that the model continues, each on lines of its own."""

    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """The most tokens to write; 200 where neither this nor max_completion_tokens is given."""

    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    """The same under its newer name, which counts where both are given."""

    logprobs: bool | None = False
    """Report the log-probability of each token."""

    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    """With `logprobs`, report as many of the likeliest tokens in each place."""

    response_format: ResponseFormat | None = None


class TokenizeBody(Body):
    """POST /tokenize."""

    prompt: str
    model: str | None = None
    add_special_tokens: bool | None = True
    """Accepted and ignored: texts get no tokens of their own; <|endoftext|> in a text is the end token."""

    return_token_strs: bool | None = False
    """Whether to return what each token reads as."""


class DetokenizeBody(Body):
    """POST /detokenize."""

    tokens: TokenIds
    model: str | None = None


class ErrorInfo(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorReply(BaseModel):
    """Every answer that is no success."""

    error: ErrorInfo


class ModelInfo(BaseModel):
    """A run that is served."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    family: str
    max_model_len: int | None
    """Tokens that a prediction can depend on; null where there is no limit. Longer prompts are read; a Transformer
    drops the older half of its window whenever that is full."""


class ModelList(BaseModel):
    """GET /v1/models."""

    object: Literal["list"]
    data: list[ModelInfo]


class Usage(BaseModel):
    """How many tokens were read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Logprobs(BaseModel):
    """One entry for each token. The first of a prompt has neither log-probability nor alternatives."""

    text_offset: list[int]
    token_logprobs: list[float | None]
    tokens: list[str]
    top_logprobs: list[dict[str, float] | None]


class CompletionChoice(BaseModel):
    """A sample."""

    text: str
    index: int
    logprobs: Logprobs | None
    finish_reason: Literal["stop", "length"] | None


class Completion(BaseModel):
    """The answer to POST /v1/completions; its chunks look alike."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage | None


class ChatMessage(BaseModel):
    """What the model wrote."""

    role: Literal["assistant"]
    content: str
    refusal: None


class ChatChoice(BaseModel):
    """A sample."""

    index: int
    message: ChatMessage
    logprobs: dict[str, Any] | None
    finish_reason: Literal["stop", "length"]


class ChatCompletion(BaseModel):
    """The answer to POST /v1/chat/completions."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage
    chat_template: Literal["plain"]
    """The model knows no roles: it continues the messages, joined by line ends."""


class Tokens(BaseModel):
    """The answer to POST /tokenize."""

    count: int
    max_model_len: int | None
    tokens: list[int]
    token_strs: list[str] | None


class Text(BaseModel):
    """The answer to POST /detokenize."""

    prompt: str


class TokenizerInfo(BaseModel):
    """GET /tokenizer_info."""

    tokenizer_class: str
    vocab_size: int
    bos_token: str
    eos_token: str
    pad_token: None
    unk_token: str | None
    model_max_length: int | None
    add_bos_token: bool
    chat_template: str


class Health(BaseModel):
    """GET /health."""

    status: Literal["ok"]
