"""The generator of a text GAN: from noise to a sentence, a word at a time.

The layout is that of a side project (gmongaras/PyTorch_TextGen, 2022), read from its description. The noise of a whole
sentence, a vector for each of its places, passes M linear layers as in the mapping network of StyleGAN (T. Karras,
S. Laine and T. Aila, CVPR 2019, arXiv:1812.04948). Then each step puts a fresh token behind the words so far: noise, or
one and the same <START>. Positions are added; B blocks of self-attention, added noise, cross-attention to the global
noise and feed-forward follow, then O blocks without noise, each sublayer with layer norm and a skip connection. What
comes out at the fresh token becomes the softmax of the next word.

The fresh token is transient: no later word sees it, so it is never cached, and a step costs two tokens however long the
sentence is. For the same reason all steps can be taken at once where the words are known: the sequence is read as
content tokens, which see those before them, and beside each the fresh token that follows it, which sees the same and
itself. `forward` is this one path, over a window in training and over one token at a time in generation.

The words are the argmax, cut from the gradient, so a roll-out needs no graph: it is made without one, and `forward`
over its words gives the same logits with their gradient.

Shapes: B rows, T tokens read now, P tokens read before, S the most tokens of a sentence, V vocabulary, E width, H
heads, D head size, K blocks with noise, N tokens of both kinds in a block (2 T, or T where no fresh token joins).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal, NamedTuple, Self, TypeAlias

import pydantic
import torch
from torch import Generator, Tensor, nn
from torch.distributions import Distribution
from torch.nn import functional

from inkloom.errors import InputError
from inkloom.models.base import LanguageModel, TrainingLoss
from inkloom.models.choice import argmax, draw, exponential_
from inkloom.models.critic import CriticConfig, position_codes
from inkloom.models.noise import distribution_named, sample
from inkloom.models.transformer import attention_weights

KeysValues: TypeAlias = tuple[Tensor, Tensor]
"""Keys and values of one attention, (B, places, E) each; a cache may have room behind the places that are used."""

SLOPE = 0.2
"""Of the mapping's leaky ReLU below zero, as in StyleGAN."""


FEW = 4
"""Tokens in a step that attend by one product over all heads, which reads keys and values as they lie."""


class Noise(NamedTuple):
    """All randomness of some sentences, drawn before their first word; the condition of `initial_state`."""

    style: Tensor
    """The global noise: (B, S, E), or (B, S) where `mapping` is per_position."""

    fresh_BSE: Tensor
    """What each word starts from; (B, 0, E) where that is no noise."""

    added_BKS2: Tensor
    """Added in each block to the content token and to the fresh token of each place; (B, 0, S, 2) where none is."""

    def rows(self, index: Tensor | slice) -> "Noise":
        """The noise of some rows."""
        return Noise(*(part[index] for part in self))

    @classmethod
    def joined(cls, noises: Sequence["Noise"]) -> "Noise":
        """The rows of all, in order."""
        return cls(*(torch.cat(parts) for parts in zip(*noises, strict=True)))


class Memory(NamedTuple):
    """The state: what has been read, and the noise as the blocks take it."""

    noise: Noise
    styles: tuple[KeysValues, ...]
    """The global noise as keys and values, for each block with noise."""

    caches: tuple[KeysValues, ...]
    """The content tokens as keys and values, for each block; only the first `used` places count."""

    table_VE: Tensor
    """The embedding of every word."""

    read_B: Tensor
    """Tokens that each row has read, int64."""

    used: int
    valid_BP: Tensor | None
    """Which used places of a row hold one of its own tokens; None for all."""


class RollOut(NamedTuple):
    """Sentences that were written without a graph."""

    noise: Noise
    read_BS: Tensor
    """The tokens that were fed: the end token, then all words but the last, int64."""

    words_BS: Tensor
    """The argmax of each step, or with `output=gumbel` a draw, int64."""

    hidden_BSE: Tensor
    """What the softmax layer read."""

    def rows(self, index: slice) -> "RollOut":
        """Some of the sentences."""
        return RollOut(self.noise.rows(index), *(part[index] for part in self[1:]))


