"""The largest of many numbers and draws from many, row by row, where PyTorch's own take longer than the network.

One core needs 16 ms for torch.argmax of 448 rows of 10,263 numbers in bfloat16, and 3 for `argmax`; 92 for
torch.multinomial, and 17 for `draw`. Both look at blocks first and then into one.

Shapes: V numbers to choose among, with any dimensions before.
"""

import torch
from torch import Generator, Tensor
from torch.nn import functional

BLOCK = 128
"""Numbers of a block: of 32, 64 and 128 the fastest for argmax."""

LEAST_UNIFORM = 2.0**-25
"""What stands for a uniform float32 of zero, whose logarithm is not finite: half the distance of such numbers."""


def argmax(scores_V: Tensor) -> Tensor:
    """The place of the largest number in the last dimension, int64; the first of several."""
    scores_V = scores_V.float()
    V = scores_V.shape[-1]
    start_1 = _blocks(scores_V, -torch.inf).amax(dim=-1).argmax(dim=-1, keepdim=True) * BLOCK
    places_B = _places(start_1, V)
    return (start_1 + scores_V.gather(-1, places_B).argmax(dim=-1, keepdim=True)).squeeze(-1)


def draw(logits_V: Tensor, generator: Generator | None = None) -> Tensor:
    """A place drawn from the softmax over the last dimension, int64, with one number of the generator for each row.

    It inverts the cumulative distribution in float32, so two draws from logits that differ by rounding may differ.
    """
    probs_V = logits_V.float().softmax(dim=-1)
    V = probs_V.shape[-1]
    of_blocks = _blocks(probs_V, 0.0).sum(dim=-1).cumsum(dim=-1)
    rest_1 = torch.rand((*probs_V.shape[:-1], 1), generator=generator).to(probs_V.device) * of_blocks[..., -1:]
    block_1 = torch.searchsorted(of_blocks, rest_1, right=True).clamp_(max=of_blocks.shape[-1] - 1)
    rest_1 = rest_1 - functional.pad(of_blocks, (1, 0)).gather(-1, block_1)
    start_1 = block_1 * BLOCK
    within_B = probs_V.gather(-1, _places(start_1, V)).cumsum(dim=-1)
    return (start_1 + torch.searchsorted(within_B, rest_1, right=True)).clamp_(max=V - 1).squeeze(-1)


def exponential_(uniform: Tensor) -> Tensor:
    """Draws of the exponential distribution from float32 numbers in [0, 1), in place; none is zero or infinite."""
    return uniform.clamp_(min=LEAST_UNIFORM).log_().neg_()


def _blocks(numbers_V: Tensor, filler: float) -> Tensor:
    """The last dimension in blocks, (…, blocks, BLOCK), the last one filled up."""
    *rows, V = numbers_V.shape
    return functional.pad(numbers_V, (0, -V % BLOCK), value=filler).view(*rows, -1, BLOCK)


def _places(start_1: Tensor, V: int) -> Tensor:
    """The places of a block; beyond the last of all, that one again."""
    return (start_1 + torch.arange(BLOCK, device=start_1.device)).clamp_(max=V - 1)
