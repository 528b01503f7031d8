"""What the recurrent families share: embedding, dropout, a stack of recurrent layers, dropout, output head.

Shapes: B rows, T tokens, V vocabulary, E embedding, H hidden units, L layers, I a layer's input (E in the first, later
H).
Layers read time first, (T, B, I): the order in which oneDNN's LSTM takes its input without a copy.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, TypeAlias

import pydantic
import torch
from torch import Tensor, nn
from torch.nn import functional

from inkloom.errors import InputError
from inkloom.models.adaptive_softmax import AdaptiveSoftmax, default_cutoffs
from inkloom.models.base import LanguageModel, TrainingLoss
from inkloom.models.cross_entropy import linear_cross_entropy
from inkloom.models.dropout import Dropout

RecurrentState: TypeAlias = tuple[Tensor, ...]
"""One float32 tensor (L, B, H) for each thing a unit remembers: (h_LBH,) or, in the LSTM, (h_LBH, c_LBH)."""

LayerState: TypeAlias = tuple[Tensor, ...]
"""The same of one layer: (h_BH,) or (h_BH, c_BH)."""

LayerWeights: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor]
"""(weight_ih, weight_hh, bias_ih, bias_hh) of one layer; the gates' blocks of H rows lie one below the other."""


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

        input_dropout: float | None = pydantic.Field(default=None, ge=0, lt=1)
        """The same share after the embedding, where it is to differ from `dropout`."""

        output_dropout: float | None = pydantic.Field(default=None, ge=0, lt=1)
        """The same share after the last layer, where it is to differ from `dropout`."""

        locked_dropout: bool = False
        """Whether the same numbers are zero at every token of a window: variational dropout (Gal & Ghahramani 2016)."""

        embedding_dropout: float = pydantic.Field(default=0.0, ge=0, lt=1)
        """Share of the vocabulary whose embedding is zero throughout a training window (Gal & Ghahramani 2016)."""

        weight_drop: float = pydantic.Field(default=0.0, ge=0, lt=1)
        """Share of the weights from the last token that are zero throughout a training window: DropConnect (Merity et
        al. 2017, arXiv:1708.02182)."""

        activation_penalty: float = pydantic.Field(default=0.0, ge=0)
        """Added to the training loss: so many times the mean square of the last layer's output after dropout (alpha
        in Merity et al. 2017)."""

        temporal_penalty: float = pydantic.Field(default=0.0, ge=0)
        """Added to the training loss: so many times the mean square of what the last layer's output changes by from
        token to token (beta in Merity et al. 2017)."""

        tied: bool = False
        """Whether the output head shares the embedding's matrix (Press & Wolf 2017); where hidden_size is not
        embedding_size, a linear projection stands between."""

        softmax: Literal["full", "adaptive"] = "full"
        """full: every token is a row of the output head; adaptive: rare words stand in clusters of their own (Grave et
        al. 2017), which makes training on large vocabularies several times faster and the score a little worse."""

        cutoffs: tuple[pydantic.PositiveInt, ...] | None = None
        """First ids of the clusters of an adaptive softmax, rising, separated by commas; by default two, the first at
        16 sqrt(vocabulary)."""

        initialisation: Literal["xavier", "pytorch"] = "xavier"
        """How layers and head start: xavier (Xavier uniform for weights from the layer below, orthogonal for weights
        from the last token, gate by gate; zero biases) or pytorch (all uniform within 1/sqrt(hidden_size))."""

        @pydantic.field_validator("cutoffs", mode="before")
        @classmethod
        def _text_is_a_list(cls, cutoffs: Any) -> Any:
            return tuple(cutoffs.split(",")) if isinstance(cutoffs, str) else cutoffs

        @pydantic.model_validator(mode="after")
        def _fits_together(self) -> Self:
            adaptive = self.softmax == "adaptive"
            if self.tied and adaptive:
                raise ValueError("an adaptive softmax has no row for every word, so tied must be false beside it")
            if self.cutoffs is not None and not adaptive:
                raise ValueError("cutoffs belong to softmax=adaptive; leave them out, or ask for that")
            if self.cutoffs is not None and (not self.cutoffs or sorted(set(self.cutoffs)) != list(self.cutoffs)):
                raise ValueError(f"cutoffs {', '.join(map(str, self.cutoffs))} do not rise; give such as 2000,6000")
            return self

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
        self.embedding_dropout = Dropout(config.embedding_dropout)
        # One module a layer instead of num_layers=L: torch runs them one by one in any case.
        input_sizes = [config.embedding_size] + [config.hidden_size] * (config.layers - 1)
        self.layers = nn.ModuleList(self.layer_class(size, config.hidden_size) for size in input_sizes)
        self.weight_drop = Dropout(config.weight_drop)
        *shares, output_share = _dropout_shares(config)
        self.dropouts = nn.ModuleList(Dropout(share, config.locked_dropout) for share in shares)
        self.output_dropout = Dropout(output_share, config.locked_dropout)
        projected = config.tied and config.hidden_size != config.embedding_size
        self.projection = nn.Linear(config.hidden_size, config.embedding_size, bias=False) if projected else None
        # A tied head has no weight of its own, so that a state dict holds every tensor once.
        self.head = None if config.tied else _head(config, vocab_size)
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
            initialise_xavier(layer, self.gates)
        for linear in (self.projection, *(self.head.modules() if self.head is not None else ())):
            if isinstance(linear, nn.Linear):
                nn.init.xavier_uniform_(linear.weight)
                if linear.bias is not None:
                    nn.init.zeros_(linear.bias)

    @classmethod
    @abstractmethod
    def read_window(
        cls, layer_weights: LayerWeights, x_TBI: Tensor, state: LayerState, training: bool
    ) -> tuple[Tensor, LayerState]:
        """One layer over T tokens by torch's own layer. Returns (h_TBH, the layer's new state)."""

    @classmethod
    @abstractmethod
    def read_token(cls, layer_weights: LayerWeights, x_BI: Tensor, state: LayerState) -> LayerState:
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
        h_TBH, state = self._read(tokens_BT, state)
        # The head would multiply a mere view row by row, with a copy of its matrix for each.
        return self.output_dropout(h_TBH).transpose(0, 1).contiguous(), state

    def logits(self, x_BTH: Tensor) -> Tensor:
        """The output head: logits_BTV of what `features` gave. Those of an adaptive softmax are log-probabilities."""
        if self.head is not None:
            logits_BTV: Tensor = self.head(x_BTH)
            return logits_BTV
        return functional.linear(self._projected(x_BTH), self.embedding.weight, self.tied_bias)

    def training_loss(
        self, tokens_BT: Tensor, targets_BT: Tensor, state: RecurrentState
    ) -> tuple[TrainingLoss, RecurrentState]:
        """The mean loss of the targets and the penalties that the config asks for, without all logits at a time."""
        h_TBH, state = self._read(tokens_BT, state)
        x_TBH = self.output_dropout(h_TBH)
        nats = self._mean_nats(x_TBH.flatten(0, 1), targets_BT.t().flatten())
        return TrainingLoss(nats, self._penalty(h_TBH, x_TBH)), state

    def unit_values(self, tokens_T: Tensor) -> dict[str, Tensor]:
        """What every unit holds after each token of a text that is read from the start, without dropout.

        (L, T, H) each: `hidden`, in the LSTM `cell`, and the family's gates by their names.
        """
        x_TI = self.embedding(tokens_T)
        of_layers = []
        for layer, *start in zip(self.layers, *self.initial_state(1), strict=True):
            states = [tuple(start)]
            for x_1I in x_TI.split(1):
                states.append(self.read_token(weights(layer), x_1I, states[-1]))
            before = tuple(torch.cat(part) for part in zip(*states[:-1], strict=True))
            after = tuple(torch.cat(part) for part in zip(*states[1:], strict=True))
            of_layers.append(self.inner_values(layer, x_TI, before, after))
            x_TI = after[0]
        return {name: torch.stack([values[name] for values in of_layers]) for name in of_layers[0]}

    def _read(self, tokens_BT: Tensor, state: RecurrentState) -> tuple[Tensor, RecurrentState]:
        """What the last layer gives, before its dropout: (h_TBH, state)."""
        if tokens_BT.shape[1] == 0:
            return self.embedding.weight.new_zeros(0, len(tokens_BT), self.config.hidden_size), state
        x_TBI = self._embed(tokens_BT.t())
        new_states = []
        for layer, dropout, *layer_state in zip(self.layers, self.dropouts, *state, strict=True):
            x_TBI, new_state = self._read_layer(layer, dropout(x_TBI), tuple(layer_state))
            new_states.append(new_state)
        # float32 at rest whatever autocast computed in: the state adds up over thousands of windows.
        return x_TBI, tuple(torch.stack(part).float() for part in zip(*new_states, strict=True))

    def _embed(self, tokens_TB: Tensor) -> Tensor:
        """The tokens' embeddings, (T, B, E); in training some words of the vocabulary are zero wherever they stand."""
        x_TBE: Tensor = self.embedding(tokens_TB)
        if not self.training or self.config.embedding_dropout == 0:
            return x_TBE
        kept_V1: Tensor = self.embedding_dropout(x_TBE.new_ones(self.vocab_size, 1))
        return x_TBE * kept_V1[tokens_TB]

    def _read_layer(self, layer: nn.Module, x_TBI: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        weight_ih, weight_hh, bias_ih, bias_hh = weights(layer)
        dropped = weight_ih, self.weight_drop(weight_hh), bias_ih, bias_hh
        if len(x_TBI) > 1:
            return self.read_window(dropped, x_TBI, state, self.training)
        # oneDNN packs an LSTM's weights anew at every call: 480 us for one token, 512 units; the plain cell takes 80.
        new_state = self.read_token(dropped, x_TBI[0], state)
        return new_state[0].unsqueeze(0), new_state

    def _projected(self, x: Tensor) -> Tensor:
        """What a tied head multiplies with the embedding: E numbers for each H."""
        projected: Tensor = x if self.projection is None else self.projection(x)
        return projected

    def _mean_nats(self, x_NH: Tensor, targets_N: Tensor) -> Tensor:
        """The mean of -ln p over N targets."""
        if isinstance(self.head, AdaptiveSoftmax):
            return self.head.loss(x_NH, targets_N, len(targets_N))
        if self.head is not None:
            return linear_cross_entropy(x_NH, self.head.weight, self.head.bias, targets_N, len(targets_N))
        x_NE = self._projected(x_NH)
        return linear_cross_entropy(x_NE, self.embedding.weight, self.tied_bias, targets_N, len(targets_N))

    def _penalty(self, h_TBH: Tensor, x_TBH: Tensor) -> Tensor:
        """Activation and temporal activation regularisation of the last layer's output, before and after dropout.

        S. Merity, B. McCann and R. Socher, "Revisiting Activation Regularization for Language RNNs" (arXiv:1708.01009).
        """
        penalty = h_TBH.new_zeros((), dtype=torch.float32)
        if self.config.activation_penalty > 0:
            penalty = penalty + self.config.activation_penalty * x_TBH.float().square().mean()
        if self.config.temporal_penalty > 0 and len(h_TBH) > 1:
            penalty = penalty + self.config.temporal_penalty * h_TBH.float().diff(dim=0).square().mean()
        return penalty

    def select_state(self, state: RecurrentState, index_B: Tensor) -> RecurrentState:
        """The rows `index_B` of a state, as a copy."""
        return tuple(part.index_select(1, index_B.to(part.device)) for part in state)

    def join_states(self, states: Sequence[RecurrentState]) -> RecurrentState:
        """One state with the rows of all, in order."""
        return tuple(torch.cat(parts, dim=1) for parts in zip(*states, strict=True))


def one_layer(training: bool) -> tuple[bool, int, float, bool, bool, bool]:
    """What torch's functions take after the weights: has_biases, num_layers, dropout, train, bidirectional,
    batch_first."""
    return True, 1, 0.0, training, False, False


def initialise_xavier(layer: nn.Module, gates: int) -> None:
    """Xavier uniform for weights from below, orthogonal for those from the last token, gate by gate; zero biases."""
    weight_ih, weight_hh, bias_ih, bias_hh = weights(layer)
    for of_input, of_memory in zip(weight_ih.chunk(gates), weight_hh.chunk(gates), strict=True):
        nn.init.xavier_uniform_(of_input)
        nn.init.orthogonal_(of_memory)
    nn.init.zeros_(bias_ih)
    nn.init.zeros_(bias_hh)


def weights(layer: nn.Module) -> LayerWeights:
    """A layer's own weights."""
    assert isinstance(layer, nn.RNNBase)
    weight_ih, weight_hh, bias_ih, bias_hh = layer.all_weights[0]
    return weight_ih, weight_hh, bias_ih, bias_hh


def _dropout_shares(config: RecurrentLanguageModel.Config) -> list[float]:
    """What is dropped before each layer and before the output head."""
    shares = [config.dropout] * (config.layers + 1)
    if config.input_dropout is not None:
        shares[0] = config.input_dropout
    if config.output_dropout is not None:
        shares[-1] = config.output_dropout
    return shares


def _head(config: RecurrentLanguageModel.Config, vocab_size: int) -> nn.Linear | AdaptiveSoftmax:
    """An output head with weights of its own."""
    if config.softmax == "full":
        return nn.Linear(config.hidden_size, vocab_size)
    cutoffs = config.cutoffs or default_cutoffs(vocab_size)
    if cutoffs[-1] >= vocab_size:
        raise InputError(
            f"model.cutoffs got {cutoffs[-1]}, but the vocabulary has {vocab_size} tokens; give smaller ones, or none."
        )
    return AdaptiveSoftmax(config.hidden_size, vocab_size, cutoffs)
