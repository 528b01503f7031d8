"""Text from prompts: whole samples, or one as it is written."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inkloom.generation.beam import BeamConfig, beam_search
from inkloom.generation.decode import ROWS_AT_ONCE, decode, decode_all
from inkloom.generation.prompts import read_tokens
from inkloom.generation.rows import Request, Token
from inkloom.generation.sampling import generator_of_sample
from inkloom.generation.settings import GenerationConfig
from inkloom.generation.text_stream import FinishReason
from inkloom.models.base import LanguageModel
from inkloom.models.evaluating import evaluating
from inkloom.tokenizers.base import Tokenizer


@dataclass(frozen=True)
class Sample:
    """A finished text."""

    text: str
    """The continuation, without its prompt and without the stop text that ended it."""

    token_ids: tuple[int, ...]
    """Every token that was drawn: the end token, or the tokens of a stop text, included."""

    finish_reason: FinishReason

    logprob: float
    """Nats: the sum over `token_ids`, under the model's own softmax, before temperature and filters."""

    @property
    def tokens(self) -> int:
        """How many tokens were drawn."""
        return len(self.token_ids)


def generate(
    model: LanguageModel, tokenizer: Tokenizer, prompts: str | Sequence[str], config: GenerationConfig
) -> list[Sample]:
    """`config.num_samples` samples for each prompt, prompt after prompt.

    With `config.beam` they are the likeliest that a search finds, the best first, and fewer where it finds fewer.
    A sample depends on its prompt, the settings, the seed and its number among its prompt's samples, on nothing else.
    Raises InputError for a prompt with text that the tokenizer does not know.
    """
    prompts = [prompts] if isinstance(prompts, str) else prompts
    if config.beam > 1:
        return [sample for prompt in prompts for sample in _likeliest(model, tokenizer, prompt, config)]
    requests = sample_requests([tokenizer.encode_prompt(prompt) for prompt in prompts], config)
    spaces = [untold_space(tokenizer, prompt) for prompt in prompts for _ in range(config.num_samples)]
    return write_all(model, tokenizer, requests, spaces)


def write_all(
    model: LanguageModel,
    tokenizer: Tokenizer,
    requests: Sequence[Request],
    spaces: Sequence[str],
    rows_at_once: int = ROWS_AT_ONCE,
) -> list[Sample]:
    """A sample for each request. spaces: what `untold_space` says of the prompt of each."""
    weights = requests[0].settings.weights if requests else "float32"
    written = decode_all(model, tokenizer, requests, rows_at_once, weights)
    return [_sample(tokens, space) for tokens, space in zip(written, spaces, strict=True)]


def sample_requests(prompts: Sequence[Sequence[int]], config: GenerationConfig) -> list[Request]:
    """What `generate` asks of the decode loop for prompts' ids: `config.num_samples` for each, numbered from 0."""
    seeded = [(prompt, _seed(config)) for prompt in prompts]  # without a given seed, like prompts go on differently
    return [
        Request(prompt, config, generator_of_sample(seed, sample))
        for prompt, seed in seeded
        for sample in range(config.num_samples)
    ]


def _likeliest(model: LanguageModel, tokenizer: Tokenizer, prompt: str, config: GenerationConfig) -> list[Sample]:
    """The `config.num_samples` likeliest texts that beam search finds after a prompt, the best first."""
    ids = tokenizer.encode_prompt(prompt)
    with evaluating(model):
        *read, last = tokenizer.end_id, *ids
        (found,) = beam_search(
            model,
            read_tokens(model, read),
            [last],
            end_id=tokenizer.end_id,
            config=BeamConfig(beam=config.beam),
            max_tokens=[config.max_tokens],
            never=tokenizer.unknown_id,
        )
    samples = []
    for hypothesis in found[: config.num_samples]:
        decoder = tokenizer.decoder(ids)
        text = "".join(map(decoder.push, hypothesis.token_ids)) + decoder.flush()
        samples.append(
            Sample(
                text=text.removeprefix(untold_space(tokenizer, prompt)),
                token_ids=hypothesis.token_ids + (tokenizer.end_id,) * hypothesis.ended,
                finish_reason="stop" if hypothesis.ended else "length",
                logprob=hypothesis.logprob,
            )
        )
    return samples


def stream(
    model: LanguageModel, tokenizer: Tokenizer, prompt: str, config: GenerationConfig, sample: int = 0
) -> Iterator[str]:
    """The text of one sample, piece by piece as it becomes final: `generate`'s sample of that number for the prompt.

    Raises InputError at once for a prompt with text that the tokenizer does not know.
    """
    request = Request(tokenizer.encode_prompt(prompt), config, generator_of_sample(_seed(config), sample))
    return stream_one(model, tokenizer, request, untold_space(tokenizer, prompt))


def stream_one(model: LanguageModel, tokenizer: Tokenizer, request: Request, space: str) -> Iterator[str]:
    """The text of a request, piece by piece. space: what `untold_space` says of its prompt."""
    steps = decode(model, tokenizer, [request], weights=request.settings.weights)
    texts = (token.text for (token,) in steps if token.text)
    return _without_space(texts, space)


def untold_space(tokenizer: Tokenizer, prompt: str) -> str:
    """The space at a prompt's end where its ids do not tell it, as those of words: what is written begins with it."""
    told = not prompt.endswith(" ") or tokenizer.decode(tokenizer.encode_prompt(prompt)).endswith(" ")
    return "" if told else " "


def _without_space(texts: Iterator[str], space: str) -> Iterator[str]:
    yield from (text for text in (next(texts, "").removeprefix(space),) if text)
    yield from texts


def _seed(config: GenerationConfig) -> int:
    return secrets.randbits(32) if config.seed is None else config.seed


def _sample(tokens: Sequence[Token], space: str) -> Sample:
    finish_reason = tokens[-1].finish_reason
    assert finish_reason is not None, "decode ends with finished rows"
    return Sample(
        text="".join(token.text for token in tokens).removeprefix(space),
        token_ids=tuple(token.id for token in tokens),
        finish_reason=finish_reason,
        logprob=sum(token.logprob for token in tokens),
    )
