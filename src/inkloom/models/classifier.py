"""Texts to classes: a network that reads a text and ends in one choice, many-to-one.

The readers are those of the language models, `recurrent` and `transformer`, without their output heads. A recurrent
one may read the text a second time from its end (M. Schuster and K. Paliwal, "Bidirectional Recurrent Neural Networks",
IEEE Transactions on Signal Processing 45, 1997). The Transformer stays causal: its last token has seen the whole text,
and nothing behind a text, such as padding, is seen by it. What a reader gives after each token is pooled into one
vector, of which a linear layer makes the logits of the classes.

`encoder=dense` has no order and no recurrence: it takes the share of each token in the text, a vector of fixed size,
and so is one-to-one. Temperature scaling: C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On Calibration of Modern Neural
Networks" (arXiv:1706.04599).

Shapes: B texts, T tokens of the longest, V vocabulary, H numbers after each token, S numbers for a text, C classes.
"""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal, Self, TypeVar

import pydantic
import torch
from torch import Tensor, nn
from torch.nn import functional

from inkloom.config import Config as BaseConfig
from inkloom.models.base import State
from inkloom.models.dropout import Dropout
from inkloom.models.gru import GRU
from inkloom.models.lstm import LSTM
from inkloom.models.recurrent import RecurrentLanguageModel
from inkloom.models.rnn import RNN
from inkloom.models.transformer import Transformer

Reader = TypeVar("Reader", RecurrentLanguageModel, Transformer)

HEAD_SIZE = 32
"""Numbers in an attention head; the width is a multiple of it, or there is one head."""