class GAN(LanguageModel):
    """The generator. Its critic (`critic.Critic`) is trained beside it and is needed no more afterwards."""

    class Config(CriticConfig, LanguageModel.Config):
        """The generator, then its critic, then what they are trained for."""

        length: int | None = pydantic.Field(default=None, ge=1)
        """Most tokens of a sentence, its end included; training.seq_len where none is given."""

        width: pydantic.PositiveInt = 64
        """Numbers that stand for a token throughout the generator."""

        heads: pydantic.PositiveInt = 8
        """Heads of each attention; they divide width."""

        mapping_layers: int = pydantic.Field(default=6, ge=0)
        """Linear layers that encode the global noise (M)."""

        noise_blocks: pydantic.PositiveInt = 6
        """Blocks with added noise and cross-attention to the global noise (B)."""

        blocks: int = pydantic.Field(default=2, ge=0)
        """Blocks without noise that follow (O)."""

        feed_forward: pydantic.PositiveInt = 1
        """Hidden width of the feed-forward, in multiples of the width."""

        noise: str = "normal"
        """normal, uniform (from -1 to 1), or any distribution of one number that torch.distributions has, such as
        laplace or gamma(2,1)."""

        mapping: Literal["full", "per_position"] = "full"
        """full: the global noise has a vector for every place; per_position: one number for every place, the same over
        the whole width."""

        added_noise: bool = True
        """Whether every block with noise adds some, a number for each place times learned strengths, as StyleGAN."""

        start: Literal["noise", "last", "start"] = "noise"
        """What a word is written at: noise, a fresh noise token that joins for one step; last, the token before the
        word itself; start, one learned <START> token that joins for one step."""

        output: Literal["softmax", "gumbel", "straight_through"] = "softmax"
        """What the critic reads: softmax probabilities; a Gumbel-softmax (E. Jang, S. Gu and B. Poole 2017), whose
        argmax is fed back; the one-hot word with the gradient of the softmax (Y. Bengio et al. 2013)."""

        gumbel_temperature: float = pydantic.Field(default=1.0, gt=0)
        """Of the Gumbel-softmax."""

        embedding: Literal["normal", "spectral"] = "normal"
        """normal: a vector for every word; spectral: the real part of the Fourier transform of its one-hot, and two
        linear layers."""

        objective: Literal["wgan", "non_saturating", "diffusion", "likelihood"] = "wgan"
        """wgan: Wasserstein distance (I. Gulrajani et al. 2017); non_saturating: I. Goodfellow et al. 2014; diffusion:
        non-saturating on diffused sentences (Z. Wang et al. 2022); likelihood: no critic, the next word's cost."""

        penalty: float = pydantic.Field(default=10.0, ge=0)
        """Weight of the penalty that keeps the norm of the critic's gradient at 1, for wgan and non_saturating."""

        critic_steps: pydantic.PositiveInt = 6
        """Updates of the critic before each of the generator."""

        final_critic_steps: pydantic.PositiveInt | None = None
        """As many at the end of the training, with even steps in between; none keeps critic_steps."""

        critic_learning_rate: float | None = pydantic.Field(default=None, gt=0)
        """Of the critic throughout; none takes training.learning_rate."""

        pretraining: float = pydantic.Field(default=0.0, ge=0, le=1)
        """Share of the training, from its start, in which the generator learns by likelihood alone."""

        likelihood_weight: float = pydantic.Field(default=0.0, ge=0)
        """How much the next word's cost counts beside the critic's score in the adversarial phase."""

        diffusion_target: float = pydantic.Field(default=0.6, ge=-1, le=1)
        """What the mean of sign(D(real) - 1/2) is held at, by more noise above it and less below."""

        diffusion_least: pydantic.PositiveInt = 5
        """Fewest levels of noise (T)."""

        diffusion_most: pydantic.PositiveInt = 500
        """Most levels of noise (T)."""

        diffusion_beta_first: float = pydantic.Field(default=1e-4, gt=0, lt=1)
        """Variance that the first level adds."""

        diffusion_beta_last: float = pydantic.Field(default=0.02, gt=0, lt=1)
        """Variance that the last level adds."""

        diffusion_sigma: float = pydantic.Field(default=0.5, ge=0)
        """Standard deviation of the noise that sentences are mixed with."""

        watch: bool = True
        """Whether collapse, vanishing or exploding gradients of the critic stop the training; NaN always does."""

        @pydantic.field_validator("mapping", "start", "output", "objective", mode="before")
        @classmethod
        def _hyphens_are_underscores(cls, name: Any) -> Any:
            return name.replace("-", "_") if isinstance(name, str) else name

        @pydantic.field_validator("noise")
        @classmethod
        def _is_a_distribution(cls, noise: str) -> str:
            try:
                distribution_named(noise)
            except InputError as error:
                raise ValueError(str(error)) from error
            return noise

        @pydantic.model_validator(mode="after")
        def _fits_together(self) -> Self:
            if self.width % self.heads:
                raise ValueError(f"heads {self.heads} do not divide width {self.width}; give such as 64 and 8")
            if self.diffusion_least > self.diffusion_most:
                raise ValueError("diffusion_least is above diffusion_most; give the lower number first")
            if self.pretraining == 1 and self.objective != "likelihood":
                raise ValueError("pretraining=1 leaves the critic no time; take objective=likelihood")
            return self

        def resolve(self, seq_len: int) -> Self:
            """The config with the length of sentences filled in."""
            return self.replace(length=seq_len) if self.length is None else self

    training_defaults: ClassVar[Mapping[str, Any]] = {
        "batch_size": 64,
        "seq_len": 64,
        "optimizer": "adam",
        "learning_rate": 1e-4,
        "beta1": 0.0,
        "beta2": 0.9,
        "schedule": "constant",
        "warm_up": 0.0,
        "clip": None,
    }

    config: Config

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        assert config.length is not None, "resolve fills it in"
        self.length = config.length
        self.context_window = config.length
        self.embedding = (
            nn.Embedding(vocab_size, config.width)
            if config.embedding == "normal"
            else SpectralEmbedding(vocab_size, config.width)
        )
        self.start_token = nn.Parameter(torch.randn(config.width)) if config.start == "start" else None
        side = config.width if config.mapping == "full" else config.length
        self.mapping = nn.ModuleList(nn.Linear(side, side) for _ in range(config.mapping_layers))
        self.layers = nn.ModuleList(
            Block(config, noise=number < config.noise_blocks) for number in range(config.noise_blocks + config.blocks)
        )
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, vocab_size)
        self.register_buffer(
            "positions_SE", position_codes(torch.arange(config.length + 1), config.width), persistent=False
        )
        self.positions_SE: Tensor
        self._initialise()

    def _initialise(self) -> None:
        """Mapping layers keep the variance of their input; the first softmax is nearly even."""
        for layer in self.mapping:
            assert isinstance(layer, nn.Linear)
            nn.init.kaiming_normal_(layer.weight, a=SLOPE)
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.head.weight, std=0.5 * self.config.width**-0.5)
        nn.init.zeros_(self.head.bias)

    @cached_property
    def distribution(self) -> Distribution:
        """What the noise is drawn from."""
        return distribution_named(self.config.noise)

    def noise(self, rows: int, generator: Generator, style: Generator | None = None) -> Noise:
        """The noise of so many sentences. style: draws the global noise instead; the rest stays as it was."""
        S, E, K = self.length, self.config.width, self.config.noise_blocks
        style_shape = (rows, S, E) if self.config.mapping == "full" else (rows, S)
        drawn = sample(self.distribution, style_shape, generator)
        parts = (
            drawn if style is None else sample(self.distribution, style_shape, style),
            sample(self.distribution, (rows, S if self.config.start == "noise" else 0, E), generator),
            sample(self.distribution, (rows, K if self.config.added_noise else 0, S, 2), generator),
        )
        return Noise(*(part.to(self.device) for part in parts))

    def silence(self, rows: int) -> Noise:
        """Noise that is zero throughout."""
        return Noise(*(torch.zeros_like(part) for part in self.noise(rows, Generator())))

    def initial_state(self, batch_size: int, condition: object | None = None) -> Memory:
        """Rows that have read nothing. condition: a `Noise` of as many rows, or one for each; none is no noise."""
        if condition is None:
            noise = self.silence(batch_size)
        elif isinstance(condition, Noise):
            noise = condition
        else:
            assert isinstance(condition, Sequence)
            noise = Noise.joined(condition)
        style_BSE = self._encoded(noise.style)
        styles = tuple(layer.cross.keys_and_values(layer.cross_norm(style_BSE)) for layer in self._noise_blocks())
        nothing = style_BSE.new_empty(batch_size, 0, self.config.width)
        return Memory(
            noise=noise,
            styles=styles,
            caches=((nothing, nothing),) * len(self.layers),
            table_VE=self.embedding.weight,
            read_B=torch.zeros(batch_size, dtype=torch.int64, device=self.device),
            used=0,
            valid_BP=None,
        )

    def forward(self, tokens_BT: Tensor, state: Memory) -> tuple[Tensor, Memory]:
        """Read T tokens in every row. Returns (logits_BTV, state).

        Raises InputError where a row has no room for them: it reads at most S tokens, and writes as many.
        """
        hidden_BTE, state = self.read(tokens_BT, state)
        return self.head(hidden_BTE), state

    def read(self, tokens_BT: Tensor, state: Memory) -> tuple[Tensor, Memory]:
        """`forward` but for the softmax layer: (hidden_BTE, state)."""
        B, T = tokens_BT.shape
        places_BT = state.read_B[:, None] + torch.arange(T, device=tokens_BT.device)
        if T == 0:
            return state.table_VE.new_zeros(B, 0, self.config.width), state
        if int(places_BT.max()) >= self.length:
            raise InputError(
                f"This model writes sentences of at most {self.length} tokens, and was given a text of "
                f"{int(places_BT.max()) + 1}. Give a shorter prompt, or train with a longer --seq-len."
            )
        content_BTE = functional.embedding(tokens_BT, state.table_VE) + self.positions_SE[places_BT]
        x_BNE = torch.cat([content_BTE, *self._fresh(places_BT, state.noise)], dim=1)
        bias = self._bias(x_BNE, T, state)
        caches = []
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, Block)
            added_BN = self._added(number, places_BT, state.noise, x_BNE.shape[1])
            style = state.styles[number] if layer.noise else None
            wanted = T if layer is self.layers[-1] else x_BNE.shape[1]
            x_BNE, cache = layer(x_BNE, state.caches[number], state.used, bias, style, added_BN, wanted)
            caches.append(cache)
        valid_BP = state.valid_BP
        if valid_BP is not None:
            valid_BP = torch.cat([valid_BP, valid_BP.new_ones(B, T)], dim=1)
        state = state._replace(caches=tuple(caches), read_B=state.read_B + T, used=state.used + T, valid_BP=valid_BP)
        return self.norm(x_BNE), state

    def select_state(self, state: Memory, index_B: Tensor) -> Memory:
        """The rows `index_B` of a state, as a copy."""

        def rows(pair: KeysValues, used: int | None) -> KeysValues:
            keys, values = (part[:, :used][index_B] for part in pair)
            return keys, values

        return state._replace(
            noise=state.noise.rows(index_B),
            styles=tuple(rows(pair, None) for pair in state.styles),
            caches=tuple(rows(pair, state.used) for pair in state.caches),
            read_B=state.read_B[index_B],
            valid_BP=None if state.valid_BP is None else state.valid_BP[index_B],
        )

    def join_states(self, states: Sequence[Memory]) -> Memory:
        """One state with the rows of all, in order; places that shorter rows lack are filled from the left."""
        used = max(state.used for state in states)
        ragged = any(state.used != used or state.valid_BP is not None for state in states)
        caches = zip(*(state.caches for state in states), strict=True)
        styles = zip(*(state.styles for state in states), strict=True)
        return Memory(
            noise=Noise.joined([state.noise for state in states]),
            styles=tuple(_joined(pairs) for pairs in styles),
            caches=tuple(
                _joined([_filled(pair, state.used, used) for pair, state in zip(pairs, states, strict=True)])
                for pairs in caches
            ),
            table_VE=states[0].table_VE,
            read_B=torch.cat([state.read_B for state in states]),
            used=used,
            valid_BP=torch.cat([_validity(state, used) for state in states]) if ragged else None,
        )

    @torch.no_grad()
    def roll_out(self, noise: Noise, end_id: int, generator: Generator | None = None) -> RollOut:
        """Write S words in every row, without a graph. What stands behind a sentence's end is written, too.

        generator: draws the words with `output=gumbel`; the other outputs need none.
        """
        B = len(noise.style)
        state = self.initial_state(B, noise)
        token_B1 = torch.full((B, 1), end_id, device=self.device)
        read, hidden = [], []
        for _ in range(self.length):
            read.append(token_B1)
            hidden_B1E, state = self.read(token_B1, state)
            hidden.append(hidden_B1E)
            logits_B1V = self.head(hidden_B1E)
            token_B1 = draw(logits_B1V, generator) if self.config.output == "gumbel" else argmax(logits_B1V)
        words_BS = torch.cat([*read[1:], token_B1], dim=1)
        return RollOut(noise, torch.cat(read, dim=1), words_BS, torch.cat(hidden, dim=1))

    def again(self, written: RollOut) -> Tensor:
        """What the softmax layer reads of a roll-out, hidden_BSE, computed at once and with its gradient."""
        hidden_BSE, _ = self.read(written.read_BS, self.initial_state(len(written.read_BS), written.noise))
        return hidden_BSE

    def outputs(self, hidden_BSE: Tensor, words_BS: Tensor, generator: Generator | None = None) -> Tensor:
        """What the critic reads, (B, S, V), each place a distribution over words whose argmax is its word.

        generator: the noise of the Gumbel-softmax. With `output=straight_through` these are the probabilities that the
        gradient passes; the one-hots that the critic reads are cheaper by look-up.
        """
        logits_BSV: Tensor = self.head(hidden_BSE)
        if self.config.output == "gumbel":
            with torch.no_grad():
                noise_BSV = gumbels_given(logits_BSV, words_BS, generator)
            logits_BSV = (logits_BSV + noise_BSV) / self.config.gumbel_temperature
        return logits_BSV.softmax(dim=-1)

    def training_loss(self, tokens_BT: Tensor, targets_BT: Tensor, state: Memory) -> tuple[TrainingLoss, Memory]:
        """The next word's cost, given noise: on average over the noise an upper bound of the sentence's (Jensen)."""
        return super().training_loss(tokens_BT, targets_BT, state)

    def hidden_matrices(self) -> Iterator[nn.Parameter]:
        """The products inside the blocks."""
        return (parameter for parameter in self.layers.parameters() if parameter.ndim == 2)

    def _noise_blocks(self) -> list["Block"]:
        return [layer for layer in self.layers if isinstance(layer, Block) and layer.noise]

    def _encoded(self, style: Tensor) -> Tensor:
        """The global noise behind the mapping, with the position of each of its places: style_BSE."""
        for layer in self.mapping:
            style = functional.leaky_relu(layer(style), SLOPE)
        if self.config.mapping == "per_position":
            style = style.unsqueeze(-1).expand(-1, -1, self.config.width)
        style_BSE: Tensor = style + self.positions_SE[1:]
        return style_BSE

    def _fresh(self, places_BT: Tensor, noise: Noise) -> list[Tensor]:
        """The tokens that words are written at, each a place behind the token that is read; none with start=last."""
        if self.config.start == "last":
            return []
        positions_BTE = self.positions_SE[places_BT + 1]
        if self.start_token is not None:
            return [self.start_token + positions_BTE]
        return [noise.fresh_BSE.gather(1, places_BT.unsqueeze(-1).expand(-1, -1, self.config.width)) + positions_BTE]

    def _added(self, number: int, places_BT: Tensor, noise: Noise, N: int) -> Tensor | None:
        """The noise that a block adds to its N tokens, (B, N)."""
        if number >= noise.added_BKS2.shape[1]:
            return None
        added_BS2 = noise.added_BKS2[:, number]
        added_BT2 = added_BS2.gather(1, places_BT.unsqueeze(-1).expand(-1, -1, 2))
        return added_BT2.transpose(1, 2).flatten(1)[:, :N]

    def _bias(self, x_BNE: Tensor, T: int, state: Memory) -> Tensor | None:
        """0 where a token sees another, else minus infinity, (B or 1, N, used + N): of the cache it sees all that is
        the row's own; of the tokens read now those up to it; of the fresh tokens itself alone. None where all see all.
        """
        N = x_BNE.shape[1]
        if N == 1 and state.valid_BP is None:
            return None
        earlier_TT = torch.ones(T, T, dtype=torch.bool, device=x_BNE.device).tril()
        visible_NN = earlier_TT
        if N == 2 * T:
            self_TT = torch.eye(T, dtype=torch.bool, device=x_BNE.device)
            of_content = torch.cat([earlier_TT, torch.zeros_like(self_TT)], dim=1)
            visible_NN = torch.cat([of_content, torch.cat([earlier_TT, self_TT], dim=1)])
        if state.valid_BP is None:
            visible = torch.cat([visible_NN.new_ones(N, state.used), visible_NN], dim=1).unsqueeze(0)
        else:
            cached_BNP = state.valid_BP[:, None].expand(-1, N, -1)
            visible = torch.cat([cached_BNP, visible_NN.expand(len(x_BNE), -1, -1)], dim=2)
        return torch.zeros(visible.shape, device=visible.device).masked_fill_(~visible, -torch.inf)


