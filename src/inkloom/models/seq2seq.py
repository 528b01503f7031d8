"""Sequence to sequence: an encoder reads a source, a decoder writes the target that goes with it.

The networks stand in `seq2seq_recurrent` and `seq2seq_transformer`, with their papers. Here is what they share: the
embeddings, the output head, which has their matrix (O. Press and L. Wolf, "Using the Output Embedding to Improve
Language Models", EACL 2017), the loss with smoothed labels (Szegedy et al. 2016), and the contract of a language model,
whose condition is the source.

Shapes: B rows, S tokens of the source, T tokens of the target, V vocabulary, C width, L layers.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, TypeAlias

import pydantic
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from inkloom.data.pairs import NO_TARGET
from inkloom.models.base import LanguageModel, State, TrainingLoss
from inkloom.models.cross_entropy import smoothed_linear_cross_entropy
from inkloom.models.dropout import Dropout
from inkloom.models.memory import Memory
from inkloom.models.seq2seq_recurrent import AdditiveWeights, DotWeights, RecurrentDecoder, RecurrentEncoder
from inkloom.models.seq2seq_transformer import TransformerDecoder, TransformerEncoder, Weights
from inkloom.models.transformer import LAYOUTS

Source: TypeAlias = Sequence[int]
"""The ids of one source, its end token included."""


class Seq2Seq(LanguageModel):
    """A language model of targets whose condition is a source."""

    class Config(LanguageModel.Config):
        """The networks, their sizes, and how they are trained."""

        network: Literal["rnn", "gru", "lstm", "transformer"] = "transformer"
        """What encoder and decoder are; a recurrent encoder reads from both ends."""

        attention: Literal["none", "additive", "dot"] = "dot"
        """How a recurrent decoder finds what it needs in the source: by one vector of all of it, which every token sees
        (Cho et al. 2014), or by additive (Bahdanau et al. 2015) or dot-product scores (Luong et al. 2015)."""

        feed_input: bool = True
        """Whether a recurrent decoder reads the last token at each step; else, with attention=none, its first state
        alone unrolls the target."""

        preset: Literal["vaswani", "gpt2", "qwen3"] = "qwen3"
        """The published model whose layout a Transformer's blocks share."""

        width: pydantic.PositiveInt = 256
        """Numbers that stand for a token, in embeddings and in every layer."""

        encoder_layers: pydantic.PositiveInt = 3
        """Layers, or blocks of a Transformer, that read the source."""

        decoder_layers: pydantic.PositiveInt = 3
        """The same that write the target."""

        heads: pydantic.PositiveInt = 8
        """Attention heads of a Transformer, each of width / heads numbers."""

        feed_forward: pydantic.PositiveInt | None = None
        """Hidden width of a Transformer's feed-forward; by default 4 times the width, in qwen3 3 times with a gate."""

        dropout: float = pydantic.Field(default=0.2, ge=0, lt=1)
        """Share of numbers set to zero while training: in the embeddings and in what each layer or sublayer gives."""

        context_length: pydantic.PositiveInt = 256
        """Most tokens of a source or a target, the end token included."""

        label_smoothing: float = pydantic.Field(default=0.1, ge=0, lt=1)
        """Share of each target's probability that is spread over the whole vocabulary while training."""

        scheduled_sampling: float = pydantic.Field(default=0.0, ge=0, le=1)
        """Share of the tokens a decoder reads in training that are its own guesses, reached evenly at the end of the
        training (S. Bengio et al. 2015); all guesses of a batch are made at once (Duckworth et al. 2019)."""

        @pydantic.field_validator("attention", mode="before")
        @classmethod
        def _none_is_a_word(cls, attention: Any) -> Any:
            return "none" if attention is None else attention  # -o reads none as no value

        @pydantic.model_validator(mode="after")
        def _fits_together(self) -> Self:
            if self.width % (2 * self.heads) and self.network == "transformer":
                raise ValueError(
                    f"width {self.width} does not split into {self.heads} heads of an even size; "
                    f"take a width that is a multiple of {2 * self.heads}"
                )
            if self.width % 2:
                raise ValueError(f"width {self.width} does not split into two directions; take an even one")
            if self.network == "transformer" and not (self.attention == "dot" and self.feed_input):
                raise ValueError(
                    "a Transformer has dot-product attention and reads its last token; "
                    "attention and feed_input are for network=rnn, gru or lstm"
                )
            return self

    training_defaults: ClassVar[Mapping[str, object]] = {
        "batch_size": 128,
        "seq_len": 32,
        "optimizer": "muon",
        "learning_rate": 3e-3,
        "weight_decay": 0.1,
        "beta2": 0.98,
        "averaging": 0.2,
    }

    config: Config

    def __init__(self, config: Config, vocab_size: int, source_vocab_size: int | None = None) -> None:
        """source_vocab_size: where sources have a vocabulary of their own; else both sides share the embedding."""
        super().__init__(config, vocab_size)
        self.embedding = nn.Embedding(vocab_size, config.width)
        self.source_embedding = None if source_vocab_size is None else nn.Embedding(source_vocab_size, config.width)
        self.embedding_dropout = Dropout(config.dropout if config.network != "transformer" else 0.0)
        self.tied_bias = nn.Parameter(torch.zeros(vocab_size))
        self.encoder, self.decoder = _networks(config)
        self.initialise()

    def initialise(self) -> None:
        """Draw the weights: a Transformer's by its layout; embeddings so that the first guess is nearly even."""
        config = self.config
        if config.network == "transformer":
            LAYOUTS[config.preset].initialise(self, config.width, config.encoder_layers + config.decoder_layers)
            return
        for embedding in (self.embedding, self.source_embedding):
            if embedding is not None:
                nn.init.normal_(embedding.weight, std=config.width**-0.5)

    def hidden_matrices(self) -> Iterable[nn.Parameter]:
        """The matrices of a Transformer's blocks."""
        if isinstance(self.encoder, TransformerEncoder) and isinstance(self.decoder, TransformerDecoder):
            for blocks in (self.encoder.blocks, self.decoder.blocks):
                yield from (weight for weight in blocks.parameters() if weight.ndim == 2)

    def encode(self, sources_BS: Tensor, lengths_B: Tensor) -> Memory:
        """Read sources of these lengths, end tokens included; what stands behind them does not count."""
        embedding = self.embedding if self.source_embedding is None else self.source_embedding
        memory: Memory = self.encoder(self.embedding_dropout(embedding(sources_BS)), lengths_B)
        return memory

    def begin(self, memory: Memory) -> State:
        """The state of rows that have read nothing of their targets."""
        return self.decoder.begin(memory)

    def initial_state(self, batch_size: int, condition: object | None = None) -> State:
        """The state of rows that have read nothing of their targets.

        condition: a `Source` for each row. Raises ValueError for another number of them.
        """
        if not isinstance(condition, Sequence) or len(condition) != batch_size:
            raise ValueError(f"a translation needs a source for each of {batch_size} rows")
        sources = [torch.as_tensor(source, dtype=torch.int64, device=self.device) for source in condition]
        lengths_B = torch.tensor([len(source) for source in sources], device=self.device)
        return self.begin(self.encode(pad_sequence(sources, batch_first=True), lengths_B))

    def forward(self, tokens_BT: Tensor, state: State) -> tuple[Tensor, State]:
        """Read T tokens of the target in every row. Returns (logits_BTV, state)."""
        x_BTC, state = self.features(tokens_BT, state)
        return self.logits(x_BTC), state

    def features(self, tokens_BT: Tensor, state: State) -> tuple[Tensor, State]:
        """All of `forward` but the output head: (x_BTC, state)."""
        x_BTC, state = self.decoder(tokens_BT, self.embedding_dropout(self.embedding(tokens_BT)), state)
        return x_BTC, state

    def logits(self, x: Tensor) -> Tensor:
        """The output head: a logit for each token, of what `features` gave."""
        return functional.linear(x, self.embedding.weight, self.tied_bias)

    def training_loss(self, tokens_BT: Tensor, targets_BT: Tensor, state: State) -> tuple[TrainingLoss, State]:
        """The mean loss of the targets that are none of NO_TARGET; the penalty is what smoothed labels add."""
        x_BTC, state = self.features(tokens_BT, state)
        counted_BT = targets_BT != NO_TARGET
        targets_N = targets_BT[counted_BT]
        loss, nats = smoothed_linear_cross_entropy(
            x_BTC[counted_BT],
            self.embedding.weight,
            self.tied_bias,
            targets_N,
            len(targets_N),
            self.config.label_smoothing,
        )
        return TrainingLoss(nats, loss - nats), state

    def select_state(self, state: State, index_B: Tensor) -> State:
        """The rows `index_B` of a state, as a copy."""
        return self.decoder.select(state, index_B)

    def join_states(self, states: Sequence[State]) -> State:
        """One state with the rows of all, in order. Rows may have sources and targets of any length."""
        return self.decoder.join(states)

    @torch.no_grad()
    def attention_maps(self, source: Source, tokens: Sequence[int]) -> Tensor:
        """How much each token of a target that is read looked at each of the source's, (L, T, S), the mean over heads.

        A recurrent decoder has one such map; without attention there is none, L = 0.
        """
        found: list[Tensor] = []

        def take_down(module: nn.Module, inputs: tuple[Tensor, ...], weights: Tensor) -> None:
            del module, inputs
            found.append(weights[0].mean(dim=0) if weights.ndim == 4 else weights[0])

        looking = [part for part in self.decoder.modules() if isinstance(part, Weights | AdditiveWeights | DotWeights)]
        hooks = [part.register_forward_hook(take_down) for part in looking]
        try:
            self(torch.tensor([tokens], device=self.device), self.initial_state(1, [source]))
        finally:
            for hook in hooks:
                hook.remove()
        return torch.stack(found) if found else torch.zeros(0, len(tokens), len(source))


def _networks(
    config: Seq2Seq.Config,
) -> tuple[TransformerEncoder | RecurrentEncoder, TransformerDecoder | RecurrentDecoder]:
    """The encoder and the decoder that a config describes."""
    if config.network == "transformer":
        layout, window = LAYOUTS[config.preset], config.context_length
        return (
            TransformerEncoder(config, layout, window, config.encoder_layers),
            TransformerDecoder(config, layout, window, config.decoder_layers),
        )
    return (
        RecurrentEncoder(config.network, config.width, config.encoder_layers, config.dropout),
        RecurrentDecoder(
            config.network,
            config.width,
            config.decoder_layers,
            config.encoder_layers,
            config.dropout,
            config.attention,
            config.feed_input,
        ),
    )
