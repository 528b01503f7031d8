"""The simple recurrent network: J. L. Elman, "Finding Structure in Time", Cognitive Science 14 (1990).

    h = tanh(W [x, h] + b)

Shapes: B rows, T tokens, I a layer's input, H hidden units.
"""

import torch
from torch import Tensor, nn

from inkloom.models.recurrent import LayerState, LayerWeights, RecurrentLanguageModel, one_layer, weights


class RNN(RecurrentLanguageModel):
    """Elman's network: the whole memory is rewritten at every token, so that little of it lasts."""

    class Config(RecurrentLanguageModel.Config):
        """The fields of every recurrent family."""

    layer_class = nn.RNN
    gates = 1
    state_parts = 1

    @classmethod
    def read_window(
        cls, layer_weights: LayerWeights, x_TBI: Tensor, state: LayerState, training: bool
    ) -> tuple[Tensor, LayerState]:
        """One layer over T tokens: (h_TBH, (h_BH,))."""
        (h_BH,) = state
        h_TBH, h_1BH = torch.rnn_tanh(x_TBI, h_BH.unsqueeze(0), layer_weights, *one_layer(training))
        return h_TBH, (h_1BH[0],)

    @classmethod
    def read_token(cls, layer_weights: LayerWeights, x_BI: Tensor, state: LayerState) -> LayerState:
        """One layer over one token: (h_BH,)."""
        (h_BH,) = state
        return (torch.rnn_tanh_cell(x_BI, h_BH, *layer_weights),)


def reference_rnn_step(layer: nn.Module, x_BI: Tensor, h_BH: Tensor) -> Tensor:
    """One step straight from the equation above, with the weights of a torch.nn.RNN layer: the new h_BH."""
    weight_ih, weight_hh, bias_ih, bias_hh = weights(layer)
    W = torch.cat([weight_ih, weight_hh], dim=1)
    return torch.tanh(torch.cat([x_BI, h_BH], dim=1) @ W.T + bias_ih + bias_hh)
