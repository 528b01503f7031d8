"""A Transformer's weights as the kernels read them.

Shapes: as in `kernels.py`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from inkloom.models.compiled.kernels import ACTIVATIONS, PANEL, Floats, Network, Norm, Product
from inkloom.models.packed_linear import SMALL, packed_bytes
from inkloom.models.stepping import WeightType

if TYPE_CHECKING:
    from inkloom.models.transformer import Block, Transformer

STORED = {"float32": np.float32, "bfloat16": np.uint16, "int8": np.uint8}


def can_pack(model: "Transformer", kind: WeightType) -> bool:
    """Whether the kernels know this network: one whose norms come first, and whose blocks are all of `kind`."""
    block = cast("Block", model.blocks[0])
    matrices = (weight for weight in block.parameters() if weight.ndim == 2)
    whole = kind == "float32" or all(matrix.numel() >= SMALL for matrix in matrices)
    known = _name_of(block.feed_forward.activation) in ACTIVATIONS and model.embedding_scale == 1
    return whole and known and block.norm_first


def _name_of(activation: Callable[[Tensor], Tensor]) -> str:
    if isinstance(activation, partial):
        return "_".join([activation.func.__name__, *map(str, activation.keywords.values())])
    return getattr(activation, "__name__", "")


def packed(model: "Transformer", kind: WeightType, turns_2WD: Tensor | None) -> Network:
    """A copy of the weights; matrices in `kind`, but for a small head, which stays float32."""
    blocks = [cast("Block", block) for block in model.blocks]
    attentions, feed_forwards = [block.attention for block in blocks], [block.feed_forward for block in blocks]
    linears = (
        [attention.queries_keys_values for attention in attentions],
        [attention.output for attention in attentions],
        [feed_forward.input for feed_forward in feed_forwards],
        [feed_forward.output for feed_forward in feed_forwards],
    )
    halves = (1, 1, 2 if feed_forwards[0].gated else 1, 1)
    products = [
        _product([linear.weight for linear in own], [linear.bias for linear in own], kind, parts)
        for own, parts in zip(linears, halves, strict=True)
    ]
    head = model.embedding.weight if model.head is None else model.head.weight
    head_kind: WeightType = kind if head.numel() >= SMALL else "float32"
    normed = not isinstance(attentions[0].query_norm, nn.Identity)
    size = model.config.width // model.config.heads
    return Network(
        layers=len(blocks),
        heads=model.config.heads,
        size=size,
        activation=ACTIVATIONS.index(_name_of(feed_forwards[0].activation)),
        gated=feed_forwards[0].gated,
        queries_keys_values=products[0],
        output=products[1],
        feed_forward_input=products[2],
        feed_forward_output=products[3],
        head=_product([head], [None], head_kind),
        attention_norm=_norm([block.attention_norm for block in blocks]),
        feed_forward_norm=_norm([block.feed_forward_norm for block in blocks]),
        last_norm=_norm([model.norm]),
        query_gain_LD=_gains([attention.query_norm for attention in attentions]) if normed else floats(0, 0),
        key_gain_LD=_gains([attention.key_norm for attention in attentions]) if normed else floats(0, 0),
        turns_2WD=floats(2, 0, size) if turns_2WD is None else turns_2WD.contiguous().numpy(),
    )


def floats(*shape: int) -> Floats:
    """Zeros."""
    return np.zeros(shape, np.float32)


def _product(weights: Sequence[Tensor], biases: Sequence[Tensor | None], kind: WeightType, parts: int = 1) -> Product:
    """The same product in all layers. Its outputs are so many equal parts, each of which begins a panel."""
    outputs, inputs = weights[0].shape
    scale_LI = least_LI = floats(len(weights), 0)
    if kind == "int8":
        levels, scales, leasts = zip(*(packed_bytes(weight.detach()) for weight in weights), strict=True)
        scale_LI, least_LI = _stacked(scales), _stacked(leasts)
    elif kind == "bfloat16":
        levels = tuple(weight.detach().to(torch.bfloat16).view(torch.uint16) for weight in weights)
    else:
        levels = tuple(weight.detach() for weight in weights)
    width = -(-outputs // parts // PANEL) * PANEL
    panels_LPI = np.zeros((len(weights), parts * width // PANEL, inputs, PANEL), STORED[kind])
    bias_LO = floats(len(weights), parts * width)
    for layer, levels_OI in enumerate(levels):
        padded_OI = np.zeros((parts, width, inputs), STORED[kind])
        padded_OI[:, : outputs // parts] = levels_OI.numpy().reshape(parts, -1, inputs)
        panels_LPI[layer] = padded_OI.reshape(-1, PANEL, inputs).swapaxes(1, 2)
        if (bias_O := biases[layer]) is not None:
            bias_LO[layer].reshape(parts, -1)[:, : outputs // parts] = bias_O.detach().numpy().reshape(parts, -1)
    return Product(panels_LPI, bias_LO, scale_LI, least_LI)


def _norm(norms: Sequence[nn.Module]) -> Norm:
    gain_LC = _gains(norms)
    if isinstance(norms[0], nn.LayerNorm):
        return Norm(True, np.float32(norms[0].eps), gain_LC, _stacked([cast(Tensor, norm.bias) for norm in norms]))
    return Norm(False, np.float32(1e-6), gain_LC, np.zeros_like(gain_LC))


def _gains(norms: Sequence[nn.Module]) -> Floats:
    return _stacked([cast(Tensor, norm.weight) for norm in norms])


def _stacked(vectors: Sequence[Tensor]) -> Floats:
    stacked: Floats = torch.stack([vector.detach().float() for vector in vectors]).numpy()
    return stacked
