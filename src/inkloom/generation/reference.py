"""The slow reference of the decode loop: one sample, no state carried, the filters by their definitions.

Every step reads the whole text again from a fresh state and works on plain Python numbers, so that it can be checked by
eye. The tests hold `decode` against it.
"""

import itertools
import math
from collections import Counter
from collections.abc import Sequence

import torch

from inkloom.generation.rows import Request
from inkloom.generation.settings import GenerationConfig
from inkloom.models.base import LanguageModel
from inkloom.models.choice import LEAST_UNIFORM
from inkloom.tokenizers.base import Tokenizer


@torch.inference_mode()
def reference_tokens(model: LanguageModel, tokenizer: Tokenizer, request: Request) -> list[int]:
    """The tokens that `decode` writes for a request without stop texts, one by one from the beginning each time."""
    text = list(request.prompt)
    written: list[int] = []
    while len(written) < request.settings.max_tokens and written[-1:] != [tokenizer.end_id]:
        tokens_BT = torch.tensor([[tokenizer.end_id, *text]], device=model.device)
        logits_BTV, _ = model(tokens_BT, model.initial_state(1))
        scores = reference_scores(logits_BTV[0, -1].tolist(), set(text), request.settings, written)
        if tokenizer.unknown_id is not None:
            scores.pop(tokenizer.unknown_id, None)
        if not request.settings.is_greedy:
            uniform = torch.empty(model.vocab_size).uniform_(generator=request.generator).tolist()
            scores = {token: score + _gumbel(uniform[token]) for token, score in scores.items()}
        written.append(max(scores, key=scores.__getitem__))
        text.append(written[-1])
    return written


def reference_scores(
    logits: list[float], seen: set[int], settings: GenerationConfig, written: Sequence[int] = ()
) -> dict[int, float]:
    """The tokens that may be drawn, each with its logit after bias, penalties and temperature."""
    scores = {token: logit + settings.logit_bias.get(token, 0.0) for token, logit in enumerate(logits)}
    for token in seen:
        penalty = settings.repetition_penalty
        scores[token] = scores[token] / penalty if scores[token] > 0 else scores[token] * penalty
    for token, times in Counter(written).items():
        scores[token] -= settings.presence_penalty + times * settings.frequency_penalty
    if settings.is_greedy:
        return scores
    scores = {token: score / settings.temperature for token, score in scores.items()}
    if settings.top_k:
        scores = _at_least(sorted(scores.values())[-settings.top_k :][0], scores)
    if settings.top_p < 1:
        scores = _at_least(_last_of_nucleus(settings.top_p, scores), scores)
    if settings.min_p > 0:
        scores = _at_least(max(scores.values()) + math.log(settings.min_p), scores)
    return scores


def _at_least(threshold: float, scores: dict[int, float]) -> dict[int, float]:
    return {token: score for token, score in scores.items() if score >= threshold}


def _last_of_nucleus(p: float, scores: dict[int, float]) -> float:
    ranked = sorted(scores.values(), reverse=True)
    weights = [math.exp(score - ranked[0]) for score in ranked]
    mass = itertools.accumulate(weight / sum(weights) for weight in weights)
    return next((score for score, so_far in zip(ranked, mass, strict=True) if so_far >= p), ranked[-1])


def _gumbel(uniform: float) -> float:
    return -math.log(-math.log(max(uniform, LEAST_UNIFORM)))
