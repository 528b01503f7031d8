"""What the recurrent families share: embedding, dropout, a stack of recurrent layers, dropout, output head.

Shapes: B rows, T tokens, V vocabulary, E embedding, H hidden units, L layers, I a layer's input (E in the first, later
H).
Layers read time first, (T, B, I): the order in which oneDNN's LSTM takes its input without a copy.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, TypeAlias

import pydantic
import torch
from torch import Tensor, nn
from torch.nn import functional

from inkloom.models.base import LanguageModel
from inkloom.models.dropout import Dropout

RecurrentState: TypeAlias = tuple[Tensor, ...]
"""One float32 tensor (L, B, H) for each thing a unit remembers: (h_LBH,) or, in the LSTM, (h_LBH, c_LBH)."""

LayerState: TypeAlias = tuple[Tensor, ...]
"""The same of one layer: (h_BH,) or (h_BH, c_BH)."""


class RecurrentLanguageModel(LanguageModel):
    """A language model whose memory is a vector of fixed size a layer, so that its context has no end."""

    class Config(LanguageModel.Config):
        """The fields of every recurrent family."""

        embedding_size: pydantic.PositiveInt = 256
        """Numbers that stand for a token at the network's input."""

        hidden_size: pydantic.PositiveInt = 512
        """Units in each recurrent layer."""

        layers: pydantic.PositiveInt = 1
        """Recurrent layers, each reading the one below."""

        dropout: float = pydantic.Field(default=0.1, ge=0, lt=1)
        """Share of numbers set to zero while training: after the embedding and after every recurrent layer."""

        tied: bool = False
        """Whether the output head shares the embedding's matrix (Press & Wolf 2017); where hidden_size is not
        embedding_size, a linear projection stands between."""

        initialisation: Literal["xavier", "pytorch"] = "xavier"
        """How layers and head start: xavier (Xavier uniform for weights from the layer below, orthogonal for weights
        from the last token, gate by gate; zero biases) or pytorch (all uniform within 1/sqrt(hidden_size))."""

    training_defaults: ClassVar[Mapping[str, object]] = {
        "batching": "streams",
        "batch_size": 16,
        "seq_len": 64,
        "learning_rate": 4e-3,
    }

    layer_class: ClassVar[type[nn.RNN | nn.GRU | nn.LSTM]]
    gates: ClassVar[int]
    """Blocks of hidden_size rows in a layer's weight matrices."""

    state_parts: ClassVar[int]
    """Tensors in the state."""

    config: Config

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.embedding = nn.Embedding(vocab_size, config.embedding_size)
        self.dropout = Dropout(config.dropout)
        # One module a layer instead of num_layers=L: torch runs them one by one in any case.
        input_sizes = [config.embedding_size] + [config.hidden_size] * (config.layers - 1)
        self.layers = nn.ModuleList(self.layer_class(size, config.hidden_size) for size in input_sizes)
        projected = config.tied and config.hidden_size != config.embedding_size
        self.projection = nn.Linear(config.hidden_size, config.embedding_size, bias=False) if projected else None
        # A tied head has no weight of its own, so that a state dict holds every tensor once.
        self.head = None if config.tied else nn.Linear(config.hidden_size, vocab_size)
        self.tied_bias = nn.Parameter(torch.zeros(vocab_size)) if config.tied else None
        self.initialise()

    def initialise(self) -> None:
        """Draw the weights anew, as `config.initialisation` says."""
        if self.config.tied:  # the standard deviation 1 of nn.Embedding would start the loss far above log(V)
            bound = self.config.embedding_size**-0.5
            nn.init.uniform_(self.embedding.weight, -bound, bound)
        if self.config.initialisation == "pytorch":
            return
        for layer in self.layers:
            weight_ih, weight_hh, bias_ih, bias_hh = weights(layer)
            for gate in range(self.gates):
                rows = slice(gate * self.config.hidden_size, (gate + 1) * self.config.hidden_size)
                nn.init.xavier_uniform_(weight_ih[rows])
                nn.init.orthogonal_(weight_hh[rows])
            nn.init.zeros_(bias_ih)
            nn.init.zeros_(bias_hh)
        for linear in (self.projection, self.head):
            if linear is not None:
                nn.init.xavier_uniform_(linear.weight)
        if self.head is not None:
            nn.init.zeros_(self.head.bias)

    @abstractmethod
    def read_window(self, layer: nn.Module, x_TBI: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """One layer over T tokens by torch's own layer. Returns (h_TBH, the layer's new state)."""

    @abstractmethod
    def read_token(self, layer: nn.Module, x_BI: Tensor, state: LayerState) -> LayerState:
        """One layer over one token. The first tensor of the new state is its output."""

    def inner_values(self, layer: nn.Module, x_BI: Tensor, before: LayerState, after: LayerState) -> dict[str, Tensor]:
        """What one layer's units hold in a step from state `before` to `after`, by name, (B, H) each."""
        del layer, x_BI, before
        return {"hidden": after[0]}

    def initial_state(self, batch_size: int, condition: object | None = None) -> RecurrentState:
        """Zeros: `state_parts` tensors (L, batch_size, H)."""
        del condition
        shape = (self.config.layers, batch_size, self.config.hidden_size)
        return tuple(torch.zeros(shape, device=self.device) for _ in range(self.state_parts))

    def forward(self, tokens_BT: Tensor, state: RecurrentState) -> tuple[Tensor, RecurrentState]:
        """Read T tokens in every row. Returns (logits_BTV, state)."""
        x_BTH, state = self.features(tokens_BT, state)
        return self.logits(x_BTH), state

    def features(self, tokens_BT: Tensor, state: RecurrentState) -> tuple[Tensor, RecurrentState]:
        """All of `forward` but the output head: (x_BTH, state)."""
        if tokens_BT.shape[1] == 0:
            return self.embedding.weight.new_zeros(len(tokens_BT), 0, self.config.hidden_size), state
        x_TBI = self.dropout(self.embedding(tokens_BT.t()))
        new_states = []
        for layer, *layer_state in zip(self.layers, *state, strict=True):
            x_TBI, new_state = self._read(layer, x_TBI, tuple(layer_state))
            x_TBI = self.dropout(x_TBI)
            new_states.append(new_state)
        # float32 at rest whatever autocast computed in: the state adds up over thousands of windows.
        return x_TBI.transpose(0, 1), tuple(torch.stack(part).float() for part in zip(*new_states, strict=True))

    def logits(self, x_BTH: Tensor) -> Tensor:
        """The output head: logits_BTV of what `features` gave."""
        if self.head is not None:
            logits_BTV: Tensor = self.head(x_BTH)
            return logits_BTV
        x_BTE = x_BTH if self.projection is None else self.projection(x_BTH)
        return functional.linear(x_BTE, self.embedding.weight, self.tied_bias)

    def unit_values(self, tokens_T: Tensor) -> dict[str, Tensor]:
        """What every unit holds after each token of a text that is read from the start, without dropout.

        (L, T, H) each: `hidden`, in the LSTM `cell`, and the family's gates by their names.
        """
        x_TI = self.embedding(tokens_T)
        of_layers = []
        for layer, *start in zip(self.layers, *self.initial_state(1), strict=True):
            states = [tuple(start)]
            for x_1I in x_TI.split(1):
                states.append(self.read_token(layer, x_1I, states[-1]))
            before = tuple(torch.cat(part) for part in zip(*states[:-1], strict=True))
            after = tuple(torch.cat(part) for part in zip(*states[1:], strict=True))
            of_layers.append(self.inner_values(layer, x_TI, before, after))
            x_TI = after[0]
        return {name: torch.stack([values[name] for values in of_layers]) for name in of_layers[0]}

    def _read(self, layer: nn.Module, x_TBI: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        if len(x_TBI) > 1:
            return self.read_window(layer, x_TBI, state)
        # oneDNN packs an LSTM's weights anew at every call: 480 us for one token, 512 units; the plain cell takes 80.
        new_state = self.read_token(layer, x_TBI[0], state)
        return new_state[0].unsqueeze(0), new_state

    def select_state(self, state: RecurrentState, index_B: Tensor) -> RecurrentState:
        """The rows `index_B` of a state, as a copy."""
        return tuple(part.index_select(1, index_B.to(part.device)) for part in state)

    def join_states(self, states: Sequence[RecurrentState]) -> RecurrentState:
        """One state with the rows of all, in order."""
        return tuple(torch.cat(parts, dim=1) for parts in zip(*states, strict=True))


def weights(layer: nn.Module) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A layer's (weight_ih, weight_hh, bias_ih, bias_hh); the gates' blocks of H rows lie one below the other."""
    assert isinstance(layer, nn.RNNBase)
    weight_ih, weight_hh, bias_ih, bias_hh = layer.all_weights[0]
    return weight_ih, weight_hh, bias_ih, bias_hh
