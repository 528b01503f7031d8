"""Images to captions: a network that looks at an image and a decoder that writes about it, one-to-many.

The image becomes a grid of feature vectors, each of which has its place added to it. They reach the decoder in one of
two ways:

start      their mean is the first state of a recurrent decoder, which sees no more of them: O. Vinyals, A. Toshev,
           S. Bengio and D. Erhan, "Show and Tell: A Neural Image Caption Generator" (arXiv:1411.4555)
attention  what the decoder gives after each word is a query, by which several heads gather from the grid: K. Xu et
           al., "Show, Attend and Tell" (arXiv:1502.03044), with the current word's query, as in section 2.2 of J. Lu,
           C. Xiong, D. Parikh and R. Socher, "Knowing When to Look" (arXiv:1612.01887), and a Transformer's products

The decoders are the language models, whole: what they give before their output head is the query, and the sum of it and
of what was gathered goes on to that head. Nothing mixes the two any further, so that what an image adds to the logit of
"star" is the same after "red" as after "blue": a decoder that has never read "red star" can still write it.

Shapes: B rows, T tokens, V vocabulary, S pixels of a side, F feature vectors of the grid, G of them along a side, C
width, H heads, D head size, L layers, P things that a unit remembers, K channels.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar, Literal, NamedTuple, Self

import pydantic
import torch
from torch import Tensor, nn

from inkloom.errors import InputError
from inkloom.models.base import LanguageModel, State, TrainingLoss
from inkloom.models.dropout import Dropout
from inkloom.models.gru import GRU
from inkloom.models.lstm import LSTM
from inkloom.models.recurrent import RecurrentLanguageModel
from inkloom.models.rnn import RNN
from inkloom.models.transformer import Transformer, attention_weights

CNN = "cnn"
"""The encoder that is made here; any other name is timm's."""

GROUPS = 8
"""Channels are normalised in so many groups: Y. Wu and K. He, "Group Normalization" (arXiv:1803.08494). An image's
features then do not depend on the images beside it, in training neither."""

RECURRENT: Mapping[str, type[RecurrentLanguageModel]] = {"rnn": RNN, "gru": GRU, "lstm": LSTM}


class CaptionState(NamedTuple):
    """What the decoder has read, and the image as its words ask for it: keys and values, empty without attention."""

    decoder: State
    keys_BHFD: Tensor
    values_BHFD: Tensor


