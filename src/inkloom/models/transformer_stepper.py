"""A Transformer that reads single tokens: weights packed once, keys and values laid out for one query a row.

It equals `Transformer.forward` to float tolerance; that one stays the reference, and reads prompts. Machine code reads
tokens once there were many (`compiling`); here they are read by PyTorch.

One query's attention is two weighted sums. Keys lie in blocks of P = ROOM positions, which come last: the scores of a
block are a sum of D rows, weighted by the query's numbers. What the query gathers is the sum of the values' rows,
weighted by the softmax of the scores. Measured for 32 rows x 6 heads x 250 positions, 6 layers (docs/speed.md): torch's
scaled_dot_product_attention 10 ms, two products 8, two weighted sums 3.

Shapes: B rows, S positions, K blocks of P positions, V vocabulary, C width, H heads, D head size, W window, N = B H. R
is 1 where all rows stand at the same position, else B.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from inkloom.models.compiling import compiled_steps, expect_steps, pays
from inkloom.models.packed_linear import PackedLinear, weighted_sums
from inkloom.models.stepping import State, Stepper, WeightType

if TYPE_CHECKING:
    from inkloom.models.compiled.steps import CompiledSteps
    from inkloom.models.transformer import Block, Transformer

ROOM = 64
"""Positions of a block, by which the buffers grow; the kernels' POSITIONS, which they cannot take from here."""

MANY_HEADS = 24
"""B H from which weighted sums beat plain products: 4 rows of 6 heads take 0.24 against 0.36 ms at 250 positions, 1 row
0.19 against 0.12."""


