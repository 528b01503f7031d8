"""Recurrent encoder and decoder, without attention or with it.

I. Sutskever, O. Vinyals and Q. Le, "Sequence to Sequence Learning with Neural Networks", NIPS 2014 (arXiv:1409.3215):
one network reads the source, its last state starts another that writes the target.

D. Bahdanau, K. Cho and Y. Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate", ICLR 2015
(arXiv:1409.0473): the source is read in both directions, and the decoder looks at all of it anew for every token.

M. Luong, H. Pham and C. Manning, "Effective Approaches to Attention-based Neural Machine Translation", EMNLP 2015
(arXiv:1508.04025): it looks with the state that has read the last token, and what it sees goes to the output. That is
done here, whatever scores the source's tokens, so that a whole target is read by one call of torch's layers.

K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation", EMNLP
2014 (arXiv:1406.1078): without attention, one vector of the source goes to every input and every output of the decoder,
so that its state need not carry the source along.

Shapes: B rows, S tokens of the source, T tokens of the target read now, C width, L layers, P parts of a state.
Layers read time first, (S, B, C), as those of `inkloom.models.recurrent`, whose cells these are.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from inkloom.models.dropout import Dropout
from inkloom.models.gru import GRU
from inkloom.models.lstm import LSTM, set_forget_bias
from inkloom.models.memory import Memory, joined, padding_bias
from inkloom.models.recurrent import LayerState, RecurrentLanguageModel, initialise_xavier, weights
from inkloom.models.rnn import RNN

CELLS: dict[str, type[RecurrentLanguageModel]] = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
"""The families whose layers the networks are made of."""

FORGET_BIAS = 1.0
"""Where an LSTM's forget gates start: open, so that a new network keeps what it reads (Jozefowicz et al. 2015)."""


