"""Where a Transformer looks: the attention weights of every layer and head.

Shapes: B rows, T tokens of a window, L layers, H heads, D head size.
"""

import contextlib
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from inkloom.models.transformer import Attend, Attention, Transformer


@torch.no_grad()
def attention_maps(model: Transformer, tokens_BT: Tensor) -> Tensor:
    """The attention weights with which the model, in the mode it is in, reads one window: maps_LHTT, float32.

    maps[l, h, t, s] is the share of position s in what position t gathers. Raises ValueError unless there is one row,
    no longer than the model's window.
    """
    rows, length = tokens_BT.shape
    if rows != 1 or not 0 < length <= model.window:
        raise ValueError(f"got {rows} rows of {length} tokens; one row of 1 to {model.window} tokens can be drawn")
    maps: list[Tensor] = []
    with _recording(model, maps):
        model(tokens_BT, model.initial_state(1))
    return torch.stack(maps)


@contextlib.contextmanager
def _recording(model: Transformer, maps: list[Tensor]) -> Iterator[None]:
    """Inside the block every layer's weights for a window's first row go to `maps`, in order."""
    layers = [module for module in model.modules() if isinstance(module, Attention)]
    own = [layer.attend for layer in layers]
    for layer, attend in zip(layers, own, strict=True):
        layer.attend = partial(_record, attend, maps)
    try:
        yield
    finally:
        for layer, attend in zip(layers, own, strict=True):
            layer.attend = attend


def _record(attend: Attend, maps: list[Tensor], q_BHTD: Tensor, k_BHTD: Tensor, v_BHTD: Tensor) -> Tensor:
    """Attend, and keep the weights: with the identity for values they are what attention gathers."""
    length = q_BHTD.shape[2]
    identity_BHTT = torch.eye(length, device=q_BHTD.device).expand(*q_BHTD.shape[:2], length, length)
    maps.append(attend(q_BHTD.float(), k_BHTD.float(), identity_BHTT)[0])
    return attend(q_BHTD, k_BHTD, v_BHTD)