class Attention(nn.Module):
    """Queries of one sequence over the keys and values of another or of itself, several heads side by side."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries = nn.Linear(width, width)
        self.keys_values = nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, width)
        own_HE = torch.eye(heads).repeat_interleave(width // heads, dim=1)
        self.register_buffer("own_HE", own_HE, persistent=False)  # which numbers belong to each head
        self.own_HE: Tensor

    def keys_and_values(self, x_BPE: Tensor) -> KeysValues:
        """Of a sequence that is attended to."""
        keys_BPE, values_BPE = self.keys_values(x_BPE).chunk(2, dim=-1)
        return keys_BPE.contiguous(), values_BPE.contiguous()

    def forward(self, x_BNE: Tensor, keys_values: KeysValues, bias: Tensor | None) -> Tensor:
        """What each of N tokens finds, (B, N, E). bias: (B or 1, N, places), added to the scores."""
        q_BNE = self.queries(x_BNE)
        k_BPE, v_BPE = (part.to(q_BNE.dtype) for part in keys_values)
        attend = self._few if x_BNE.shape[1] <= FEW else self._many
        output: Tensor = self.output(attend(q_BNE, k_BPE, v_BPE, bias))
        return output

    def _many(self, q_BNE: Tensor, k_BPE: Tensor, v_BPE: Tensor, bias: Tensor | None) -> Tensor:
        B, _, E = q_BNE.shape
        q_BHND, k_BHPD, v_BHPD = (
            part.view(B, -1, self.heads, E // self.heads).transpose(1, 2) for part in (q_BNE, k_BPE, v_BPE)
        )
        # Fused attention takes 82 ms forward and backward for 64 rows of 128 tokens with 8 heads of 8 in bfloat16, the
        # products 32; over 64 places that all see, 66 and 6.
        weights_BHNP = attention_weights(q_BHND, k_BHPD, None if bias is None else bias.unsqueeze(1))
        return (weights_BHNP.to(v_BHPD.dtype) @ v_BHPD).transpose(1, 2).flatten(2)

    def _few(self, q_BNE: Tensor, k_BPE: Tensor, v_BPE: Tensor, bias: Tensor | None) -> Tensor:
        """The same for few tokens, whose cost is reading keys and values: one product over all heads reads each once.

        A query stands once for each head, with zeros in place of the others' numbers.
        """
        B, N, E = q_BNE.shape
        own_HE = self.own_HE.to(q_BNE.dtype)
        q_BME = (q_BNE.unsqueeze(2) * (own_HE * (E // self.heads) ** -0.5)).flatten(1, 2)  # M = N H
        scores_BMP = torch.matmul(q_BME, k_BPE.transpose(1, 2)).float()
        if bias is not None:
            scores_BMP = scores_BMP + bias.repeat_interleave(self.heads, dim=1)
        found_BME = torch.matmul(scores_BMP.softmax(dim=-1).to(v_BPE.dtype), v_BPE)
        return (found_BME.view(B, N, self.heads, E) * own_HE).sum(dim=2)


class Block(nn.Module):
    """Self-attention and feed-forward; with noise, added noise and cross-attention to the global noise in between.

    Each sublayer reads the layer norm of the sum so far and adds to it.
    """

    def __init__(self, config: GAN.Config, *, noise: bool) -> None:
        super().__init__()
        E = config.width
        self.noise = noise
        self.room = (config.length or 0) + 1
        self.attention_norm, self.attention = nn.LayerNorm(E), Attention(E, config.heads)
        if noise:
            # Read by the queries of this block and by the keys of the global noise, which is of another scale.
            self.query_norm, self.cross_norm, self.cross = nn.LayerNorm(E), nn.LayerNorm(E), Attention(E, config.heads)
        # StyleGAN starts at strength 0; here the critic's first gradients need noise that already tells samples apart.
        self.strength_E = nn.Parameter(torch.full((E,), 0.1)) if noise and config.added_noise else None
        self.feed_forward_norm = nn.LayerNorm(E)
        self.feed_forward = nn.Sequential(
            nn.Linear(E, config.feed_forward * E), nn.GELU(), nn.Linear(config.feed_forward * E, E)
        )

    def forward(
        self,
        x_BNE: Tensor,
        cache: KeysValues,
        used: int,
        bias: Tensor | None,
        style: KeysValues | None,
        added_BN: Tensor | None,
        wanted: int,
    ) -> tuple[Tensor, KeysValues]:
        """The last `wanted` tokens one block later, and the cache with all behind the places that are used."""
        normed_BNE = self.attention_norm(x_BNE)
        cache = _extended(cache, self.attention.keys_and_values(normed_BNE), used, self.room)
        seen = used + x_BNE.shape[1]
        x_BNE, normed_BNE = x_BNE[:, -wanted:], normed_BNE[:, -wanted:]
        bias = None if bias is None else bias[:, -wanted:]
        x_BNE = x_BNE + self.attention(normed_BNE, _first(cache, seen), bias)
        if self.strength_E is not None and added_BN is not None:
            x_BNE = x_BNE + added_BN[:, -wanted:].unsqueeze(-1) * self.strength_E
        if style is not None:
            x_BNE = x_BNE + self.cross(self.query_norm(x_BNE), style, None)
        return x_BNE + self.feed_forward(self.feed_forward_norm(x_BNE)), cache


class SpectralEmbedding(nn.Module):
    """Words by the real part of the Fourier transform of their one-hot, then two linear layers with a GELU between.

    The transform of the one-hot of word w is cos(2 pi w k / V) over k, so its product with the first layer's matrix is
    the transform of that matrix: all words at once cost V log V where each would cost V.
    """

    def __init__(self, vocab_size: int, width: int) -> None:
        super().__init__()
        # A sum of V cosines with independent weights of this size has variance about 1.
        self.first_VE = nn.Parameter(torch.randn(vocab_size, width) * (2 / vocab_size) ** 0.5)
        self.bias_E = nn.Parameter(torch.zeros(width))
        self.second = nn.Linear(width, width)

    @property
    def weight(self) -> Tensor:
        """The embedding of every word, (V, E)."""
        transformed_VE = torch.fft.fft(self.first_VE.float(), dim=0).real
        embeddings_VE: Tensor = self.second(functional.gelu(transformed_VE + self.bias_E))
        return embeddings_VE


def gumbels_given(logits_BSV: Tensor, words_BS: Tensor, generator: Generator | None = None) -> Tensor:
    """Gumbel noise under which each word is the argmax of logits + noise: a draw from what is possible given that.

    C. Maddison, D. Tarlow and T. Minka 2014 (arXiv:1411.0030): the maximum has a Gumbel distribution about the log-sum
    of all, whichever entry has it; each other is its own Gumbel cut off there. So words may be drawn in a roll-out and
    their noise afterwards, without keeping B S V numbers in between.
    """
    logits_BSV = logits_BSV.float()
    exponential_BSV = exponential_(torch.rand(logits_BSV.shape, generator=generator).to(logits_BSV.device))
    at_word = words_BS.unsqueeze(-1)
    log_total_BS1 = logits_BSV.logsumexp(dim=-1, keepdim=True)
    highest_BS1 = log_total_BS1 - exponential_BSV.gather(-1, at_word).log()
    others_BSV = -torch.logaddexp(exponential_BSV.log() - logits_BSV, -highest_BS1)
    return others_BSV.scatter(-1, at_word, highest_BS1) - logits_BSV


def _extended(cache: KeysValues, new: KeysValues, used: int, room: int) -> KeysValues:
    """A cache with new places behind those that are used. Without gradients they are written into its own memory."""
    keys, values = (_written(old, fresh, used, room) for old, fresh in zip(cache, new, strict=True))
    return keys, values


def _written(old_BPE: Tensor, new_BNE: Tensor, used: int, room: int) -> Tensor:
    if torch.is_grad_enabled() or old_BPE.requires_grad:
        return torch.cat([old_BPE[:, :used].to(new_BNE.dtype), new_BNE], dim=1)
    stop = used + new_BNE.shape[1]
    if stop > old_BPE.shape[1]:
        B, _, E = new_BNE.shape
        longer_BPE = new_BNE.new_empty(B, max(room, stop), E)
        longer_BPE[:, :used] = old_BPE[:, :used]
        old_BPE = longer_BPE
    old_BPE[:, used:stop] = new_BNE
    return old_BPE


def _first(pair: KeysValues, places: int) -> KeysValues:
    keys, values = (part[:, :places] for part in pair)
    return keys, values


def _joined(pairs: Sequence[KeysValues]) -> KeysValues:
    keys, values = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    return keys, values


def _filled(pair: KeysValues, used: int, wanted: int) -> KeysValues:
    """A cache with so many places, the missing ones as zeros before its own."""
    keys, values = (functional.pad(part[:, :used], (0, 0, wanted - used, 0)) for part in pair)
    return keys, values


def _validity(state: Memory, used: int) -> Tensor:
    """Which of `used` places hold a token of the row, (B, used)."""
    valid_BP = state.valid_BP
    if valid_BP is None:
        valid_BP = torch.ones(len(state.read_B), state.used, dtype=torch.bool, device=state.read_B.device)
    return functional.pad(valid_BP, (used - state.used, 0))
