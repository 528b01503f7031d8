"""The loss of an output head over a large vocabulary, computed a piece of the batch at a time.

A batch of 1,024 tokens over 100,000 words has 100 million logits, and plain training holds them in float32 three times
over: logits, log-probabilities and their gradient. Here a piece's logits turn into probabilities and then errors in
place, and only the gradients of the head's input and weights are kept. They can be made in the forward pass since the
loss is a sum: its gradient is known, but for a factor, as soon as the logits are. So no logits are computed twice.

Shapes: N tokens, P tokens of a piece, C numbers that stand for a token, V vocabulary.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

PIECE_BYTES = 31 << 20
"""Of logits that are held at a time. glibc's malloc takes larger blocks from the system anew each time, and the page
faults last longer than the arithmetic: 8.6 ms instead of 1.7 for the softmax of 700 x 13,777 numbers. With smaller
pieces the products are slower: 25 ms for the whole loss in six of them, 19 ms in one."""


def linear_cross_entropy(
    x_NC: Tensor, weight_VC: Tensor, bias_V: Tensor | None, targets_N: Tensor, divisor: float = 1.0
) -> Tensor:
    """The sum over N tokens of -ln softmax(W x + b)[target] by a divisor: a float32 scalar, in nats.

    Equals functional.cross_entropy(functional.linear(x, W, b), targets, reduction="sum") / divisor in value and
    gradients, but that in the value a token counts for at most 87 nats, the smallest probability that a float holds.
    Under autocast logits and probabilities are in its type: bfloat16 moves a token's share of the value by 0.004 nats
    at most.
    """
    return smoothed_linear_cross_entropy(x_NC, weight_VC, bias_V, targets_N, divisor, 0.0)[0]


def smoothed_linear_cross_entropy(
    x_NC: Tensor, weight_VC: Tensor, bias_V: Tensor | None, targets_N: Tensor, divisor: float, smoothing: float
) -> tuple[Tensor, Tensor]:
    """The same with smoothed labels, a loss to minimise, and without them, a figure to show that has no gradient.

    The share `smoothing` of each target's probability mass is spread over the whole vocabulary: C. Szegedy et al.,
    "Rethinking the Inception Architecture for Computer Vision", CVPR 2016, section 7.
    """
    both: tuple[Tensor, Tensor] = _LinearCrossEntropy.apply(  # type: ignore[no-untyped-call]
        x_NC, weight_VC, bias_V, targets_N, divisor, smoothing
    )
    return both


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x_NC: Tensor,
        weight_VC: Tensor,
        bias_V: Tensor | None,
        targets_N: Tensor,
        divisor: float,
        smoothing: float,
    ) -> tuple[Tensor, Tensor]:
        dtype = _product_type(x_NC)
        x_NC, low_weight_VC = x_NC.to(dtype), weight_VC.to(dtype)
        low_bias_V = None if bias_V is None else bias_V.to(dtype)
        nats = torch.zeros((), device=x_NC.device)
        penalty = torch.zeros((), device=x_NC.device)  # what smoothed labels add
        spread = smoothing / len(weight_VC)
        x_grads = []
        weight_grad_VC, bias_grad_V = torch.zeros_like(weight_VC), weight_VC.new_zeros(len(weight_VC))
        rows = max(1, PIECE_BYTES // (len(weight_VC) * dtype.itemsize))
        for x_PC, targets_P in zip(torch.split(x_NC, rows), torch.split(targets_N, rows), strict=True):
            error_PV = functional.linear(x_PC, low_weight_VC, low_bias_V)
            at_targets = torch.arange(len(targets_P), device=targets_P.device), targets_P
            if smoothing:  # the log-probabilities of targets and of all entries differ as their logits do
                penalty += smoothing * error_PV[at_targets].float().sum() / divisor
                penalty -= spread * error_PV.sum(dtype=torch.float32) / divisor
            torch.softmax(error_PV, dim=1, out=error_PV)
            nats -= error_PV[at_targets].float().clamp_min(torch.finfo(torch.float32).tiny).log().sum() / divisor
            # The loss's gradient by the logits: softmax minus one-hot, which may be smoothed.
            if smoothing:
                error_PV -= spread
            error_PV[at_targets] -= 1 - smoothing
            x_grads.append(error_PV @ low_weight_VC / divisor)
            weight_grad_VC.add_(error_PV.t() @ x_PC, alpha=1 / divisor)
            bias_grad_V.add_(error_PV.sum(dim=0), alpha=1 / divisor)
        ctx.save_for_backward(torch.cat(x_grads), weight_grad_VC, None if bias_V is None else bias_grad_V)
        ctx.mark_non_differentiable(nats)
        return nats + penalty, nats

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, factor: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        gradients = ctx.saved_tensors
        # As a rule the loss itself is minimised; a pass over the weights' gradient takes a millisecond.
        if factor != 1:
            gradients = [None if gradient is None else gradient * factor for gradient in gradients]
        return *gradients, None, None, None


def _product_type(x: Tensor) -> torch.dtype:
    """What autocast, where it is on, computes products in."""
    device = x.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
