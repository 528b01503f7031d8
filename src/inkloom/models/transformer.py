"""The decoder-only Transformer: A. Vaswani et al., "Attention Is All You Need", NeurIPS 2017 (arXiv:1706.03762).

A preset is the layout of a published model, made small:

vaswani  the paper's own blocks: sinusoidal positions, LayerNorm after each residual sum, ReLU
gpt2     A. Radford et al., "Language Models are Unsupervised Multitask Learners", 2019: learned positions,
         LayerNorm before each sublayer and at the end, GELU
qwen3    A. Yang et al., "Qwen3 Technical Report", 2025 (arXiv:2505.09388): rotary positions (arXiv:2104.09864), RMSNorm
         (arXiv:1910.07467) before each sublayer and on queries and keys, SwiGLU (arXiv:2002.05202), no biases; with as
         many heads for keys as for queries

Shapes: B rows, T tokens read now, S tokens in the window so far, W the window, V vocabulary, C width, H heads, D head
size, F hidden width of the feed-forward. R is 1 where all rows stand at the same position, else B.
"""

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal, NamedTuple, Protocol, Self, TypeAlias

import pydantic
import torch
from torch import Tensor, nn
from torch.nn import functional

from inkloom.errors import InputError
from inkloom.models.base import LanguageModel
from inkloom.models.dropout import Dropout
from inkloom.models.stepping import Stepper, WeightType
from inkloom.models.transformer_stepper import TransformerStepper

logger = logging.getLogger("inkloom")


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + 1e-6) times a gain for each number: LayerNorm without centring.

    nn.RMSNorm warns where autocast brings bfloat16 numbers to its float32 gains; here the gains follow the input.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        """The last dimension normalised, in the type of `x`; sums are float32."""
        return functional.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), eps=1e-6)


@dataclass(frozen=True)
class Layout:
    """What distinguishes the blocks of one published model from another's."""

    positions: Literal["sinusoidal", "learned", "rotary"]
    norm: Callable[[int], nn.Module]
    norm_first: bool
    """Before each sublayer and at the end, else after each residual sum."""

    norm_queries_and_keys: bool
    activation: Callable[[Tensor], Tensor]
    gated: bool
    """Whether the activation's output multiplies a second projection."""

    bias: bool
    feed_forward: int
    """Hidden width of the feed-forward in multiples of the width."""

    scale_embedding: bool
    """Whether embeddings are multiplied by sqrt(C)."""

    initialise: Callable[[nn.Module, int, int], None]
    """Draws the weights of a network of this width and so many layers."""