class Captioner(LanguageModel):
    """Writes about an image, which is the condition of its initial state."""

    class Config(LanguageModel.Config):
        """What looks at the image, what writes about it, and how the two are joined."""

        encoder: str = CNN
        """What looks at the image: cnn, or a model of timm by its name, such as resnet18 (needs inkloom[timm])."""

        pretrained: bool = False
        """Whether an encoder of timm starts from the weights that are published for it, which are downloaded."""

        image_size: pydantic.PositiveInt = 48
        """Pixels of a side to which images are scaled."""

        channels: tuple[pydantic.PositiveInt, ...] = (32, 64, 128)
        """Of each stage of the cnn, separated by commas; each stage halves the sides, so three leave an eighth."""

        decoder: Literal["rnn", "gru", "lstm", "transformer"] = "gru"
        """What writes."""

        width: pydantic.PositiveInt = 128
        """Numbers that stand for a word and for a place in the image; units in a layer of a recurrent decoder."""

        layers: pydantic.PositiveInt = 1
        """Layers of the decoder."""

        heads: pydantic.PositiveInt = 4
        """Attention heads, each of width / heads numbers, over the image and in a Transformer over the words."""

        attention: bool = True
        """Whether every word looks at the places of the image; if not, a recurrent decoder starts from their mean."""

        dropout: float = pydantic.Field(default=0.1, ge=0, lt=1)
        """Share of numbers set to zero while training: in the decoder, and in what is gathered from the image."""

        word_dropout: float = pydantic.Field(default=0.0, ge=0, lt=1)
        """Share of the tokens that the decoder cannot read while training, so that it looks instead of guessing from
        the words before (S. Bowman et al. 2016, arXiv:1511.06349)."""

        context_length: pydantic.PositiveInt | None = None
        """Tokens in the window of a Transformer; by default those of the longest caption that is trained on."""

        @pydantic.field_validator("channels", mode="before")
        @classmethod
        def _text_is_a_list(cls, channels: Any) -> Any:
            return tuple(channels.split(",")) if isinstance(channels, str) else channels

        @pydantic.model_validator(mode="after")
        def _fits_together(self) -> Self:
            if self.decoder == "transformer" and not self.attention:
                raise ValueError(
                    "a Transformer has no state that an image could be put into; "
                    "take attention=true, or one of the decoders rnn, gru and lstm"
                )
            if self.width % (2 * self.heads):
                raise ValueError(
                    f"width {self.width} does not split into {self.heads} heads of an even size; "
                    f"take a width that is a multiple of {2 * self.heads}"
                )
            if self.encoder == CNN:
                if not self.channels or any(channels % GROUPS for channels in self.channels):
                    raise ValueError(
                        f"channels got {', '.join(map(str, self.channels))}; give multiples of {GROUPS}, such as 32,64"
                    )
                if self.image_size % 2 ** len(self.channels):
                    raise ValueError(
                        f"image_size {self.image_size} cannot be halved {len(self.channels)} times; "
                        f"give a multiple of {2 ** len(self.channels)}"
                    )
            return self

        def resolve(self, seq_len: int) -> Self:
            """The config with the window of a Transformer."""
            window = self.context_length or (seq_len if self.decoder == "transformer" else None)
            return self.replace(context_length=window)

    training_defaults: ClassVar[Mapping[str, object]] = {
        "batch_size": 64,
        "seq_len": 64,
        "learning_rate": 2e-3,
    }

    config: Config

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.encoder: Encoder = Cnn(config.channels) if config.encoder == CNN else TimmEncoder(config.encoder)
        side = self.encoder.grid_side(config.image_size)
        self.project = nn.Linear(self.encoder.channels, config.width)
        self.places_FC = nn.Parameter(torch.randn(side * side, config.width) * 0.02)
        self.grid_norm = nn.LayerNorm(config.width)
        self.decoder = _decoder(config, vocab_size)
        self.look = Look(config) if config.attention else None
        self.start = None if config.attention else Start(config, RECURRENT[config.decoder].state_parts)
        self.context_window = self.decoder.context_window

    def hidden_matrices(self) -> Iterable[nn.Parameter]:
        """Those of the decoder."""
        return self.decoder.hidden_matrices()

    def encode(self, images_BSS3: Tensor) -> Tensor:
        """The grid of an image's features, row by row, (B, F, C). images_BSS3: uint8."""
        pixels_B3SS = self.encoder.normalised(images_BSS3.permute(0, 3, 1, 2))
        features_BFK = self.encoder(pixels_B3SS).flatten(2).transpose(1, 2)
        grid_BFC: Tensor = self.grid_norm(self.project(features_BFK) + self.places_FC)
        return grid_BFC

    def initial_state(self, batch_size: int, condition: object | None = None) -> CaptionState:
        """Rows that have read nothing about their images.

        condition: the images, uint8, (B, S, S, 3), or one (S, S, 3) for each row.
        """
        if condition is None:
            raise ValueError("a captioner writes about images; none was given as the condition")
        images_BSS3 = condition if isinstance(condition, Tensor) else torch.stack(_tensors(condition))
        if len(images_BSS3) != batch_size:
            raise ValueError(f"{len(images_BSS3)} images were given for {batch_size} rows")
        grid_BFC = self.encode(images_BSS3.to(self.device))
        if self.look is not None:
            return CaptionState(self.decoder.initial_state(batch_size), *self.look.remember(grid_BFC))
        assert self.start is not None
        nothing_BHFD = grid_BFC.new_empty(batch_size, 1, 0, 1)
        return CaptionState(self.start(grid_BFC.mean(dim=1)), nothing_BHFD, nothing_BHFD)

    def forward(self, tokens_BT: Tensor, state: CaptionState) -> tuple[Tensor, CaptionState]:
        """Read T tokens in every row. Returns (logits_BTV, state)."""
        x_BTC, decoder = self.decoder.features(tokens_BT, state.decoder)
        if self.look is not None:
            x_BTC = x_BTC + self.look(x_BTC, state.keys_BHFD, state.values_BHFD)
        return self.decoder.logits(x_BTC), state._replace(decoder=decoder)

    def training_loss(
        self, tokens_BT: Tensor, targets_BT: Tensor, state: CaptionState
    ) -> tuple[TrainingLoss, CaptionState]:
        """The mean loss of the targets; of the words, some read as the token that every row begins with."""
        if self.training and self.config.word_dropout > 0:
            hidden_BT = torch.rand(tokens_BT.shape, device=tokens_BT.device) < self.config.word_dropout
            tokens_BT = torch.where(hidden_BT, tokens_BT[:, :1], tokens_BT)
        return super().training_loss(tokens_BT, targets_BT, state)

    def where_it_looks(self, tokens_BT: Tensor, state: CaptionState) -> Tensor:
        """How the weight of each word's look is spread over the grid, (B, H, T, F); each row of F sums to 1.

        What stands at t is where it looks after token t, that is for the word after it.
        """
        if self.look is None:
            raise InputError("This captioner has no attention: it starts from the mean of the image and looks no more.")
        x_BTC, _ = self.decoder.features(tokens_BT, state.decoder)
        return self.look.weights(x_BTC, state.keys_BHFD)

    def select_state(self, state: CaptionState, index_B: Tensor) -> CaptionState:
        """The rows `index_B` of a state, as a copy."""
        here_B = index_B.to(self.device)
        return CaptionState(
            self.decoder.select_state(state.decoder, index_B),
            state.keys_BHFD.index_select(0, here_B),
            state.values_BHFD.index_select(0, here_B),
        )

    def join_states(self, states: Sequence[CaptionState]) -> CaptionState:
        """One state with the rows of all, in order. Rows may have read different numbers of tokens."""
        return CaptionState(
            self.decoder.join_states([state.decoder for state in states]),
            torch.cat([state.keys_BHFD for state in states]),
            torch.cat([state.values_BHFD for state in states]),
        )


