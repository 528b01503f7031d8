"""The gated recurrent unit: K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical
Machine Translation", EMNLP 2014 (arXiv:1406.1078).

    r, z = sigma(W [x, h] + b)                      reset gate, update gate
    n    = tanh(W_x x + b_x + r * (W_h h + b_h))    new content
    h    = (1 - z) * n + z * h

As in torch.nn.GRU and cuDNN, r scales W_h h + b_h; the paper scales h before the product. That way one matrix product
serves all three gates.

Shapes: B rows, T tokens, I a layer's input, H hidden units.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from inkloom.models.recurrent import LayerState, LayerWeights, RecurrentLanguageModel, one_layer, weights


class GRU(RecurrentLanguageModel):
    """Two gates decide, unit by unit, how much of the memory is kept."""

    class Config(RecurrentLanguageModel.Config):
        """The fields of every recurrent family."""

    layer_class = nn.GRU
    gates = 3
    state_parts = 1

    @classmethod
    def read_window(
        cls, layer_weights: LayerWeights, x_TBI: Tensor, state: LayerState, training: bool
    ) -> tuple[Tensor, LayerState]:
        """One layer over T tokens: (h_TBH, (h_BH,))."""
        (h_BH,) = state
        h_TBH, h_1BH = torch.gru(x_TBI, h_BH.unsqueeze(0), layer_weights, *one_layer(training))
        return h_TBH, (h_1BH[0],)

    @classmethod
    def read_token(cls, layer_weights: LayerWeights, x_BI: Tensor, state: LayerState) -> LayerState:
        """One layer over one token: (h_BH,)."""
        (h_BH,) = state
        return (torch.gru_cell(x_BI, h_BH, *layer_weights),)

    def inner_values(self, layer: nn.Module, x_BI: Tensor, before: LayerState, after: LayerState) -> dict[str, Tensor]:
        """`hidden`, the gates `reset` and `update`, and the new `content`."""
        gates = gru_gates(layer, x_BI, before[0])
        return {"hidden": after[0], "reset": gates.reset_BH, "update": gates.update_BH, "content": gates.content_BH}


class Gates(NamedTuple):
    """The two gates and the new content of one step, each (B, H)."""

    reset_BH: Tensor
    update_BH: Tensor
    content_BH: Tensor


def gru_gates(layer: nn.Module, x_BI: Tensor, h_BH: Tensor) -> Gates:
    """r, z and n of one step, straight from the equations above, with the weights of a torch.nn.GRU layer.

    The weights' blocks of rows stand in the order r, z, n.
    """
    weight_ih, weight_hh, bias_ih, bias_hh = weights(layer)
    size = h_BH.shape[1]
    W = torch.cat([weight_ih, weight_hh], dim=1)[: 2 * size]
    b = (bias_ih + bias_hh)[: 2 * size]
    r_BH, z_BH = torch.sigmoid(torch.cat([x_BI, h_BH], dim=1) @ W.T + b).chunk(2, dim=1)
    from_input_BH = x_BI @ weight_ih[2 * size :].T + bias_ih[2 * size :]
    from_memory_BH = h_BH @ weight_hh[2 * size :].T + bias_hh[2 * size :]
    return Gates(r_BH, z_BH, torch.tanh(from_input_BH + r_BH * from_memory_BH))


def reference_gru_step(layer: nn.Module, x_BI: Tensor, h_BH: Tensor) -> Tensor:
    """One step straight from the equations above: the new h_BH."""
    _, z, n = gru_gates(layer, x_BI, h_BH)
    return (1 - z) * n + z * h_BH