class Classifier(nn.Module):
    """Gives a text one logit for each class. It writes no text, so it is no LanguageModel."""

    class Config(BaseConfig):
        """What reads the text, and its size."""

        encoder: Literal["dense", "rnn", "gru", "lstm", "transformer"] = "lstm"
        """What reads a text: a recurrent network, a Transformer, or a dense network on the share of each token."""

        embedding_size: pydantic.PositiveInt = 64
        """Numbers that stand for a token at the input of a recurrent network."""

        hidden_size: pydantic.PositiveInt = 256
        """Units in each layer and direction; the width of a Transformer."""

        layers: pydantic.PositiveInt = 1
        """Layers, each reading the one below."""

        bidirectional: bool = False
        """Whether a second recurrent network reads the text from its end."""

        pooling: Literal["last", "mean", "max"] = "max"
        """What stands for a text: what its last token left, or the mean or the maximum over all tokens."""

        dropout: float = pydantic.Field(default=0.3, ge=0, lt=1)
        """Share of numbers set to zero while training: after the embedding and after every layer."""

        class_weights: float = pydantic.Field(default=0.0, ge=0, le=1)
        """How far rare classes weigh more in the loss, as a power of 1 / frequency: 0 not at all, 1 as if all classes
        were of one size."""

        max_tokens: pydantic.PositiveInt = 512
        """Of a longer text so many tokens are read, those at its beginning."""

        labels: tuple[str, ...] = ()
        """The classes in the order of the outputs; filled in from train, whatever is given."""

        @pydantic.model_validator(mode="after")
        def _fits_together(self) -> Self:
            if self.bidirectional and self.encoder not in RECURRENT:
                raise ValueError(
                    f"bidirectional belongs to the encoders {', '.join(RECURRENT)}; {self.encoder} reads no text twice"
                )
            if self.encoder == "transformer" and self.hidden_size % 2:
                raise ValueError(
                    f"hidden_size {self.hidden_size} is odd; the positions of a Transformer take an even one"
                )
            return self

    training_defaults: ClassVar[Mapping[str, Any]] = {
        "batch_size": 64,
        "learning_rate": 2e-3,
    }

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.encoder = ENCODERS[config.encoder](config, vocab_size)
        self.head = nn.Linear(self.encoder.size, len(config.labels))
        self.temperature = nn.Buffer(torch.ones(()))
        """What logits are divided by before the softmax; fitted to val when the weights are."""

    def forward(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """logits_BC of texts, of which rows with fewer tokens than T are filled up behind; what is there is not seen.

        lengths_B: the tokens of each text, int64, at least 1.
        """
        logits_BC: Tensor = self.head(self.encoder(tokens_BT, lengths_B))
        return logits_BC

    def log_probs(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """ln p of every class, (B, C), calibrated by the temperature, in float32."""
        logits_BC: Tensor = self(tokens_BT, lengths_B)
        return (logits_BC.float() / self.temperature).log_softmax(dim=-1)

    def hidden_matrices(self) -> Iterable[nn.Parameter]:
        """The two-dimensional weights between hidden layers, which Muon may update."""
        return self.encoder.hidden_matrices()

    @property
    def device(self) -> torch.device:
        """Where the parameters lie."""
        return self.head.weight.device


class Encoder(nn.Module, ABC):
    """Reads texts. `size` is how many numbers stand for each, S."""

    size: int

    @abstractmethod
    def forward(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """What stands for each text, (B, S)."""

    def hidden_matrices(self) -> Iterable[nn.Parameter]:
        """The weights that Muon may update; none where it does not pay."""
        return ()


class DenseEncoder(Encoder):
    """Hidden layers on the share of each token in a text."""

    def __init__(self, config: Classifier.Config, vocab_size: int) -> None:
        super().__init__()
        self.size = config.hidden_size
        self.vocab_size = vocab_size
        sizes = [vocab_size] + [config.hidden_size] * config.layers
        self.layers = nn.ModuleList(nn.Linear(below, above) for below, above in itertools.pairwise(sizes))
        self.dropout = Dropout(config.dropout)

    def forward(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """What stands for each text, (B, H)."""
        x_BS = bag_of_tokens(tokens_BT, lengths_B, self.vocab_size)
        for layer in self.layers:
            x_BS = self.dropout(functional.relu(layer(x_BS)))
        return x_BS


class RecurrentEncoder(Encoder):
    """A recurrent network that reads texts forwards and, if it is to, another that reads them backwards."""

    def __init__(self, config: Classifier.Config, vocab_size: int) -> None:
        super().__init__()
        family = RECURRENT[config.encoder]
        sizes = {name: getattr(config, name) for name in ("embedding_size", "hidden_size", "layers", "dropout")}
        directions = 1 + config.bidirectional
        self.readers = nn.ModuleList(_headless(family(family.Config(**sizes), vocab_size)) for _ in range(directions))
        for reader in self.readers[1:]:
            reader.embedding = self.readers[0].embedding  # a token means the same in both directions
        self.pool = POOLINGS[config.pooling]
        self.size = directions * config.hidden_size

    def forward(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """What stands for each text: H numbers for each direction."""
        texts = [tokens_BT, backwards(tokens_BT, lengths_B)]
        read = [
            self.pool(features(reader, text_BT), lengths_B)
            for reader, text_BT in zip(self.readers, texts, strict=False)  # of one direction, the first text alone
        ]
        return torch.cat(read, dim=-1)


class TransformerEncoder(Encoder):
    """A causal Transformer."""

    def __init__(self, config: Classifier.Config, vocab_size: int) -> None:
        super().__init__()
        width = config.hidden_size
        fields = Transformer.Config(
            width=width,
            heads=width // HEAD_SIZE if width % HEAD_SIZE == 0 else 1,
            layers=config.layers,
            dropout=config.dropout,
            context_length=config.max_tokens + 2,  # an end token stands before each text and one behind it
        )
        self.reader = _headless(Transformer(fields, vocab_size))
        self.pool = POOLINGS[config.pooling]
        self.size = width

    def forward(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """What stands for each text, (B, H)."""
        return self.pool(features(self.reader, tokens_BT), lengths_B)

    def hidden_matrices(self) -> Iterable[nn.Parameter]:
        return self.reader.hidden_matrices()


def features(reader: nn.Module, tokens_BT: Tensor) -> Tensor:
    """What a language model's network gives after each token of texts that it reads from the start, (B, T, H)."""
    assert isinstance(reader, RecurrentLanguageModel | Transformer)
    nothing_read: State = reader.initial_state(len(tokens_BT))
    x_BTH, _ = reader.features(tokens_BT, nothing_read)
    return x_BTH


def bag_of_tokens(tokens_BT: Tensor, lengths_B: Tensor, vocab_size: int) -> Tensor:
    """The share of every token of the vocabulary in each text, (B, V)."""
    shares_BT = _within(tokens_BT, lengths_B) / lengths_B[:, None]
    return shares_BT.new_zeros(len(tokens_BT), vocab_size).scatter_add_(1, tokens_BT, shares_BT)


def backwards(tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
    """Each text from its end; what stands behind it stays there."""
    places_BT = torch.arange(tokens_BT.shape[1], device=tokens_BT.device).expand_as(tokens_BT)
    mirrored_BT = torch.where(places_BT < lengths_B[:, None], lengths_B[:, None] - 1 - places_BT, places_BT)
    return tokens_BT.gather(1, mirrored_BT)


def pool_last(x_BTH: Tensor, lengths_B: Tensor) -> Tensor:
    """What the last token of each text left, (B, H)."""
    return x_BTH[torch.arange(len(x_BTH), device=x_BTH.device), lengths_B - 1]


def pool_mean(x_BTH: Tensor, lengths_B: Tensor) -> Tensor:
    """The mean over the tokens of each text, (B, H)."""
    within_BT1 = _within(x_BTH[..., 0], lengths_B).unsqueeze(-1)
    return (x_BTH * within_BT1).sum(dim=1) / lengths_B[:, None]


def pool_max(x_BTH: Tensor, lengths_B: Tensor) -> Tensor:
    """The greatest of each number over the tokens of each text, (B, H)."""
    behind_BT1 = ~_within(x_BTH[..., 0], lengths_B).unsqueeze(-1)
    return x_BTH.masked_fill(behind_BT1, -torch.inf).amax(dim=1)


def _within(like_BT: Tensor, lengths_B: Tensor) -> Tensor:
    """Which places hold a token of the text, bool."""
    return torch.arange(like_BT.shape[1], device=like_BT.device) < lengths_B[:, None]


def _headless(reader: Reader) -> Reader:
    """A language model that only reads: it predicts no token."""
    reader.head = None
    return reader


RECURRENT: Mapping[str, type[RecurrentLanguageModel]] = {"rnn": RNN, "gru": GRU, "lstm": LSTM}

ENCODERS: Mapping[str, Callable[[Classifier.Config, int], Encoder]] = {
    "dense": DenseEncoder,
    **dict.fromkeys(RECURRENT, RecurrentEncoder),
    "transformer": TransformerEncoder,
}

POOLINGS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {"last": pool_last, "mean": pool_mean, "max": pool_max}