class Start(nn.Module):
    """The first state of a recurrent decoder, made of the mean of the image."""

    def __init__(self, config: Captioner.Config, state_parts: int) -> None:
        super().__init__()
        self.layers, self.parts = config.layers, state_parts
        self.linear = nn.Linear(config.width, state_parts * config.layers * config.width)

    def forward(self, mean_BC: Tensor) -> tuple[Tensor, ...]:
        """(L, B, C) for each thing that a unit remembers, within what it can reach, -1 to 1."""
        state_BPLC = torch.tanh(self.linear(mean_BC)).float().view(len(mean_BC), self.parts, self.layers, -1)
        return tuple(part_BLC.transpose(0, 1).contiguous() for part_BLC in state_BPLC.unbind(1))


class Look(nn.Module):
    """Attention over the places of an image."""

    def __init__(self, config: Captioner.Config) -> None:
        super().__init__()
        self.heads = config.heads
        self.norm = nn.LayerNorm(config.width)
        self.queries = nn.Linear(config.width, config.width)
        self.keys_values = nn.Linear(config.width, 2 * config.width)
        self.output = nn.Linear(config.width, config.width)
        self.dropout = Dropout(config.dropout)

    def remember(self, grid_BFC: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values of an image, (B, H, F, D) each."""
        keys_BFHD, values_BFHD = self.keys_values(grid_BFC).unflatten(-1, (2, self.heads, -1)).unbind(2)
        return keys_BFHD.transpose(1, 2), values_BFHD.transpose(1, 2)

    def weights(self, x_BTC: Tensor, keys_BHFD: Tensor) -> Tensor:
        """softmax(q k^T / sqrt(D)), (B, H, T, F)."""
        q_BHTD = self.queries(self.norm(x_BTC)).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return attention_weights(q_BHTD, keys_BHFD, None)

    def forward(self, x_BTC: Tensor, keys_BHFD: Tensor, values_BHFD: Tensor) -> Tensor:
        """What the queries x gather, (B, T, C)."""
        seen_BTC = (self.weights(x_BTC, keys_BHFD) @ values_BHFD).transpose(1, 2).flatten(2)
        gathered_BTC: Tensor = self.dropout(self.output(seen_BTC))
        return gathered_BTC


class Encoder(nn.Module):
    """Looks at an image. `channels` is how many numbers stand for a place in it, K."""

    channels: int

    def normalised(self, pixels_B3SS: Tensor) -> Tensor:
        """Pixels from 0 to 255 as the numbers that the encoder takes: -1 to 1."""
        return pixels_B3SS.float() / 127.5 - 1

    def grid_side(self, image_size: int) -> int:
        """How many feature vectors lie along a side of the grid. InputError for a size that cannot be looked at."""
        self.eval()  # what normalises a batch would learn from the blank image, and not take one alone
        try:
            with torch.no_grad():
                features_1KGG: Tensor = self(torch.zeros(1, 3, image_size, image_size))
        except (RuntimeError, AssertionError) as error:
            reason = " ".join(str(error).split())[:200].rstrip(".")
            raise InputError(
                f"model.image_size got {image_size}, which the encoder does not take: {reason}."
            ) from error
        self.train()
        return features_1KGG.shape[-1]


class Cnn(Encoder):
    """Stages of two convolutions, the first of which halves the sides."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.channels = channels[-1]
        self.stages = nn.Sequential(*(_stage(below, above) for below, above in pairwise((3, *channels))))

    def forward(self, pixels_B3SS: Tensor) -> Tensor:
        """(B, K, S / 2^stages, the same)."""
        features_BKGG: Tensor = self.stages(pixels_B3SS)
        return features_BKGG


def _stage(below: int, above: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(below, above, 3, stride=2, padding=1, bias=False),
        nn.GroupNorm(GROUPS, above),
        nn.ReLU(),
        nn.Conv2d(above, above, 3, padding=1, bias=False),
        nn.GroupNorm(GROUPS, above),
        nn.ReLU(),
    )


class TimmEncoder(Encoder):
    """The last features of a network of timm, which has several hundred of them."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.network: Any = _timm_network(name, pretrained=False)
        self.channels = int(self.network.feature_info.channels()[-1])
        published = self.network.pretrained_cfg
        self.mean_311 = nn.Buffer(torch.tensor(published["mean"])[:, None, None], persistent=False)
        self.deviation_311 = nn.Buffer(torch.tensor(published["std"])[:, None, None], persistent=False)

    def load_published(self) -> None:
        """Take the weights that are published for the network; they are downloaded where they are not here yet."""
        self.network.load_state_dict(_timm_network(self.name, pretrained=True).state_dict())

    def normalised(self, pixels_B3SS: Tensor) -> Tensor:
        """Pixels from 0 to 255 as the network was trained to take them."""
        return (pixels_B3SS.float() / 255 - self.mean_311) / self.deviation_311

    def forward(self, pixels_B3SS: Tensor) -> Tensor:
        """(B, K, G, G)."""
        (features,) = self.network(pixels_B3SS)
        # Networks of windows, such as Swin, have the channels last.
        features_BKGG: Tensor = features if features.shape[1] == self.channels else features.permute(0, 3, 1, 2)
        return features_BKGG


def _timm_network(name: str, *, pretrained: bool) -> Any:
    """A network of timm that gives its last features. InputError where there is none of that name, or no timm."""
    try:
        import timm
    except ModuleNotFoundError as error:
        raise InputError(
            f"model.encoder got {name!r}; encoders other than {CNN} come from the package timm, which is not "
            f"installed. Install inkloom[timm], or take {CNN}."
        ) from error
    except (
        Exception
    ) as error:  # torchvision, which timm needs, raises RuntimeError beside a torch that it was not made for
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise InputError(
            f"model.encoder got {name!r}, and timm cannot be loaded: {reason}. Install the torchvision that fits torch "
            f"{torch.__version__}, or take {CNN}."
        ) from error
    try:
        return timm.create_model(name, pretrained=pretrained, features_only=True, out_indices=(-1,))
    except Exception as error:  # timm raises RuntimeError and others for unknown names and for downloads that fail
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise InputError(
            f"model.encoder got {name!r}, which timm cannot make: {reason}. See timm.list_models()."
        ) from error


def _decoder(config: Captioner.Config, vocab_size: int) -> RecurrentLanguageModel | Transformer:
    if config.decoder in RECURRENT:
        family = RECURRENT[config.decoder]
        return family(
            family.Config(
                embedding_size=config.width,
                hidden_size=config.width,
                layers=config.layers,
                dropout=config.dropout,
            ),
            vocab_size,
        )
    fields = {name: getattr(config, name) for name in ("width", "layers", "heads", "dropout", "context_length")}
    return Transformer(Transformer.Config(**fields), vocab_size)


def _tensors(condition: object) -> list[Tensor]:
    assert isinstance(condition, Sequence)
    return list(condition)
