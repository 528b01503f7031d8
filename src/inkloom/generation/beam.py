"""Beam search: the likeliest text as a whole, not the likeliest token at each step.

The K likeliest beginnings of a text are kept side by side; each step goes on with the K likeliest of all their
continuations. A beginning that ends is done. The search is over when K are, and none at work would be among the K best
if it ended as it is. Long texts have lower probabilities than short ones, so the score makes up for length: log p / lp,

    lp = ((5 + tokens) / 6) ^ length_penalty

of Y. Wu et al., "Google's Neural Machine Translation System" (arXiv:1609.08144), equation 14.

Nothing here knows what is searched: a language model that has read a prompt, or a decoder that has read a source.

Shapes: N texts, K candidates of each, W those of them at work (1 in the first step, then K), V vocabulary.
"""

import math
from collections.abc import Sequence, Sized
from dataclasses import dataclass, field
from typing import NamedTuple

import pydantic
import torch
from torch import Tensor

from inkloom.config import Config
from inkloom.errors import InkloomError
from inkloom.generation.rows import NOT_FINITE
from inkloom.models.base import LanguageModel, State
from inkloom.tokenizers import Tokenizer


class BeamConfig(Config):
    """How wide is searched, and what counts as best."""

    beam: int = pydantic.Field(4, ge=1, le=1000)
    """Candidates that are kept side by side."""

    length_penalty: float = pydantic.Field(1.0, ge=0, allow_inf_nan=False)
    """How much of what a text loses by its length is made up for; 0 compares plain probabilities."""


class Hypothesis(NamedTuple):
    """A text that was found."""

    token_ids: tuple[int, ...]
    """Without the end token."""

    logprob: float
    """Nats, the end token's included; float32 under the model's own softmax."""

    score: float
    """What it is ranked by: `logprob` with its length made up for."""

    ended: bool
    """Whether the model ended it, rather than `max_tokens`."""


class _Candidate(NamedTuple):
    """A beginning of a text."""

    logprob: float
    token_ids: tuple[int, ...]


@dataclass
class _Search:
    """One text at work."""

    number: int
    most: int
    candidates: list[_Candidate]
    done: list[Hypothesis] = field(default_factory=list)


@torch.inference_mode()
def beam_search(
    model: LanguageModel,
    state: State,
    last_N: Sequence[int],
    *,
    end_id: int,
    config: BeamConfig,
    max_tokens: Sequence[int],
    never: int | None = None,
) -> list[list[Hypothesis]]:
    """The hypotheses of N texts, the best first: at least one of each, at most `config.beam`.

    model: in evaluation mode. state: N rows that have read all but `last_N`, the newest token of each.
    max_tokens: the most of each text, its end token not counted, at least 1. never: a token that is not to be chosen.
    Raises InkloomError for a model whose logits are not finite.
    """
    searches = [_Search(number, most, [_Candidate(0.0, ())]) for number, most in enumerate(max_tokens)]
    found: list[list[Hypothesis]] = [[] for _ in searches]
    unread_B1 = torch.tensor(last_N, dtype=torch.int64, device=model.device)[:, None]
    while searches:
        logits_BTV, state = model(unread_B1, state)
        best, next_tokens = _continuations(logits_BTV[:, -1], searches, config.beam, never)
        rows, tokens, at_work = [], [], []
        first = 0
        for search, log_probs, continuations in zip(searches, best, next_tokens, strict=True):
            width = len(search.candidates)
            kept = _step(search, log_probs, continuations, logits_BTV.shape[-1], end_id, config)
            if kept:
                at_work.append(search)
                rows += [first + row for row, _ in kept]
                tokens += [token for _, token in kept]
            else:
                found[search.number] = sorted(search.done, key=lambda done: -done.score)[: config.beam]
            first += width
        searches = at_work
        if searches:
            state = model.select_state(state, torch.tensor(rows, device=model.device))
            unread_B1 = torch.tensor(tokens, device=model.device)[:, None]
    return found