def initialise_vaswani(network: nn.Module, width: int, layers: int) -> None:
    """Xavier uniform products; embeddings that the factor sqrt(C) brings to standard deviation 1."""
    del layers
    for name, weight in network.named_parameters():
        if name.endswith("embedding.weight"):
            nn.init.normal_(weight, std=width**-0.5)
        elif name.endswith("keys_values.weight"):  # of queries, too, in self-attention
            for part in weight.chunk(len(weight) // width):
                nn.init.xavier_uniform_(part)
        elif name.endswith(("input.weight", "output.weight", "head.weight", "queries.weight")):
            nn.init.xavier_uniform_(weight)
        elif name.endswith(".bias"):
            nn.init.zeros_(weight)


def initialise_gpt2(network: nn.Module, width: int, layers: int) -> None:
    """Standard deviation 0.02 everywhere; 0.02 / sqrt(2 layers) where a sublayer adds to the residual sum."""
    del width
    for name, weight in network.named_parameters():
        if name.endswith("output.weight"):
            nn.init.normal_(weight, std=0.02 / math.sqrt(2 * layers))
        elif weight.ndim == 2:
            nn.init.normal_(weight, std=0.02)
        elif name.endswith(".bias"):
            nn.init.zeros_(weight)


def initialise_qwen3(network: nn.Module, width: int, layers: int) -> None:
    """Products that keep the scale of their input. What a sublayer adds starts at zero, so that the network is
    at first the embedding and the head alone (as in T. Bachlechner et al., "ReZero is All You Need", 2020)."""
    del layers
    for name, weight in network.named_parameters():
        if name.endswith("output.weight"):
            nn.init.zeros_(weight)
        elif weight.ndim == 2:
            nn.init.normal_(weight, std=width**-0.5)


LAYOUTS = {
    "vaswani": Layout(
        positions="sinusoidal",
        norm=nn.LayerNorm,
        norm_first=False,
        norm_queries_and_keys=False,
        activation=functional.relu,
        gated=False,
        bias=True,
        feed_forward=4,
        scale_embedding=True,
        initialise=initialise_vaswani,
    ),
    "gpt2": Layout(
        positions="learned",
        norm=nn.LayerNorm,
        norm_first=True,
        norm_queries_and_keys=False,
        activation=partial(functional.gelu, approximate="tanh"),
        gated=False,
        bias=True,
        feed_forward=4,
        scale_embedding=False,
        initialise=initialise_gpt2,
    ),
    "qwen3": Layout(
        positions="rotary",
        norm=RMSNorm,
        norm_first=True,
        norm_queries_and_keys=True,
        activation=functional.silu,
        gated=True,
        bias=False,
        feed_forward=3,
        scale_embedding=False,
        initialise=initialise_qwen3,
    ),
}


def causal_bias(queries: int, keys: int, like: Tensor) -> Tensor:
    """The additive mask (T, S): 0 where a query may look, minus infinity at the keys after its own position.

    The queries are at the last of the keys' positions. Added before the softmax, minus infinity makes a weight of 0.
    """
    return torch.full((queries, keys), -math.inf, dtype=like.dtype, device=like.device).triu(1 + keys - queries)


def attention_weights(q_BHTD: Tensor, k_BHSD: Tensor, bias_TS: Tensor | None) -> Tensor:
    """softmax(q k^T / sqrt(D) + bias), (B, H, T, S): equation 1 of the paper, with an additive mask where one is."""
    scores_BHTS = (q_BHTD / math.sqrt(q_BHTD.shape[-1])) @ k_BHSD.transpose(-1, -2)
    return (scores_BHTS if bias_TS is None else scores_BHTS + bias_TS).softmax(dim=-1)


def reference_attention(q_BHTD: Tensor, k_BHSD: Tensor, v_BHSD: Tensor) -> Tensor:
    """Causal attention with the explicit mask, (B, H, T, D): what every faster path must equal."""
    return attention_weights(q_BHTD, k_BHSD, causal_bias(q_BHTD.shape[2], k_BHSD.shape[2], q_BHTD)) @ v_BHSD


def causal_attention(q_BHTD: Tensor, k_BHTD: Tensor, v_BHTD: Tensor) -> Tensor:
    """The same over a whole window, by the faster path."""
    # In training on a CPU the plain products win for short windows: forward and backward of 16 x 6 heads of 32 in
    # bfloat16 take 3.3 against 13.3 ms for T=128, 11 against 17 ms (4 rows) for T=512. Beyond, T x T scores cost more.
    if q_BHTD.device.type == "cpu" and q_BHTD.shape[2] <= 512:
        return reference_attention(q_BHTD, k_BHTD, v_BHTD)
    return functional.scaled_dot_product_attention(q_BHTD, k_BHTD, v_BHTD, is_causal=True)


def sinusoids(window: int, width: int) -> Tensor:
    """sin and cos of position / 10000^(2i / C), in turn, (W, C): section 3.5 of the paper."""
    angles_WC2 = _angles(window, width)
    return torch.stack([angles_WC2.sin(), angles_WC2.cos()], dim=-1).flatten(1)


def rotations(window: int, head_size: int) -> Tensor:
    """cos and sin of position / 10000^(2i / D), (2, W, D): the D/2 angles serve both halves of a head."""
    angles_WD = _angles(window, head_size).repeat(1, 2)
    return torch.stack([angles_WD.cos(), angles_WD.sin()])


def rotate(x_BTHD: Tensor, rotation_2RTD: Tensor) -> Tensor:
    """Turn each pair (x_i, x_{i + D/2}) by its angle, so that q k^T depends on distance alone (RoPE, equation 34)."""
    cos_RT1D, sin_RT1D = rotation_2RTD.unsqueeze(3).to(x_BTHD.dtype).unbind()
    first, second = x_BTHD.chunk(2, dim=-1)
    return x_BTHD * cos_RT1D + torch.cat([-second, first], dim=-1) * sin_RT1D


def _angles(window: int, size: int) -> Tensor:
    """position / 10000^(2i / size), (W, size / 2)."""
    frequencies = 10000.0 ** (-torch.arange(0, size, 2) / size)
    return torch.arange(window).unsqueeze(1) * frequencies


class Cache(NamedTuple):
    """A Transformer's state: what each row has read of its window. With empty buffers (S = 0) it has read nothing.

    Buffers may be longer than what is used of them. lengths_B (int64) lies on the CPU, where every step reads it.
    """

    lengths_B: Tensor
    tokens_BS: Tensor
    keys_LBHSD: tuple[Tensor, ...]
    values_LBHSD: tuple[Tensor, ...]

    @property
    def fresh(self) -> bool:
        """Whether nothing has been read."""
        return self.tokens_BS.shape[1] == 0

    def select(self, index_B: Tensor) -> "Cache":
        """The rows `index_B`, as a copy."""

        def rows(buffer: Tensor) -> Tensor:
            return buffer.index_select(0, index_B.to(buffer.device))

        keys_LBHSD, values_LBHSD = tuple(map(rows, self.keys_LBHSD)), tuple(map(rows, self.values_LBHSD))
        return Cache(rows(self.lengths_B), rows(self.tokens_BS), keys_LBHSD, values_LBHSD)

    @staticmethod
    def join(caches: Sequence["Cache"]) -> "Cache":
        """The rows of all, in order, in buffers as long as the longest."""
        longest = max(cache.tokens_BS.shape[1] for cache in caches)

        def rows(buffers: Iterable[Tensor]) -> Tensor:
            # Zeros, not empty memory, in the room behind shorter rows: a weight of 0 times NaN is NaN.
            return torch.cat([functional.pad(buffer, (0, 0, 0, longest - buffer.shape[-2])) for buffer in buffers])

        return Cache(
            torch.cat([cache.lengths_B for cache in caches]),
            rows(cache.tokens_BS.unsqueeze(-1) for cache in caches).squeeze(-1),
            tuple(map(rows, zip(*(cache.keys_LBHSD for cache in caches), strict=True))),
            tuple(map(rows, zip(*(cache.values_LBHSD for cache in caches), strict=True))),
        )

    def replace_rows(self, rows: Sequence[int], other: "Cache") -> "Cache":
        """With the rows of a cache that is no longer than this one in place of these."""

        def replace(buffer: Tensor, new: Tensor, dim: int) -> Tensor:
            buffer = _writable(buffer)
            buffer.narrow(dim, 0, new.shape[dim])[rows] = new
            return buffer

        return Cache(
            self.lengths_B.index_copy(0, torch.tensor(rows), other.lengths_B),
            replace(self.tokens_BS, other.tokens_BS, 1),
            tuple(replace(old, new, 2) for old, new in zip(self.keys_LBHSD, other.keys_LBHSD, strict=True)),
            tuple(replace(old, new, 2) for old, new in zip(self.values_LBHSD, other.values_LBHSD, strict=True)),
        )


BLOCK = 64
"""Tokens by which the buffers of a window grow."""


@dataclass(frozen=True)
class Place:
    """Where the tokens of one call stand in windows that hold some already."""

    window: int
    positions_RT: Tensor
    used: int
    """S after the call, in the longest row."""

    mask_R1TS: Tensor | None
    """True where a query may look; None where it may look everywhere."""

    @classmethod
    def after(cls, lengths_B: Tensor, new: int, window: int, device: torch.device) -> Self:
        """The place of `new` tokens after rows of these lengths."""
        lengths = lengths_B.tolist()
        used = max(lengths) + new
        starts = lengths[:1] if min(lengths) == max(lengths) else lengths
        positions_RT = torch.tensor(starts, device=device).unsqueeze(1) + torch.arange(new, device=device)
        if new == 1 and len(starts) == 1:
            return cls(window, positions_RT, used, None)
        return cls(window, positions_RT, used, torch.arange(used, device=device) <= positions_RT[:, None, :, None])

    def write(self, buffer_BHSD: Tensor, new_BHTD: Tensor) -> Tensor:
        """A buffer with `new` at these positions.

        It grows by whole blocks, so that most tokens are written in place, and rows that are joined or picked bring
        little that is not used.
        """
        room = min(self.window, math.ceil(self.used / BLOCK) * BLOCK) - buffer_BHSD.shape[2]
        buffer_BHSD = functional.pad(buffer_BHSD, (0, 0, 0, room)) if room > 0 else _writable(buffer_BHSD)
        buffer_BHSD = buffer_BHSD.to(new_BHTD.dtype)
        if len(self.positions_RT) == 1:
            buffer_BHSD[:, :, self.used - new_BHTD.shape[2] : self.used] = new_BHTD
        else:
            rows_B1 = torch.arange(len(new_BHTD), device=new_BHTD.device).unsqueeze(1)
            buffer_BHSD[rows_B1, :, self.positions_RT] = new_BHTD.transpose(1, 2)
        return buffer_BHSD


def _writable(buffer: Tensor) -> Tensor:
    """The buffer itself, or a copy where a gradient may still need what it holds."""
    return buffer.clone() if torch.is_grad_enabled() else buffer


Rotation: TypeAlias = Tensor | None
"""cos_RTD and sin_RTD of the tokens' positions, stacked, where positions are rotary."""

KeysValues: TypeAlias = tuple[Tensor, Tensor]
"""k_BHSD and v_BHSD of one layer."""

Attend: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""What a whole window's queries gather: y_BHTD of q_BHTD, k_BHTD and v_BHTD."""


class Attention(nn.Module):
    """Every position gathers from those before it, by similarity, in H independent heads."""

    def __init__(self, width: int, heads: int, layout: Layout) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=layout.bias)
        self.output = nn.Linear(width, width, bias=layout.bias)
        normed = layout.norm_queries_and_keys
        self.query_norm = layout.norm(width // heads) if normed else nn.Identity()
        self.key_norm = layout.norm(width // heads) if normed else nn.Identity()
        self.attend: Attend = causal_attention

    def forward(
        self, x_BTC: Tensor, rotation: Rotation, past: KeysValues, place: Place | None, attend: Attend | None = None
    ) -> tuple[Tensor, KeysValues]:
        """Attend to `past` and to the tokens themselves; to these alone, by `attend`, where `place` is None."""
        q_BTHD, k_BTHD, v_BTHD = self.queries_keys_values(x_BTC).unflatten(-1, (3, self.heads, -1)).unbind(2)
        q_BTHD, k_BTHD = self.query_norm(q_BTHD), self.key_norm(k_BTHD)
        if rotation is not None:
            q_BTHD, k_BTHD = rotate(q_BTHD, rotation), rotate(k_BTHD, rotation)
        q_BHTD, k_BHTD, v_BHTD = q_BTHD.transpose(1, 2), k_BTHD.transpose(1, 2), v_BTHD.transpose(1, 2)
        if place is None:
            present = k_BHTD, v_BHTD
            y_BHTD = (attend or self.attend)(q_BHTD, k_BHTD, v_BHTD)
        else:
            present = place.write(past[0], k_BHTD), place.write(past[1], v_BHTD)
            k_BHSD, v_BHSD = (buffer[:, :, : place.used] for buffer in present)
            y_BHTD = functional.scaled_dot_product_attention(q_BHTD, k_BHSD, v_BHSD, attn_mask=place.mask_R1TS)
        return self.output(y_BHTD.transpose(1, 2).flatten(2)), present


class FeedForward(nn.Module):
    """A network of one hidden layer, the same at every position."""

    def __init__(self, width: int, hidden: int, layout: Layout) -> None:
        super().__init__()
        self.activation = layout.activation
        self.gated = layout.gated
        self.input = nn.Linear(width, 2 * hidden if layout.gated else hidden, bias=layout.bias)
        self.output = nn.Linear(hidden, width, bias=layout.bias)

    def forward(self, x_BTC: Tensor) -> Tensor:
        """The network's output, (B, T, C)."""
        y_BTC: Tensor = self.output(self.activated(self.input(x_BTC)))
        return y_BTC

    def activated(self, h: Tensor) -> Tensor:
        """What the hidden layer shows, (…, F), of what it is fed."""
        if not self.gated:
            return self.activation(h)
        gate, h = h.chunk(2, dim=-1)
        return self.activation(gate) * h


class BlockSizes(Protocol):
    """What a config says of a block."""

    @property
    def width(self) -> int: ...
    @property
    def heads(self) -> int: ...
    @property
    def feed_forward(self) -> int | None: ...
    @property
    def dropout(self) -> float: ...


class Block(nn.Module):
    """Attention and feed-forward, each added to what came in."""

    def __init__(self, config: BlockSizes, layout: Layout) -> None:
        super().__init__()
        self.norm_first = layout.norm_first
        self.attention = Attention(config.width, config.heads, layout)
        self.feed_forward = FeedForward(config.width, config.feed_forward or layout.feed_forward * config.width, layout)
        self.attention_norm = layout.norm(config.width)
        self.feed_forward_norm = layout.norm(config.width)
        self.dropout = Dropout(config.dropout)

    def forward(
        self, x_BTC: Tensor, rotation: Rotation, past: KeysValues, place: Place | None
    ) -> tuple[Tensor, KeysValues]:
        """The block's output (B, T, C), and its keys and values."""
        x_BTC, present = self.attended(x_BTC, rotation, past, place)
        return self.fed_forward(x_BTC), present

    def attended(
        self, x_BTC: Tensor, rotation: Rotation, past: KeysValues, place: Place | None, attend: Attend | None = None
    ) -> tuple[Tensor, KeysValues]:
        """The first sublayer, attention: what came in with what it adds, and keys and values."""
        if self.norm_first:
            y_BTC, present = self.attention(self.attention_norm(x_BTC), rotation, past, place, attend)
            return x_BTC + self.dropout(y_BTC), present
        y_BTC, present = self.attention(x_BTC, rotation, past, place, attend)
        return self.attention_norm(x_BTC + self.dropout(y_BTC)), present

    def fed_forward(self, x_BTC: Tensor) -> Tensor:
        """The last sublayer, feed-forward: what came in with what it adds."""
        if self.norm_first:
            added_BTC: Tensor = self.dropout(self.feed_forward(self.feed_forward_norm(x_BTC)))
            return x_BTC + added_BTC
        y_BTC: Tensor = self.feed_forward_norm(x_BTC + self.dropout(self.feed_forward(x_BTC)))
        return y_BTC


class Transformer(LanguageModel):
    """A language model that looks back at every token of its window.

    A row whose window is full drops the older half, reads the rest anew from position 0 and goes on. So a
    prediction sees at least half of `context_window`, and one call gives the same as token by token.
    """

    class Config(LanguageModel.Config):
        """The layout and its sizes."""

        preset: Literal["vaswani", "gpt2", "qwen3"] = "qwen3"
        """The published model whose layout the blocks share."""

        layers: pydantic.PositiveInt = 4
        """Blocks of attention and feed-forward."""

        width: pydantic.PositiveInt = 192
        """Numbers that stand for a token between the blocks."""

        heads: pydantic.PositiveInt = 6
        """Attention heads, each of width / heads numbers."""

        feed_forward: pydantic.PositiveInt | None = None
        """Hidden width of the feed-forward; by default 4 times the width, in qwen3 3 times with a gate."""

        dropout: float = pydantic.Field(default=0.0, ge=0, lt=1)
        """Share of numbers set to zero while training: in the embedding and in what each sublayer adds."""

        context_length: pydantic.PositiveInt | None = None
        """Tokens in the window; by default those of a training window."""

        tied: bool = False
        """Whether the output head shares the embedding's matrix (Press & Wolf 2017)."""

        @pydantic.model_validator(mode="after")
        def _heads_fit(self) -> Self:
            if self.width % (2 * self.heads):  # rotary positions and sinusoids turn pairs of numbers
                raise ValueError(
                    f"width {self.width} does not split into {self.heads} heads of an even size; "
                    f"take a width that is a multiple of {2 * self.heads}"
                )
            return self

        def resolve(self, seq_len: int) -> Self:
            """The config with the window of `seq_len` training tokens where none is set."""
            if self.context_length is not None and self.context_length < seq_len:
                raise InputError(
                    f"model.context_length is {self.context_length}, but training windows have {seq_len} tokens; "
                    f"give at least {seq_len}, or a shorter --seq-len."
                )
            return self.replace(context_length=self.context_length or seq_len)

    training_defaults: ClassVar[Mapping[str, object]] = {
        "batching": "windows",
        "batch_size": 16,
        "seq_len": 128,
        "optimizer": "muon",
        "learning_rate": 1e-2,
        "weight_decay": 0.1,
    }

    config: Config

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        if config.context_length is None:
            raise ValueError("context_length is not set; config.resolve(seq_len) sets it to the training window")
        self.window = self.context_window = config.context_length
        layout = LAYOUTS[config.preset]
        self.embedding = nn.Embedding(vocab_size, config.width)
        self.embedding_scale = math.sqrt(config.width) if layout.scale_embedding else 1.0
        self.positions_WC = added_positions(layout, self.window, config.width)
        rotary = layout.positions == "rotary"
        self.rotations_2WD = (
            nn.Buffer(rotations(self.window, config.width // config.heads), persistent=False) if rotary else None
        )
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, layout) for _ in range(config.layers))
        self.norm = layout.norm(config.width) if layout.norm_first else nn.Identity()
        # A tied head has no weight of its own, so that a state dict holds every tensor once.
        self.head = None if config.tied else nn.Linear(config.width, vocab_size, bias=False)
        layout.initialise(self, config.width, config.layers)
        self._told_of_full_window = False

    def hidden_matrices(self) -> Iterable[nn.Parameter]:
        """The matrices of the blocks."""
        return (weight for weight in self.blocks.parameters() if weight.ndim == 2)

    def initial_state(self, batch_size: int, condition: object | None = None) -> Cache:
        """Windows that hold nothing."""
        del condition
        shape = (batch_size, self.config.heads, 0, self.config.width // self.config.heads)
        empty_LBHSD = (torch.empty(shape, device=self.device),) * self.config.layers
        tokens_BS = torch.empty(batch_size, 0, dtype=torch.int64, device=self.device)
        return Cache(torch.zeros(batch_size, dtype=torch.int64), tokens_BS, empty_LBHSD, empty_LBHSD)

    def forward(self, tokens_BT: Tensor, state: Cache) -> tuple[Tensor, Cache]:
        """Read T tokens in every row. Returns (logits_BTV, state)."""
        x_BTC, state = self.features(tokens_BT, state)
        return self.logits(x_BTC), state

    def features(self, tokens_BT: Tensor, state: Cache) -> tuple[Tensor, Cache]:
        """All of `forward` but the output head: (x_BTC, state)."""
        cache = Cache(*state)
        parts = [self.embedding.weight.new_empty(len(tokens_BT), 0, self.config.width)]
        while tokens_BT.shape[1] > 0:
            cache = cache if cache.fresh else self._make_room(cache)
            room = self.window if cache.fresh else self.window - int(cache.lengths_B.max())
            x_BTC, cache = self._read(tokens_BT[:, :room], cache)
            parts.append(x_BTC)
            tokens_BT = tokens_BT[:, room:]
        return parts[1] if len(parts) == 2 else torch.cat(parts, dim=1), cache

    def logits(self, x_BTC: Tensor) -> Tensor:
        """The output head: logits_BTV of what `features` gave."""
        return functional.linear(x_BTC, self.embedding.weight if self.head is None else self.head.weight)

    def _read(self, tokens_BT: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        """`features` of tokens that every row's window has room for."""
        new = tokens_BT.shape[1]
        if cache.fresh:
            place = None
            positions_RT = torch.arange(new, device=self.device).unsqueeze(0)
            read_BS = tokens_BT
        else:
            place = Place.after(cache.lengths_B, new, self.window, self.device)
            positions_RT = place.positions_RT
            read_BS = place.write(cache.tokens_BS[:, None, :, None], tokens_BT[:, None, :, None])[:, 0, :, 0]
        x_BTC = self.embedding(tokens_BT) * self.embedding_scale
        if self.positions_WC is not None:
            x_BTC = x_BTC + self.positions_WC[positions_RT]
        x_BTC = self.dropout(x_BTC)
        rotation_2RTD = None if self.rotations_2WD is None else self.rotations_2WD[:, positions_RT]
        present = []
        for block, *past in zip(self.blocks, cache.keys_LBHSD, cache.values_LBHSD, strict=True):
            x_BTC, keys_values = block(x_BTC, rotation_2RTD, past, place)
            present.append(keys_values)
        keys_LBHSD, values_LBHSD = zip(*present, strict=True)
        return self.norm(x_BTC), Cache(cache.lengths_B + new, read_BS, keys_LBHSD, values_LBHSD)

    def _make_room(self, cache: Cache) -> Cache:
        """Where a row's window is full, drop its older half and read the rest anew."""
        full = [row for row, length in enumerate(cache.lengths_B.tolist()) if length == self.window]
        if not full:
            return cache
        reread = self.reread(cache.tokens_BS[full, self.window - self.window // 2 :])
        return reread if len(full) == len(cache.lengths_B) else cache.replace_rows(full, reread)

    def reread(self, kept_BT: Tensor) -> Cache:
        """The state of rows whose window was full, after reading what they keep of it. It says so once."""
        if not self._told_of_full_window:
            self._told_of_full_window = True
            logger.warning(
                "The Transformer's window of %d tokens is full: it drops the older half and reads the rest anew, "
                "now and whenever it is full again.",
                self.window,
            )
        _, reread = self._read(kept_BT, self.initial_state(len(kept_BT)))
        return reread

    def stepper(self, kind: WeightType = "float32") -> Stepper:
        """On a CPU and in float32, one with packed weights."""
        packs = self.device.type == "cpu" and self.embedding.weight.dtype == torch.float32
        return TransformerStepper(self, kind) if packs else super().stepper(kind)

    def rewind(self, state: Cache, tokens_B: Tensor) -> Cache:
        """The state before the last `tokens_B` of each row were read: what stands behind a row's length is not seen."""
        cache = Cache(*state)
        return cache._replace(lengths_B=cache.lengths_B - tokens_B)

    def select_state(self, state: Cache, index_B: Tensor) -> Cache:
        """The rows `index_B` of a state, as a copy."""
        return Cache(*state).select(index_B)

    def join_states(self, states: Sequence[Cache]) -> Cache:
        """One state with the rows of all, in order. Rows may have read different numbers of tokens."""
        return Cache.join([Cache(*state) for state in states])


def added_positions(layout: Layout, window: int, width: int) -> Tensor | None:
    """What is added to the embedding at each position, (W, C), where positions are not rotary."""
    if layout.positions == "learned":
        return nn.Parameter(torch.empty(window, width))
    return nn.Buffer(sinusoids(window, width), persistent=False) if layout.positions == "sinusoidal" else None
