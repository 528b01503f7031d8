"""Filters: pure functions from logits to logits, before a token is drawn.

Shapes: B rows, V vocabulary. Logits are float32. The strength of a filter is a number for all rows or a tensor (B,),
and a row's result does not depend on its neighbours. A filter that drops tokens sets their logits to minus infinity, by
one threshold for each row: so tokens that tie with the last one kept stay too, the likeliest always stays, and what
another filter has dropped never comes back.
"""

from typing import NamedTuple

import torch
from torch import Tensor

DROPPED = float("-inf")


class Seen(NamedTuple):
    """What the rows' texts hold, for penalties. The prompt counts as text, but not as written."""

    text_BV: Tensor
    """Which tokens, bool."""

    written_BV: Tensor
    """How often each has been written after the prompt, float32."""


def repetition_penalty(logits_BV: Tensor, penalty: float | Tensor, seen: Seen) -> Tensor:
    """Make the tokens of the text less likely: logits above zero are divided by `penalty`, others multiplied.

    Keskar et al. 2019, "CTRL", section 4.1, with the sign handled so that a negative logit falls as well.
    """
    penalty_B1 = _column(penalty, logits_BV)
    penalised_BV = torch.where(logits_BV > 0, logits_BV / penalty_B1, logits_BV * penalty_B1)
    return torch.where(seen.text_BV, penalised_BV, logits_BV)


def presence_penalty(logits_BV: Tensor, penalty: float | Tensor, seen: Seen) -> Tensor:
    """Take `penalty` off the logits of tokens that have been written, as the OpenAI API defines it."""
    return logits_BV - _column(penalty, logits_BV) * (seen.written_BV > 0)


def frequency_penalty(logits_BV: Tensor, penalty: float | Tensor, seen: Seen) -> Tensor:
    """Take `penalty` off the logits for every time that a token has been written, as the OpenAI API defines it."""
    return logits_BV - _column(penalty, logits_BV) * seen.written_BV


def temperature(logits_BV: Tensor, temperature: float | Tensor) -> Tensor:
    """Divide by `temperature`, above 0: p_i becomes proportional to p_i^(1/temperature)."""
    return logits_BV / _column(temperature, logits_BV)


def top_k(logits_BV: Tensor, k: int | Tensor) -> Tensor:
    """Keep the `k` likeliest tokens (Fan et al. 2018, "Hierarchical Neural Story Generation"); 0 keeps all."""
    vocab_size = logits_BV.shape[-1]
    k_B1 = torch.as_tensor(k, device=logits_BV.device).reshape(-1, 1).clamp(max=vocab_size)
    likeliest_BK = logits_BV.topk(max(1, int(k_B1.max())), dim=-1).values
    kth_B1 = likeliest_BK.gather(1, (k_B1 - 1).clamp(min=0).expand(len(logits_BV), 1))
    return _drop_below(logits_BV, kth_B1.masked_fill(k_B1 == 0, DROPPED))


def top_p(logits_BV: Tensor, p: float | Tensor) -> Tensor:
    """Keep the nucleus: the fewest likeliest tokens whose probabilities sum to at least `p`, in (0, 1]; 1 keeps all.

    Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", equation 2.
    """
    p_B1 = _column(p, logits_BV).expand(len(logits_BV), 1).contiguous()
    sorted_BV = logits_BV.sort(dim=-1, descending=True).values
    mass_BV = sorted_BV.softmax(dim=-1).cumsum(dim=-1)
    last_B1 = torch.searchsorted(mass_BV, p_B1).clamp(max=logits_BV.shape[-1] - 1)
    return _drop_below(logits_BV, sorted_BV.gather(1, last_B1).masked_fill(p_B1 >= 1, DROPPED))


def min_p(logits_BV: Tensor, p: float | Tensor) -> Tensor:
    """Keep tokens at least `p` times as likely as the likeliest, `p` in [0, 1]; 0 keeps all.

    Nguyen et al. 2024, "Turning Up the Heat: Min-p Sampling for Creative and Coherent LLM Outputs".
    """
    return _drop_below(logits_BV, logits_BV.amax(dim=-1, keepdim=True) + _column(p, logits_BV).log())


def _column(strength: float | Tensor, logits_BV: Tensor) -> Tensor:
    return torch.as_tensor(strength, dtype=logits_BV.dtype, device=logits_BV.device).reshape(-1, 1)


def _drop_below(logits_BV: Tensor, threshold_B1: Tensor) -> Tensor:
    return torch.where(logits_BV < threshold_B1, DROPPED, logits_BV)