@torch.inference_mode()
def search_about(
    model: LanguageModel, tokenizer: Tokenizer, conditions: Sized, config: BeamConfig, max_tokens: Sequence[int]
) -> list[list[Hypothesis]]:
    """`beam_search` of a text for each of the conditions that the model's `initial_state` takes together."""
    count = len(conditions)
    return beam_search(
        model,
        model.initial_state(count, conditions),
        [tokenizer.end_id] * count,
        end_id=tokenizer.end_id,
        config=config,
        max_tokens=max_tokens,
        never=tokenizer.unknown_id,
    )


def _continuations(
    logits_BV: Tensor, searches: Sequence[_Search], beam: int, never: int | None
) -> tuple[list[list[float]], list[list[int]]]:
    """For each text the 2 K likeliest continuations of its candidates: their log-probabilities, and W x V places.

    As many as K of them may end, and K are to go on.
    """
    log_probs_BV = logits_BV.to("cpu", torch.float32).log_softmax(dim=-1)
    if log_probs_BV.isnan().any():
        raise InkloomError(NOT_FINITE)
    if never is not None:
        log_probs_BV[:, never] = -math.inf
    so_far_B = torch.tensor([candidate.logprob for search in searches for candidate in search.candidates])
    log_probs_NWV = (log_probs_BV + so_far_B[:, None]).view(len(searches), -1, logits_BV.shape[1])
    best_NK = log_probs_NWV.flatten(1).topk(min(2 * beam, log_probs_NWV[0].numel()), dim=1)
    return best_NK.values.tolist(), best_NK.indices.tolist()


def _step(
    search: _Search,
    log_probs: Sequence[float],
    places: Sequence[int],
    vocab_size: int,
    end_id: int,
    config: BeamConfig,
) -> list[tuple[int, int]]:
    """Go on with one text: K pairs of a candidate's place and its next token; none where the search is over."""
    kept: list[tuple[int, int]] = []
    candidates: list[_Candidate] = []
    for rank, (logprob, place) in enumerate(zip(log_probs, places, strict=True)):
        row, token = divmod(place, vocab_size)
        token_ids = search.candidates[row].token_ids
        if token == end_id and rank < config.beam and logprob > -math.inf:
            search.done.append(_hypothesis(token_ids, logprob, config, ended=True))
        elif token != end_id and len(kept) < config.beam:
            kept.append((row, token))
            candidates.append(_Candidate(logprob, (*token_ids, token)))
    if _is_over(search.done, candidates, config):
        return []
    if not candidates or len(candidates[0].token_ids) >= search.most:
        possible = [candidate for candidate in candidates if candidate.logprob > -math.inf]
        search.done += [_hypothesis(ids, logprob, config, ended=False) for logprob, ids in possible]
        return []
    # Every text has as many candidates; a vocabulary of a few tokens may not give K, and the last ones repeat.
    missing = config.beam - len(kept)
    search.candidates = candidates + [_Candidate(-math.inf, candidates[-1].token_ids)] * missing
    return kept + kept[-1:] * missing


def _is_over(done: Sequence[Hypothesis], candidates: Sequence[_Candidate], config: BeamConfig) -> bool:
    """Whether K texts are done that are no worse than what is at work would be without its next token."""
    if len(done) < config.beam or not candidates:
        return False
    least = sorted((hypothesis.score for hypothesis in done), reverse=True)[config.beam - 1]
    best = max(candidates, key=lambda candidate: candidate.logprob)
    return least >= _score(best.logprob, len(best.token_ids), config)


def _hypothesis(token_ids: tuple[int, ...], logprob: float, config: BeamConfig, *, ended: bool) -> Hypothesis:
    return Hypothesis(token_ids, logprob, _score(logprob, len(token_ids) + ended, config), ended)


def _score(logprob: float, tokens: int, config: BeamConfig) -> float:
    """A log-probability with its length made up for."""
    return logprob / math.pow((5 + tokens) / 6, config.length_penalty)
