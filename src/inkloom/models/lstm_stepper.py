"""An LSTM that reads single tokens: what the first layer makes of every token is a table, and weights are packed once.

It equals `LSTM.forward` to float tolerance; that one stays the reference, and reads prompts.

Shapes: B rows, V vocabulary, L layers, N rows, I a layer's input, H hidden units, G = 4 H numbers for the gates, in the
order input, forget and output gate, new content, so that one call makes gates of the first three.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor, nn

from inkloom.models.packed_linear import PackedLinear
from inkloom.models.recurrent import weights
from inkloom.models.stepping import State, Stepper, WeightType

if TYPE_CHECKING:
    from inkloom.models.lstm import LSTM

LARGEST_TABLE = 1 << 22
"""Numbers of a table of what every token gives to the first layer's gates: 16 MB in float32, the work of some hundred
tokens. Above, each token's share is a product."""

LayerStates: TypeAlias = tuple[tuple[Tensor, Tensor], ...]
"""(h_BH, c_BH) of every layer."""


class LSTMStepper(Stepper):
    """See the module's text."""

    def __init__(self, model: "LSTM", kind: WeightType = "float32") -> None:
        super().__init__(model)
        self._lstm = model
        self._layers = [PackedLayer(layer, kind) for layer in model.layers]
        first, vocabulary = self._layers[0], model.vocab_size
        small = vocabulary * first.gates <= LARGEST_TABLE
        self._table_VG = first.given(model.embedding.weight.detach()) if small else None
        self._head = (
            PackedLinear(model.head.weight, model.head.bias, kind) if isinstance(model.head, nn.Linear) else None
        )

    def adopt(self, state: State) -> LayerStates:
        """The model's state, layer by layer."""
        return tuple(zip(*(part_LBH.unbind() for part_LBH in state), strict=True))

    def read(self, tokens_B1: Tensor, state: State) -> tuple[Tensor, LayerStates]:
        """Read a token in every row. Returns (logits_BV, state)."""
        tokens_B = tokens_B1[:, 0]
        if self._table_VG is None:
            given_BG = self._layers[0].given(self._lstm.embedding(tokens_B))
        else:
            given_BG = self._table_VG[tokens_B]
        new: list[tuple[Tensor, Tensor]] = []
        for layer, (h_BH, c_BH) in zip(self._layers, state, strict=True):
            if new:
                given_BG = layer.given(new[-1][0])
            new.append(layer.read(given_BG, h_BH, c_BH))
        h_BH = new[-1][0]
        logits_BV = self._lstm.logits(h_BH) if self._head is None else self._head(h_BH)
        return logits_BV, tuple(new)

    def select_state(self, state: State, index_B: Tensor) -> LayerStates:
        """The rows `index_B`, as a copy."""
        return tuple((h_BH[index_B], c_BH[index_B]) for h_BH, c_BH in state)

    def join_states(self, states: Sequence[State]) -> LayerStates:
        """One state with the rows of all, in order."""
        return tuple(
            (torch.cat([h_BH for h_BH, _ in layer]), torch.cat([c_BH for _, c_BH in layer]))
            for layer in zip(*states, strict=True)
        )


class PackedLayer:
    """One layer's weights, the gates' blocks in this module's order."""

    def __init__(self, layer: nn.Module, kind: WeightType) -> None:
        weight_ih, weight_hh, bias_ih, bias_hh = (_reordered(weight) for weight in weights(layer))
        self.gates = len(bias_ih)
        self.given = PackedLinear(weight_ih, bias_ih + bias_hh, kind)
        """x_NI -> what the input gives to the gates, biases included, (N, G)."""

        self._hidden = PackedLinear(weight_hh, None, kind)

    def read(self, given_BG: Tensor, h_BH: Tensor, c_BH: Tensor) -> tuple[Tensor, Tensor]:
        """One step: the new (h_BH, c_BH)."""
        gates_BG = self._hidden(h_BH).add_(given_BG)
        size = h_BH.shape[1]
        input_BH, forget_BH, output_BH = gates_BG[:, : 3 * size].sigmoid().chunk(3, dim=1)
        c_BH = (forget_BH * c_BH).addcmul_(input_BH, gates_BG[:, 3 * size :].tanh())
        return output_BH * c_BH.tanh(), c_BH


def _reordered(weight: Tensor) -> Tensor:
    """torch's blocks are input, forget, content, output."""
    input_, forget, content, output = weight.detach().chunk(4)
    return torch.cat([input_, forget, output, content])
