"""The Transformer as encoder and decoder: A. Vaswani et al., "Attention Is All You Need", NeurIPS 2017, section 3.

The blocks are those of `inkloom.models.transformer`. An encoder's see the whole source; a decoder's see the target so
far and, by a third sublayer between the other two, the encoded source.

Shapes: B rows, S tokens of the source, T tokens of the target read now, C width, H heads, D head size, L layers; N is S
or T. R is 1 where all rows stand at the same position, else B.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from inkloom.models.dropout import Dropout
from inkloom.models.memory import Memory, joined, padding_bias
from inkloom.models.transformer import (
    Block,
    BlockSizes,
    Cache,
    KeysValues,
    Layout,
    Place,
    Rotation,
    added_positions,
    attention_weights,
    rotations,
)


class Weights(nn.Module):
    """softmax(q k^T / sqrt(D) + bias), (B, H, T, S), of a module of its own so that a hook can take them down."""

    def forward(self, q_BHTD: Tensor, k_BHSD: Tensor, bias_BS: Tensor) -> Tensor:
        return attention_weights(q_BHTD, k_BHSD, bias_BS[:, None, None, :].to(q_BHTD.dtype))


class CrossAttention(nn.Module):
    """Every position of the target gathers from the whole source, by similarity, in H independent heads."""

    def __init__(self, width: int, heads: int, layout: Layout) -> None:
        super().__init__()
        self.heads = heads
        self.queries = nn.Linear(width, width, bias=layout.bias)
        self.keys_values = nn.Linear(width, 2 * width, bias=layout.bias)
        self.output = nn.Linear(width, width, bias=layout.bias)
        normed = layout.norm_queries_and_keys
        self.query_norm = layout.norm(width // heads) if normed else nn.Identity()
        self.key_norm = layout.norm(width // heads) if normed else nn.Identity()
        self.weights = Weights()

    def of_source(self, memory_BSC: Tensor) -> KeysValues:
        """k_BHSD and v_BHSD of a source, which serve all its target's tokens."""
        k_BSHD, v_BSHD = self.keys_values(memory_BSC).unflatten(-1, (2, self.heads, -1)).unbind(2)
        return self.key_norm(k_BSHD).transpose(1, 2), v_BSHD.transpose(1, 2)

    def forward(self, x_BTC: Tensor, source: KeysValues, bias_BS: Tensor) -> Tensor:
        """What is gathered, (B, T, C)."""
        q_BHTD = self.query_norm(self.queries(x_BTC).unflatten(-1, (self.heads, -1))).transpose(1, 2)
        k_BHSD, v_BHSD = source
        y_BHTD = self.weights(q_BHTD, k_BHSD, bias_BS) @ v_BHSD
        y_BTC: Tensor = self.output(y_BHTD.transpose(1, 2).flatten(2))
        return y_BTC


class DecoderBlock(Block):
    """Attention to the target so far, attention to the source, and feed-forward, each added to what came in."""

    def __init__(self, config: BlockSizes, layout: Layout) -> None:
        super().__init__(config, layout)
        self.cross_attention = CrossAttention(config.width, config.heads, layout)
        self.cross_norm = layout.norm(config.width)

    def looked_at_source(self, x_BTC: Tensor, source: KeysValues, bias_BS: Tensor) -> Tensor:
        """The sublayer between the other two: what came in with what it adds."""
        if self.norm_first:
            added_BTC: Tensor = self.dropout(self.cross_attention(self.cross_norm(x_BTC), source, bias_BS))
            return x_BTC + added_BTC
        y_BTC: Tensor = self.cross_norm(x_BTC + self.dropout(self.cross_attention(x_BTC, source, bias_BS)))
        return y_BTC