class Windows(NamedTuple):
    """What the rows have read. Behind a row's length buffers hold finite numbers, which count for nothing."""

    lengths: list[int]
    tokens_BS: Tensor
    keys_LBHKDP: Tensor
    values_LBHSD: Tensor

    @property
    def room(self) -> int:
        """S."""
        return self.tokens_BS.shape[1]

    def grown_to(self, room: int) -> "Windows":
        """With room for so many positions."""
        if room <= self.room:
            return self
        return Windows(
            self.lengths,
            _longer(self.tokens_BS, 1, room),
            _longer(self.keys_LBHKDP, 3, room // ROOM),
            _longer(self.values_LBHSD, 3, room),
        )


@dataclass(frozen=True)
class Reading:
    """What all layers need to know of one token in every row."""

    positions: list[int]
    used: int
    """S that is looked at."""

    same: bool
    """Whether all rows stand at the same position."""

    bias_B11S: Tensor | None
    """Minus infinity behind each row's own position; None where nothing stands there."""

    cos_sin_2R11D: Tensor | None
    """Of the positions, the second half of the sines' first half negated, where positions are rotary."""

    rows_B: Tensor
    positions_B: Tensor


class Begun(NamedTuple):
    """A step that machine code has begun."""

    tokens_B1: Tensor
    state: State
    read: Windows
    """The state when it is finished."""


class TransformerStepper(Stepper):
    """See the module's text."""

    def __init__(self, model: "Transformer", kind: WeightType = "float32") -> None:
        super().__init__(model)
        self._transformer, self._kind = model, kind
        self._compiled: CompiledSteps | None = None
        self._may_compile = True
        self._begun: Begun | None = None
        config = model.config
        self._window, self._heads = model.window, config.heads
        self._size = config.width // config.heads
        self._blocks = [PackedBlock(cast("Block", block), config.heads, kind) for block in model.blocks]
        head = model.embedding.weight if model.head is None else model.head.weight
        self._head = PackedLinear(head, None, kind)
        self._turns_2WD = None if model.rotations_2WD is None else _signed(model.rotations_2WD)
        self._sums: dict[tuple[int, int], Places] = {}

    def adopt(self, state: State) -> Windows:
        """The model's cache, with positions last in keys."""
        from inkloom.models.transformer import Cache

        cache = Cache(*state)
        used = cache.tokens_BS.shape[1]
        room = whole_blocks(max(1, used))
        layers, rows = len(self._blocks), len(cache.lengths_B)
        keys_LBHKDP = torch.zeros(layers, rows, self._heads, room // ROOM, self._size, ROOM, dtype=torch.float32)
        values_LBHSD = torch.zeros(layers, rows, self._heads, room, self._size, dtype=torch.float32)
        for layer, (keys_BHSD, values_BHSD) in enumerate(zip(cache.keys_LBHSD, cache.values_LBHSD, strict=True)):
            length = keys_BHSD.shape[2]
            padded_BHSD = functional.pad(keys_BHSD, (0, 0, 0, room - length))
            keys_LBHKDP[layer] = padded_BHSD.reshape(rows, self._heads, -1, ROOM, self._size).transpose(-1, -2)
            values_LBHSD[layer, :, :, :length] = values_BHSD
        tokens_BS = functional.pad(cache.tokens_BS, (0, room - used))
        return Windows(cache.lengths_B.tolist(), tokens_BS, keys_LBHKDP, values_LBHSD)

    def read(self, tokens_B1: Tensor, state: State) -> tuple[Tensor, Windows]:
        """Read a token in every row. Returns (logits_BV, state)."""
        begun, self._begun = self._begun, None
        compiled = self._compiled_steps(len(tokens_B1))
        if compiled is None:
            return self._by_pytorch(tokens_B1, self._make_room(Windows(*state)))
        if begun is None or begun.tokens_B1 is not tokens_B1 or begun.state is not state:
            begun = self._begin(compiled, tokens_B1, state)
        return compiled.finish(), begun.read

    def expect(self, tokens_B1: Tensor, state: State) -> None:
        """Machine code begins with it, but where a window is full."""
        if self._compiled is not None and max(Windows(*state).lengths) < self._window:
            self._begun = self._begin(self._compiled, tokens_B1, state)

    def prepare(self) -> None:
        """Compile what reads tokens, or load it."""
        expect_steps(self._kind)
        self._compiled_steps(1)

    def select_state(self, state: State, index_B: Tensor) -> Windows:
        """The rows `index_B`, as a copy."""
        windows = Windows(*state)
        return Windows(
            [windows.lengths[row] for row in index_B.tolist()],
            windows.tokens_BS[index_B],
            windows.keys_LBHKDP.index_select(1, index_B),
            windows.values_LBHSD.index_select(1, index_B),
        )

    def join_states(self, states: Sequence[State]) -> Windows:
        """One state with the rows of all, in order, in buffers as long as the longest."""
        room = max(Windows(*state).room for state in states)
        grown = [Windows(*state).grown_to(room) for state in states]
        return Windows(
            [length for windows in grown for length in windows.lengths],
            torch.cat([windows.tokens_BS for windows in grown]),
            torch.cat([windows.keys_LBHKDP for windows in grown], dim=1),
            torch.cat([windows.values_LBHSD for windows in grown], dim=1),
        )

    def _begin(self, compiled: "CompiledSteps", tokens_B1: Tensor, state: State) -> "Begun":
        windows = self._make_room(Windows(*state))
        positions, tokens = windows.lengths, tokens_B1[:, 0].tolist()
        room = whole_blocks(max(positions) + 1)
        if room > windows.room:  # what is used alone is read, so room may spare copies
            room = max(room, min(2 * windows.room, whole_blocks(self._window)))
        windows = windows.grown_to(room)
        windows.tokens_BS.numpy()[range(len(tokens)), positions] = tokens
        compiled.begin(tokens, positions, windows.keys_LBHKDP, windows.values_LBHSD)
        read = windows._replace(lengths=[position + 1 for position in positions])
        return Begun(tokens_B1, state, read)

    def _by_pytorch(self, tokens_B1: Tensor, windows: Windows) -> tuple[Tensor, Windows]:
        positions = windows.lengths
        used = max(positions) + 1
        windows = windows.grown_to(whole_blocks(used))
        reading = self._reading(positions, used, windows.room)
        x_BC = self._embedded(tokens_B1, reading)
        for block, keys_BHKDP, values_BHSD in zip(self._blocks, windows.keys_LBHKDP, windows.values_LBHSD, strict=True):
            x_BC = self._through(block, x_BC, keys_BHKDP, values_BHSD, reading)
        windows.tokens_BS[reading.rows_B, reading.positions_B] = tokens_B1[:, 0]
        logits_BV = self._head(self._transformer.norm(x_BC))
        return logits_BV, windows._replace(lengths=[position + 1 for position in positions])

    def _compiled_steps(self, rows: int) -> "CompiledSteps | None":
        """What reads a token in each of so many rows, where it pays."""
        if self._may_compile and pays(self._kind, rows):
            self._compiled = compiled_steps(self._transformer, self._kind, self._turns_2WD)
            self._may_compile = False
        return self._compiled

    def _make_room(self, windows: Windows) -> Windows:
        """Where a row's window is full, drop its older half and read the rest anew."""
        full = [row for row, length in enumerate(windows.lengths) if length == self._window]
        if not full:
            return windows
        kept_BT = windows.tokens_BS[full, self._window - self._window // 2 : self._window]
        reread = self.adopt(self._transformer.reread(kept_BT))
        if len(full) == len(windows.lengths):
            return reread
        others = [row for row in range(len(windows.lengths)) if row not in full]
        joined = self.join_states([self.select_state(windows, torch.tensor(others)), reread])
        return self.select_state(joined, torch.tensor([*others, *full]).argsort())

    def _reading(self, positions: list[int], used: int, room: int) -> Reading:
        same = min(positions) == max(positions)
        many = len(positions) * self._heads >= MANY_HEADS
        seen = room if many else used
        positions_B = torch.tensor(positions)
        bias_B11S = None
        if not same or seen > used:
            behind_BS = torch.arange(seen) > positions_B[:, None]
            bias_B11S = torch.zeros(len(positions), 1, 1, seen).masked_fill_(behind_BS[:, None, None], -math.inf)
        turns = None if self._turns_2WD is None else self._turns_2WD[:, positions_B[:1] if same else positions_B]
        cos_sin = None if turns is None else turns[:, :, None, None]
        return Reading(positions, seen, same, bias_B11S, cos_sin, torch.arange(len(positions)), positions_B)

    def _embedded(self, tokens_B1: Tensor, reading: Reading) -> Tensor:
        model = self._transformer
        x_BC: Tensor = functional.embedding(tokens_B1[:, 0], model.embedding.weight) * model.embedding_scale
        return x_BC if model.positions_WC is None else x_BC + model.positions_WC[reading.positions_B]

    def _through(
        self, block: "PackedBlock", x_BC: Tensor, keys_BHKDP: Tensor, values_BHSD: Tensor, reading: Reading
    ) -> Tensor:
        """One block, whose keys and values get this token's."""
        queries_keys_B2HD, values_BHD = block.heads(x_BC, reading.cos_sin_2R11D)
        _write(keys_BHKDP, values_BHSD, queries_keys_B2HD[:, 1], values_BHD, reading)
        y_BC = self._attend(queries_keys_B2HD[:, 0], keys_BHKDP, values_BHSD, reading).reshape(x_BC.shape)
        return block.rest(x_BC, y_BC)

    def _attend(self, q_BHD: Tensor, keys_BHKDP: Tensor, values_BHSD: Tensor, reading: Reading) -> Tensor:
        """What each row's query gathers, (B, H, 1, D)."""
        rows = len(q_BHD)
        if rows * self._heads < MANY_HEADS:
            scores_BHK1P = q_BHD[:, :, None, None] @ keys_BHKDP
            scores_BH1S = scores_BHK1P.transpose(2, 3).flatten(3)[..., : reading.used]
            if reading.bias_B11S is not None:
                scores_BH1S = scores_BH1S + reading.bias_B11S
            return scores_BH1S.softmax(dim=-1) @ values_BHSD[:, :, : reading.used]
        places = self._places(rows, reading.used)
        q_BHKD = q_BHD.unsqueeze(2).expand(-1, -1, keys_BHKDP.shape[2], -1)
        scores = weighted_sums(keys_BHKDP.flatten(0, 3), places.keys, places.key_starts, q_BHKD.reshape(-1))
        scores_BH1S = scores.view(rows, self._heads, 1, -1)
        if reading.bias_B11S is not None:
            scores_BH1S += reading.bias_B11S
        weights = scores_BH1S.softmax(dim=-1).view(-1)
        return weighted_sums(values_BHSD.flatten(0, 2), places.values, places.value_starts, weights)

    def _places(self, rows: int, room: int) -> "Places":
        if (rows, room) not in self._sums:
            self._sums = {(rows, room): Places.of(rows * self._heads, self._size, room)}  # the newest alone is used
        return self._sums[rows, room]


class Places(NamedTuple):
    """Which rows of the buffers, seen as tables, each of the sums is made of: all of its own. Of keys there is a sum
    for each block of the N heads, of values one for each head."""

    keys: Tensor
    key_starts: Tensor
    values: Tensor
    value_starts: Tensor

    @classmethod
    def of(cls, heads: int, size: int, room: int) -> "Places":
        """For N = `heads` of D = `size` numbers, and S = `room`."""
        blocks = heads * room // ROOM
        return cls(
            torch.arange(blocks * size),
            torch.arange(blocks) * size,
            torch.arange(heads * room),
            torch.arange(heads) * room,
        )


class PackedBlock:
    """One block's weights."""

    def __init__(self, block: "Block", heads: int, kind: WeightType) -> None:
        self._block, self._heads = block, heads
        attention, feed_forward = block.attention, block.feed_forward
        width = len(attention.output.weight)
        self._scale = (width // heads) ** -0.5
        self._gains_21D = None
        if not isinstance(attention.query_norm, nn.Identity):
            query_gain_D, key_gain_D = (
                cast(Tensor, norm.weight) for norm in (attention.query_norm, attention.key_norm)
            )
            self._gains_21D = torch.stack([query_gain_D * self._scale, key_gain_D]).detach().unsqueeze(1)
        self._queries_keys_values = PackedLinear(
            attention.queries_keys_values.weight, attention.queries_keys_values.bias, kind
        )
        self._output = PackedLinear(attention.output.weight, attention.output.bias, kind)
        self._input = PackedLinear(feed_forward.input.weight, feed_forward.input.bias, kind)
        self._feed_forward_output = PackedLinear(feed_forward.output.weight, feed_forward.output.bias, kind)

    def heads(self, x_BC: Tensor, cos_sin_2R11D: Tensor | None) -> tuple[Tensor, Tensor]:
        """Queries, with 1 / sqrt(D) multiplied in, and keys, (B, 2, H, D), and values, (B, H, D)."""
        before = self._block.attention_norm(x_BC) if self._block.norm_first else x_BC
        three_B3HD = self._queries_keys_values(before).view(len(x_BC), 3, self._heads, -1)
        queries_keys = three_B3HD[:, :2]
        if self._gains_21D is None:
            queries_keys[:, 0] *= self._scale
        else:
            mean_square = queries_keys.square().mean(dim=-1, keepdim=True)
            queries_keys = queries_keys * (mean_square + 1e-6).rsqrt_() * self._gains_21D
        if cos_sin_2R11D is not None:
            cos, sin = cos_sin_2R11D
            queries_keys = (queries_keys * cos).addcmul_(queries_keys.roll(queries_keys.shape[-1] // 2, -1), sin)
        return queries_keys, three_B3HD[:, 2]

    def rest(self, x_BC: Tensor, y_BC: Tensor) -> Tensor:
        """The block's output, from its input and what its heads have gathered."""
        x_BC = x_BC + self._output(y_BC)
        if self._block.norm_first:
            return x_BC + self._fed_forward(self._block.feed_forward_norm(x_BC))
        x_BC = self._block.attention_norm(x_BC)
        out_BC: Tensor = self._block.feed_forward_norm(x_BC + self._fed_forward(x_BC))
        return out_BC

    def _fed_forward(self, x_BC: Tensor) -> Tensor:
        return self._feed_forward_output(self._block.feed_forward.activated(self._input(x_BC)))


def _signed(rotations_2WD: Tensor) -> Tensor:
    """cos, and sin negated in its first half: x cos + (x with its halves swapped) sin is then `rotate`."""
    cos_WD, sin_WD = rotations_2WD
    half = sin_WD.shape[-1] // 2
    return torch.stack([cos_WD, torch.cat([-sin_WD[:, :half], sin_WD[:, half:]], dim=-1)])


def whole_blocks(positions: int) -> int:
    """The positions of as many blocks as hold these."""
    return ROOM * -(-positions // ROOM)


def _longer(buffer: Tensor, dim: int, length: int) -> Tensor:
    """A copy with zeros behind it, by NumPy, which takes no thread from those that read tokens, and memory from the
    system as zeros."""
    grown = np.zeros([*buffer.shape[:dim], length, *buffer.shape[dim + 1 :]], buffer.numpy().dtype)
    grown[(*[slice(None)] * dim, slice(buffer.shape[dim]))] = buffer.numpy()
    return torch.from_numpy(grown)


def _write(
    keys_BHKDP: Tensor, values_BHSD: Tensor, new_keys_BHD: Tensor, new_values_BHD: Tensor, reading: Reading
) -> None:
    """Put each row's newest at its position."""
    if reading.same:
        position = reading.positions[0]
        keys_BHKDP[:, :, position // ROOM, :, position % ROOM] = new_keys_BHD
        values_BHSD[:, :, position] = new_values_BHD
    else:
        rows_B, positions_B = reading.rows_B, reading.positions_B
        keys_BHKDP.permute(0, 2, 4, 1, 3)[rows_B, positions_B // ROOM, positions_B % ROOM] = new_keys_BHD
        values_BHSD.transpose(1, 2)[rows_B, positions_B] = new_values_BHD
