"""Long short-term memory: S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9 (1997), with
the forget gate of F. Gers, J. Schmidhuber and F. Cummins, "Learning to Forget", Neural Computation 12 (2000).

    f, i, o = sigma(W [x, h] + b)    forget, input and output gate
    g       = tanh(W [x, h] + b)     new content
    c       = f * c + i * g          what the cell keeps
    h       = o * tanh(c)            what it shows

Shapes: B rows, T tokens, I a layer's input, H hidden units.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from inkloom.models.lstm_stepper import LSTMStepper
from inkloom.models.recurrent import LayerState, LayerWeights, RecurrentLanguageModel, one_layer, weights
from inkloom.models.stepping import Stepper, WeightType


class LSTM(RecurrentLanguageModel):
    """Gates write to, keep and show a memory that is added to, not rewritten, so that it can last."""

    class Config(RecurrentLanguageModel.Config):
        """The fields of every recurrent family, and the forget gate's start."""

        forget_bias: float = 1.0
        """Bias of the forget gate at the start; 1 lets a new network keep what it reads (Jozefowicz et al. 2015)."""

    config: Config
    layer_class = nn.LSTM
    gates = 4
    state_parts = 2

    def initialise(self) -> None:
        """Draw the weights anew; whatever `config.initialisation`, the forget gate starts at `forget_bias`."""
        super().initialise()
        for layer in self.layers:
            set_forget_bias(layer, self.config.forget_bias)

    @classmethod
    def read_window(
        cls, layer_weights: LayerWeights, x_TBI: Tensor, state: LayerState, training: bool
    ) -> tuple[Tensor, LayerState]:
        """One layer over T tokens: (h_TBH, (h_BH, c_BH))."""
        h_BH, c_BH = state
        before_1BH = h_BH.unsqueeze(0), c_BH.unsqueeze(0)
        h_TBH, h_1BH, c_1BH = torch.lstm(x_TBI, before_1BH, layer_weights, *one_layer(training))
        return h_TBH, (h_1BH[0], c_1BH[0])

    @classmethod
    def read_token(cls, layer_weights: LayerWeights, x_BI: Tensor, state: LayerState) -> LayerState:
        """One layer over one token: (h_BH, c_BH)."""
        return torch.lstm_cell(x_BI, state, *layer_weights)

    def stepper(self, kind: WeightType = "float32") -> Stepper:
        """On a CPU and in float32, one with packed weights."""
        packs = self.device.type == "cpu" and self.embedding.weight.dtype == torch.float32
        return LSTMStepper(self, kind) if packs else super().stepper(kind)

    def inner_values(self, layer: nn.Module, x_BI: Tensor, before: LayerState, after: LayerState) -> dict[str, Tensor]:
        """`hidden` and `cell`, the gates `forget`, `input` and `output`, and the new `content`."""
        gates = lstm_gates(layer, x_BI, before[0])
        return {
            "hidden": after[0],
            "cell": after[1],
            "forget": gates.forget_BH,
            "input": gates.input_BH,
            "output": gates.output_BH,
            "content": gates.content_BH,
        }


def set_forget_bias(layer: nn.Module, bias: float) -> None:
    """Start the forget gate of a torch.nn.LSTM layer with this bias."""
    _, _, bias_ih, bias_hh = weights(layer)
    size = len(bias_ih) // 4
    forget = slice(size, 2 * size)  # torch's order is i, f, g, o
    nn.init.constant_(bias_ih[forget], bias)
    nn.init.zeros_(bias_hh[forget])


class Gates(NamedTuple):
    """The three gates and the new content of one step, each (B, H)."""

    forget_BH: Tensor
    input_BH: Tensor
    output_BH: Tensor
    content_BH: Tensor


def lstm_gates(layer: nn.Module, x_BI: Tensor, h_BH: Tensor) -> Gates:
    """f, i, o and g of one step, straight from the equations above, with the weights of a torch.nn.LSTM layer."""
    weight_ih, weight_hh, bias_ih, bias_hh = weights(layer)
    W = torch.cat([weight_ih, weight_hh], dim=1)
    i_BH, f_BH, g_BH, o_BH = (torch.cat([x_BI, h_BH], dim=1) @ W.T + bias_ih + bias_hh).chunk(4, dim=1)
    return Gates(torch.sigmoid(f_BH), torch.sigmoid(i_BH), torch.sigmoid(o_BH), torch.tanh(g_BH))


def reference_lstm_step(layer: nn.Module, x_BI: Tensor, h_BH: Tensor, c_BH: Tensor) -> tuple[Tensor, Tensor]:
    """One step straight from the equations above: the new (h_BH, c_BH)."""
    f, i, o, g = lstm_gates(layer, x_BI, h_BH)
    c_BH = f * c_BH + i * g
    return o * torch.tanh(c_BH), c_BH
