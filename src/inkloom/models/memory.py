"""An encoded source, as it goes from an encoder to a decoder.

Shapes: B rows, S tokens of the source, C width.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Memory(NamedTuple):
    """An encoded source."""

    memory_BSC: Tensor
    bias_BS: Tensor
    """0 at the source's tokens, minus infinity at the padding behind them."""

    summary_BC: Tensor | None = None
    """What a recurrent encoder has at its ends, of all its layers."""


def padding_bias(lengths_B: Tensor, longest: int) -> Tensor:
    """What is added before a softmax over the source, (B, S): 0 in rows up to their lengths, minus infinity behind."""
    bias_BS = torch.zeros(len(lengths_B), longest, device=lengths_B.device)
    return bias_BS.masked_fill(torch.arange(longest, device=lengths_B.device) >= lengths_B[:, None], -math.inf)


def joined(parts: Sequence[Tensor], dim: int, padding: float = 0.0) -> Tensor:
    """The rows of all tensors (B, …), each filled up along `dim` to the longest."""
    longest = max(part.shape[dim] for part in parts)
    return torch.cat(
        [
            functional.pad(part, (0, 0) * (part.ndim - 1 - dim) + (0, longest - part.shape[dim]), value=padding)
            for part in parts
        ]
    )