class Layers(nn.Module):
    """Recurrent layers one above the other, of one direction."""

    def __init__(self, cell: type[RecurrentLanguageModel], input_sizes: Sequence[int], size: int) -> None:
        super().__init__()
        self.cell = cell
        self.layers = nn.ModuleList(cell.layer_class(input_size, size) for input_size in input_sizes)
        for layer in self.layers:
            initialise_xavier(layer, cell.gates)
            if cell is LSTM:
                set_forget_bias(layer, FORGET_BIAS)

    def read(self, number: int, x_TBC: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """One of the layers over T tokens. Returns (h_TBC, its new state)."""
        layer_weights = weights(self.layers[number])
        if len(x_TBC) > 1:
            return self.cell.read_window(layer_weights, x_TBC, state, self.training)
        new_state = self.cell.read_token(layer_weights, x_TBC[0], state)
        return new_state[0].unsqueeze(0), new_state


class RecurrentEncoder(nn.Module):
    """Reads the source from both ends: half of the width in each direction."""

    def __init__(self, network: str, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        cell = CELLS[network]
        self.state_parts = cell.state_parts
        self.direction_size = width // 2
        self.forwards = Layers(cell, [width] * layers, self.direction_size)
        self.backwards = Layers(cell, [width] * layers, self.direction_size)
        self.dropout = Dropout(dropout)

    def forward(self, x_BSC: Tensor, lengths_B: Tensor) -> Memory:
        """Encode embedded sources of these lengths.

        What stands behind them is read after them, in both directions, and so changes nothing of what counts.
        """
        x_SBC = x_BSC.transpose(0, 1)
        longest, rows, _ = x_SBC.shape
        places_S1 = torch.arange(longest, device=x_BSC.device)[:, None]
        backwards_SB = torch.where(places_S1 < lengths_B, lengths_B - 1 - places_S1, places_S1)
        start = tuple(x_BSC.new_zeros(rows, self.direction_size) for _ in range(self.state_parts))
        last_B = lengths_B - 1, torch.arange(rows, device=x_BSC.device)
        ends = []
        for number in range(len(self.forwards.layers)):
            x_SBC = self.dropout(x_SBC)
            there_SBH, _ = self.forwards.read(number, x_SBC, start)
            back_SBH, _ = self.backwards.read(number, _reordered(x_SBC, backwards_SB), start)
            ends += [there_SBH[last_B], back_SBH[last_B]]
            x_SBC = torch.cat([there_SBH, _reordered(back_SBH, backwards_SB)], dim=-1)
        memory_BSC = self.dropout(x_SBC).transpose(0, 1).contiguous()
        return Memory(memory_BSC, padding_bias(lengths_B, longest), self.dropout(torch.cat(ends, dim=-1)))


def _reordered(x_SBC: Tensor, places_SB: Tensor) -> Tensor:
    """Each row's tokens in the order of these places."""
    return x_SBC.take_along_dim(places_SB[:, :, None], dim=0)


class DotWeights(nn.Module):
    """softmax((W q)^T k / sqrt(C)) over the source, (B, T, S); `general` in Luong et al. 2015, with a scale."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.keys = nn.Linear(width, width, bias=False)

    def forward(self, q_BTC: Tensor, k_BSC: Tensor, bias_BS: Tensor) -> Tensor:
        scores_BTS = (q_BTC / math.sqrt(q_BTC.shape[-1])) @ k_BSC.transpose(1, 2)
        return (scores_BTS.float() + bias_BS[:, None]).softmax(dim=-1)


class AdditiveWeights(nn.Module):
    """softmax(v^T tanh(W q + U k)) over the source, (B, T, S): Bahdanau et al. 2015, appendix A.1.2."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.queries = nn.Linear(width, width)
        self.keys = nn.Linear(width, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, q_BTC: Tensor, k_BSC: Tensor, bias_BS: Tensor) -> Tensor:
        sums_BTSC = self.queries(q_BTC).unsqueeze(2) + k_BSC.unsqueeze(1)
        scores_BTS: Tensor = self.score(sums_BTSC.tanh()).squeeze(-1)
        return (scores_BTS.float() + bias_BS[:, None]).softmax(dim=-1)


def _weights(attention: str, width: int) -> DotWeights | AdditiveWeights | None:
    """What scores the source's tokens."""
    match attention:
        case "dot":
            return DotWeights(width)
        case "additive":
            return AdditiveWeights(width)
        case _:
            return None


class DecoderState(NamedTuple):
    """What a decoder knows: each layer's state, and the source with the keys that its tokens are found by; without
    attention one vector, S being 1.

    Rows come first in every tensor.
    """

    layers_L: tuple[LayerState, ...]
    memory_BSC: Tensor
    keys_BSC: Tensor
    bias_BS: Tensor


class RecurrentDecoder(nn.Module):
    """Writes the target from what the encoder ended with, looking at the source where it has attention, and else at
    its summary."""

    def __init__(
        self,
        network: str,
        width: int,
        layers: int,
        encoder_layers: int,
        dropout: float,
        attention: Literal["none", "additive", "dot"],
        feed_input: bool,
    ) -> None:
        super().__init__()
        cell = CELLS[network]
        self.feed_input = feed_input
        self.shape = layers, cell.state_parts, width
        self.bridge = nn.Linear(encoder_layers * width, layers * cell.state_parts * width)
        self.stack = Layers(cell, [width] * layers, width)
        self.weights = _weights(attention, width)
        # With no input the state alone is to unroll the target.
        summarised = self.weights is None and feed_input
        self.summary = nn.Linear(encoder_layers * width, width) if summarised else None
        self.combine = nn.Linear(2 * width, width) if summarised or self.weights is not None else None
        self.dropout = Dropout(dropout)

    def begin(self, memory: Memory) -> DecoderState:
        """The state of rows that have read nothing of their target: tanh of a product with the encoder's ends."""
        assert memory.summary_BC is not None
        start_BLPC = self.bridge(memory.summary_BC).tanh().float().unflatten(-1, self.shape)
        layers_L = tuple(
            tuple(part_BC.contiguous() for part_BC in of_layer.unbind(1)) for of_layer in start_BLPC.unbind(1)
        )
        if self.summary is not None:
            summary_B1C = self.summary(memory.summary_BC).unsqueeze(1)
            return DecoderState(layers_L, summary_B1C, summary_B1C, summary_B1C.new_zeros(len(summary_B1C), 1))
        keys_BSC = memory.memory_BSC if self.weights is None else self.weights.keys(memory.memory_BSC)
        return DecoderState(layers_L, memory.memory_BSC, keys_BSC, memory.bias_BS)

    def forward(self, tokens_BT: Tensor, x_BTC: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """Read T tokens, embedded in x_BTC, in every row. Returns (x_BTC before the head, state)."""
        del tokens_BT
        x_BTC = x_BTC if self.feed_input else torch.zeros_like(x_BTC)
        x_BTC = x_BTC if self.summary is None else x_BTC + state.memory_BSC
        x_TBC = x_BTC.transpose(0, 1)
        layers = []
        for number, before in enumerate(state.layers_L):
            x_TBC, after = self.stack.read(number, self.dropout(x_TBC), before)
            layers.append(tuple(part.float() for part in after))
        h_BTC = self.dropout(x_TBC).transpose(0, 1).contiguous()
        return self._looked_at_source(h_BTC, state), state._replace(layers_L=tuple(layers))

    def _looked_at_source(self, h_BTC: Tensor, state: DecoderState) -> Tensor:
        """tanh(W [context, h]), equation 5 of Luong et al. 2015, or with the summary; h itself where there is none."""
        if self.combine is None:
            return h_BTC
        if self.weights is None:
            context_BTC = state.memory_BSC.to(h_BTC.dtype).expand_as(h_BTC)
        else:
            weights_BTS: Tensor = self.weights(h_BTC, state.keys_BSC, state.bias_BS)
            context_BTC = weights_BTS.to(state.memory_BSC.dtype) @ state.memory_BSC
        attended_BTC: Tensor = self.dropout(self.combine(torch.cat([context_BTC, h_BTC], dim=-1)).tanh())
        return attended_BTC

    @staticmethod
    def select(state: DecoderState, index_B: Tensor) -> DecoderState:
        """The rows `index_B`, as a copy."""
        index_B = index_B.to(state.bias_BS.device)
        layers_L = tuple(tuple(part.index_select(0, index_B) for part in of_layer) for of_layer in state.layers_L)
        return DecoderState(layers_L, *(part.index_select(0, index_B) for part in state[1:]))

    @staticmethod
    def join(states: Sequence[DecoderState]) -> DecoderState:
        """The rows of all, in order."""
        layers_L = tuple(
            tuple(map(torch.cat, zip(*of_layer, strict=True)))
            for of_layer in zip(*(state.layers_L for state in states), strict=True)
        )
        return DecoderState(
            layers_L,
            joined([state.memory_BSC for state in states], dim=1),
            joined([state.keys_BSC for state in states], dim=1),
            joined([state.bias_BS for state in states], dim=1, padding=-math.inf),
        )