class Stack(nn.Module):
    """What encoder and decoder share: positions, dropout, blocks, and a norm where blocks have none at their end."""

    def __init__(
        self, config: BlockSizes, layout: Layout, window: int, blocks: int, block: Callable[..., Block]
    ) -> None:
        super().__init__()
        self.window = window
        self.embedding_scale = math.sqrt(config.width) if layout.scale_embedding else 1.0
        self.positions_WC = added_positions(layout, window, config.width)
        rotary = layout.positions == "rotary"
        self.rotations_2WD = (
            nn.Buffer(rotations(window, config.width // config.heads), persistent=False) if rotary else None
        )
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(block(config, layout) for _ in range(blocks))
        self.norm = layout.norm(config.width) if layout.norm_first else nn.Identity()

    def placed(self, x_BNC: Tensor, positions_RN: Tensor) -> tuple[Tensor, Rotation]:
        """Embeddings at their positions, and how these turn queries and keys."""
        x_BNC = x_BNC * self.embedding_scale
        if self.positions_WC is not None:
            x_BNC = x_BNC + self.positions_WC[positions_RN]
        return self.dropout(x_BNC), None if self.rotations_2WD is None else self.rotations_2WD[:, positions_RN]


class TransformerEncoder(Stack):
    """Every token of the source sees all of it."""

    def __init__(self, config: BlockSizes, layout: Layout, window: int, layers: int) -> None:
        super().__init__(config, layout, window, layers, Block)

    def forward(self, x_BSC: Tensor, lengths_B: Tensor) -> Memory:
        """Encode embedded sources of these lengths; what stands behind them is not seen."""
        longest = x_BSC.shape[1]
        bias_BS = padding_bias(lengths_B, longest)
        attend = partial(_attend_to_source, bias_BS)
        x_BSC, rotation = self.placed(x_BSC, torch.arange(longest, device=x_BSC.device).unsqueeze(0))
        for block in self.blocks:
            assert isinstance(block, Block)
            x_BSC, _ = block.attended(x_BSC, rotation, _NOTHING_PAST, None, attend)
            x_BSC = block.fed_forward(x_BSC)
        return Memory(self.norm(x_BSC), bias_BS)


_NOTHING_PAST: KeysValues = (torch.empty(0), torch.empty(0))


def _attend_to_source(bias_BS: Tensor, q_BHSD: Tensor, k_BHSD: Tensor, v_BHSD: Tensor) -> Tensor:
    return attention_weights(q_BHSD, k_BHSD, bias_BS[:, None, None, :].to(q_BHSD.dtype)) @ v_BHSD


class TransformerState(NamedTuple):
    """What a decoder knows: the target so far, and the keys and values that each of its layers has of the source."""

    target: Cache
    source_L: tuple[KeysValues, ...]
    bias_BS: Tensor


class TransformerDecoder(Stack):
    """Every token of the target sees those before it and the whole source."""

    def __init__(self, config: BlockSizes, layout: Layout, window: int, layers: int) -> None:
        super().__init__(config, layout, window, layers, DecoderBlock)
        self.heads = config.heads

    def begin(self, memory: Memory) -> TransformerState:
        """The state of rows that have read nothing of their target."""
        memory_BSC = memory.memory_BSC
        rows, _, width = memory_BSC.shape
        empty_LBHSD = (memory_BSC.new_empty(rows, self.heads, 0, width // self.heads),) * len(self.blocks)
        tokens_BT = torch.empty(rows, 0, dtype=torch.int64, device=memory_BSC.device)
        nothing = Cache(torch.zeros(rows, dtype=torch.int64), tokens_BT, empty_LBHSD, empty_LBHSD)
        source_L = tuple(block.cross_attention.of_source(memory_BSC) for block in self._decoder_blocks)
        return TransformerState(nothing, source_L, memory.bias_BS)

    def forward(self, tokens_BT: Tensor, x_BTC: Tensor, state: TransformerState) -> tuple[Tensor, TransformerState]:
        """Read T tokens, embedded in x_BTC, in every row. Returns (x_BTC before the head, state).

        Raises ValueError where a row has no room for them in the window.
        """
        target, source_L, bias_BS = state
        new = tokens_BT.shape[1]
        if int(target.lengths_B.max()) + new > self.window:
            raise ValueError(f"a target has more than {self.window} tokens, the model's context_length")
        if target.fresh:
            place = None
            positions_RT = torch.arange(new, device=tokens_BT.device).unsqueeze(0)
            read_BT = tokens_BT
        else:
            place = Place.after(target.lengths_B, new, self.window, tokens_BT.device)
            positions_RT = place.positions_RT
            read_BT = place.write(target.tokens_BS[:, None, :, None], tokens_BT[:, None, :, None])[:, 0, :, 0]
        x_BTC, rotation = self.placed(x_BTC, positions_RT)
        present = []
        pasts = zip(target.keys_LBHSD, target.values_LBHSD, strict=True)
        for block, past, source in zip(self._decoder_blocks, pasts, source_L, strict=True):
            x_BTC, keys_values = block.attended(x_BTC, rotation, past, place)
            x_BTC = block.fed_forward(block.looked_at_source(x_BTC, source, bias_BS))
            present.append(keys_values)
        keys_LBHSD, values_LBHSD = zip(*present, strict=True)
        target = Cache(target.lengths_B + new, read_BT, keys_LBHSD, values_LBHSD)
        return self.norm(x_BTC), TransformerState(target, source_L, bias_BS)

    @staticmethod
    def select(state: TransformerState, index_B: Tensor) -> TransformerState:
        """The rows `index_B`, as a copy."""
        index_B = index_B.to(state.bias_BS.device)
        source_L = tuple((k.index_select(0, index_B), v.index_select(0, index_B)) for k, v in state.source_L)
        return TransformerState(state.target.select(index_B), source_L, state.bias_BS.index_select(0, index_B))

    @staticmethod
    def join(states: Sequence[TransformerState]) -> TransformerState:
        """The rows of all, in order."""
        layers = zip(*(state.source_L for state in states), strict=True)
        source_L = tuple(
            (joined([k for k, _ in of_layer], dim=2), joined([v for _, v in of_layer], dim=2)) for of_layer in layers
        )
        bias_BS = joined([state.bias_BS for state in states], dim=1, padding=-math.inf)
        return TransformerState(Cache.join([state.target for state in states]), source_L, bias_BS)

    @property
    def _decoder_blocks(self) -> Sequence[DecoderBlock]:
        return [block for block in self.blocks if isinstance(block, DecoderBlock)]
