"""One token in each row through a Transformer, as machine code that several threads share.

It computes what `TransformerStepper` does. All sums, of products and of attention alike, are `sums_of_rows`: rows of a
table, each times a number. In products the table is a panel, 32 columns of W^T behind each other, which is read from
memory once, and the sums of eight rows of the batch at a time stay in registers.

A step is a sequence of phases, each a number of pieces. Every thread begins with pieces of its own, the same in every
step, so that their weights stay in its core's cache; then it takes what others have not begun, and goes on when all
pieces are done. So one thread alone does a step, a second one halves it, and one that the system stopped before it took
a piece holds nobody up. What is small, norms and the scaling of inputs, each thread computes for itself rather than
wait for another. Nothing is allocated, and the interpreter's lock is not held.

Steps are numbered from 1, and what is counted contains the number, so nothing is reset between steps, and a thread
that comes late, when the next step has begun, takes nothing: what it reads then is never used.

All is in this one file, since Numba's cache looks at the file of the function that it keeps and at no other.

Shapes: B rows, L layers, O outputs, I inputs, C width, H heads, D head size, F hidden width, S positions, W window,
V vocabulary, T threads, P panels.
"""

import ctypes
import platform
import sys
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from llvmlite import binding, ir
from numba import carray, config, njit, types
from numba.core.cgutils import for_range_slice, get_or_insert_function
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    # Sums may be reordered, so that they are vectors. Infinities and NaN are not assumed away.
    "fastmath": {"reassoc", "contract", "arcp", "nsz", "afn"},
}

kernel = njit(**OPTIONS)
"""Compiles what `work_on` calls, which is kept on disk with all of it inside."""

PANEL = 32
"""Columns of a panel, the outputs of a product that are computed together; the last panel is filled with zeros."""

WIDE = "+avx512f" in (config.CPU_FEATURES or get_host_cpu_features())
"""Whether there are 32 registers of 16 numbers; else there are 16 of 8 (AVX2) or 32 of 4 (NEON)."""

TILE_ROWS, TILE_COLUMNS = (8, 32) if WIDE else (6, 16)
"""Sums that are made at once: half of the registers or more, which leaves room for what they are made of."""

AHEAD = 8192
"""Bytes by which a product's weights are asked for before they are needed. 1 to 4 KB are slower: memory is far."""

PIECE = 16_384
"""Weights of a piece: 64 KB in float32. Larger ones leave threads waiting at the end of a phase."""

PHASES_OF_A_BLOCK = 5

PATIENCE = 20_000
"""Times that a helping thread looks for the next step before it leaves, with a pause of 15 to 40 ns after each: several
times what lies between two steps."""

POLITE = 64
"""Times that a helping thread looks before it lets others have its core, PyTorch's threads for example."""

POSITIONS = 64
"""Of a block of keys, whose scores are computed together, those behind the last position as well."""

HALF_A_BLOCK = POSITIONS // 2

ROWS_AHEAD = 16
"""Rows of keys and values that are asked for before they are needed."""

LINE = 8
"""Numbers in a cache line."""

STEP = 0
"""Where `control` has the number of the step."""

PIECES = 1 << 20
"""More than a phase has; a step's number counts in these."""


class Product(NamedTuple):
    """x W^T + b in all layers. Bytes have a scale and a least value for each input, which are empty for floats."""

    panels_LPI: NDArray[Any]
    """(L, P, I, PANEL): float32, bfloat16 as uint16, or bytes. The two halves of what is gated have panels of their
    own."""

    bias_LO: Floats
    """As long as the panels are wide together."""

    scale_LI: Floats
    least_LI: Floats


class Norm(NamedTuple):
    """LayerNorm, or RMSNorm where numbers are not centred, in all layers."""

    centred: bool
    epsilon: np.float32
    gain_LC: Floats
    bias_LC: Floats


ACTIVATIONS = ("gelu_tanh", "silu")


class Network(NamedTuple):
    """A Transformer whose norms come first. `head` and `last_norm` count as one layer."""

    layers: int
    heads: int
    size: int
    """D."""

    activation: int
    """Of ACTIVATIONS."""

    gated: bool
    queries_keys_values: Product
    output: Product
    feed_forward_input: Product
    feed_forward_output: Product
    head: Product
    attention_norm: Norm
    feed_forward_norm: Norm
    last_norm: Norm
    query_gain_LD: Floats
    """Empty where queries and keys are not normalised, as the next."""

    key_gain_LD: Floats
    turns_2WD: Floats
    """cos and sin, the sines' first half negated; (2, 0, D) where positions are not rotary."""


class Work(NamedTuple):
    """Where a step's numbers go, shared by all threads but for what has T rows. What products write is as wide as
    their panels."""

    control: NDArray[np.int64]
    helping_T: NDArray[np.int64]
    """1 for each thread that helps; the leading one, which is the first, does not count."""

    positions_B: NDArray[np.int64]
    buffers: NDArray[np.int64]
    """S of the buffers, and the addresses of keys (L, B, H, S / P, D, P), with P = POSITIONS, and values
    (L, B, H, S, D)."""

    x_BC: Floats
    """The tokens' embeddings when a step begins."""

    queries_keys_values_B3C: Floats
    gathered_BC: Floats
    hidden_BF: Floats
    """Twice as wide where it is gated."""

    logits_BV: Floats
    own_TBF: Floats
    """A thread's copy of what a product reads; at least as wide as the widest input and two heads."""

    constants_TB: Floats
    scores_TW: Floats
    """Positions in multiples of POSITIONS."""

    sums_TS: Floats
    """A tile's."""


@njit(cache=True, **OPTIONS)
def begin(work: Any) -> None:
    """Begin a step, whose embeddings, positions and buffers are in `work`: threads that look for it see it."""
    store(work.control, STEP, load(work.control, STEP) + 1)


@njit(cache=True, **OPTIONS)
def work_on(network: Any, work: Any, thread: Any, patience: Any) -> None:
    """Share in the newest step, then in those that begin before a thread has looked `patience` times for the next.

    The first thread has no patience and returns when the step is done, and the logits are in `work`.
    """
    control = work.control
    step, idle = np.int64(0), 0  # step 0 was none: nothing is set up for it
    while idle <= patience:
        newest = load(control, STEP)
        if newest == step:
            if idle % POLITE == POLITE - 1:
                give_way()
            pause()
        else:
            share(network, work, thread, newest)
            step, idle = newest, 0
        idle += 1
    store(work.helping_T, thread, 0)


@kernel
def share(network: Any, work: Any, thread: Any, step: Any) -> None:
    """All that a thread can get of a step."""
    x_BC, three_B3C, gathered_BC = work.x_BC, work.queries_keys_values_B3C, work.gathered_BC
    own_BF = work.own_TBF[thread]
    for layer in range(network.layers):
        phase = PHASES_OF_A_BLOCK * layer
        normed(network.attention_norm, layer, x_BC, own_BF)
        multiply(network.queries_keys_values, layer, own_BF, work, thread, step, phase, three_B3C, False)
        attend(network, work, layer, thread, step, phase + 1)
        multiply(network.output, layer, gathered_BC, work, thread, step, phase + 2, x_BC, True)
        normed(network.feed_forward_norm, layer, x_BC, own_BF)
        activate(network, layer, work, thread, step, phase + 3)
        multiply(network.feed_forward_output, layer, work.hidden_BF, work, thread, step, phase + 4, x_BC, True)
    normed(network.last_norm, 0, x_BC, own_BF)
    phase = PHASES_OF_A_BLOCK * network.layers
    multiply(network.head, 0, own_BF, work, thread, step, phase, work.logits_BV, False)


@kernel
def normed(norm: Any, layer: Any, x_BC: Any, out_BF: Any) -> None:
    """Rows, normalised, into `out_BF`."""
    gain_C, bias_C = norm.gain_LC[layer], norm.bias_LC[layer]
    width = len(gain_C)
    size = np.float32(width)
    for row in range(len(x_BC)):
        x_C, out_F = x_BC[row], out_BF[row]
        mean = np.float32(0)
        if norm.centred:
            for place in range(width):
                mean += x_C[place]
            mean /= size
        squares = np.float32(0)
        for place in range(width):
            squares += (x_C[place] - mean) * (x_C[place] - mean)
        factor = np.float32(1) / np.sqrt(squares / size + norm.epsilon)
        for place in range(width):
            out_F[place] = (x_C[place] - mean) * factor * gain_C[place] + bias_C[place]


@kernel
def scaled(product: Any, layer: Any, x_BI: Any, work: Any, thread: Any) -> Any:
    """What bytes are multiplied with, and what their least values come to: sum (s q + m) x = sum q (s x) + sum m x.

    `x_BI` may be wider than the product's inputs, and may be the thread's own."""
    own_BF, constants_B = work.own_TBF[thread], work.constants_TB[thread]
    if product.panels_LPI.itemsize > 1:
        for row in range(len(constants_B)):
            if constants_B[row] != 0:  # of the product before; written only then, since threads share a cache line
                constants_B[row] = np.float32(0)
        return x_BI
    scale_I, least_I = product.scale_LI[layer], product.least_LI[layer]
    for row in range(len(x_BI)):
        x_I, own_F = x_BI[row], own_BF[row]
        constant = np.float32(0)
        for place in range(len(scale_I)):
            constant += x_I[place] * least_I[place]
            own_F[place] = x_I[place] * scale_I[place]
        constants_B[row] = constant
    return own_BF


@kernel
def panels_of_a_piece(inputs: Any) -> Any:
    """Panels that one thread takes at a time."""
    return max(1, PIECE // (PANEL * inputs))


@kernel
def multiply(
    product: Any, layer: Any, x_BI: Any, work: Any, thread: Any, step: Any, phase: Any, out_BO: Any, added: Any
) -> None:
    """A product into `out_BO`, or added to what is there."""
    control, threads, constants_B = work.control, len(work.helping_T), work.constants_TB[thread]
    panels_PI, bias_O, sums_S = product.panels_LPI[layer], product.bias_LO[layer], work.sums_TS[thread]
    read_BI = scaled(product, layer, x_BI, work, thread)
    many = panels_of_a_piece(panels_PI.shape[1])
    pieces = -(-len(panels_PI) // many)
    while True:
        piece = take(control, step, phase, pieces, thread, threads)
        if piece < 0:
            break
        for panel in range(piece * many, min(len(panels_PI), (piece + 1) * many)):
            multiply_panel(panels_PI[panel], bias_O, panel * PANEL, read_BI, constants_B, sums_S, out_BO, added)
        done(control, phase, threads)
    wait(control, step, phase, pieces, threads)


@kernel
def multiply_panel(
    table_IP: Any, bias_O: Any, output: Any, x_BI: Any, constants_B: Any, sums_S: Any, out_BO: Any, added: Any
) -> None:
    """A panel's columns of a product, from `output` on, for all rows."""
    inputs, width, rows = len(table_IP), x_BI.shape[1], len(x_BI)
    ahead = AHEAD // table_IP.itemsize
    for column in range(0, PANEL, TILE_COLUMNS):
        first = 0
        while first < rows:
            few = min(TILE_ROWS, rows - first)
            start, at = first * width, (column, PANEL)
            if few == 1:
                sums_of_rows(1, TILE_COLUMNS, x_BI, start, width, few, table_IP, at, inputs, ahead, sums_S)
            elif few == 2:
                sums_of_rows(2, TILE_COLUMNS, x_BI, start, width, few, table_IP, at, inputs, ahead, sums_S)
            elif few <= 4:
                sums_of_rows(4, TILE_COLUMNS, x_BI, start, width, few, table_IP, at, inputs, ahead, sums_S)
            else:
                sums_of_rows(TILE_ROWS, TILE_COLUMNS, x_BI, start, width, few, table_IP, at, inputs, ahead, sums_S)
            for row in range(few):
                constant, at_row = constants_B[first + row], row * TILE_COLUMNS - column
                for place in range(column, column + TILE_COLUMNS):
                    value = sums_S[at_row + place] + constant + bias_O[output + place]
                    if added:
                        value += out_BO[first + row, output + place]
                    out_BO[first + row, output + place] = value
            first += few


@kernel
def activate(network: Any, layer: Any, work: Any, thread: Any, step: Any, phase: Any) -> None:
    """The feed-forward's hidden numbers. A gate and what it multiplies are one piece."""
    product, hidden_BF = network.feed_forward_input, work.hidden_BF
    control, threads, constants_B = work.control, len(work.helping_T), work.constants_TB[thread]
    panels_PI, bias_O, sums_S = product.panels_LPI[layer], product.bias_LO[layer], work.sums_TS[thread]
    read_BI = scaled(product, layer, work.own_TBF[thread], work, thread)
    panels, inputs = len(panels_PI), panels_PI.shape[1]
    if network.gated:
        panels, inputs = panels // 2, 2 * inputs
    many = panels_of_a_piece(inputs)
    pieces = -(-panels // many)
    while True:
        piece = take(control, step, phase, pieces, thread, threads)
        if piece < 0:
            break
        first, last = piece * many, min(panels, (piece + 1) * many)
        for panel in range(first, last):
            output, other = panel * PANEL, (panels + panel) * PANEL
            multiply_panel(panels_PI[panel], bias_O, output, read_BI, constants_B, sums_S, hidden_BF, False)
            if network.gated:
                table_IP = panels_PI[panels + panel]
                multiply_panel(table_IP, bias_O, other, read_BI, constants_B, sums_S, hidden_BF, False)
        for row in range(len(hidden_BF)):
            hidden_F = hidden_BF[row]
            bend(network.activation, hidden_F[first * PANEL : last * PANEL])
            if network.gated:
                for place in range(first * PANEL, last * PANEL):
                    hidden_F[place] *= hidden_F[panels * PANEL + place]
        done(control, phase, threads)
    wait(control, step, phase, pieces, threads)


@kernel
def bend(kind: Any, numbers: Any) -> None:
    """The activation, in place."""
    one = np.float32(1)
    for place in range(len(numbers)):
        value = numbers[place]
        if kind == 0:  # value (1 + tanh u) / 2 = value / (1 + exp(-2 u))
            twice = np.float32(1.5957691216) * (value + np.float32(0.044715) * value * value * value)
            numbers[place] = value / (one + exponential(-twice))
        else:
            numbers[place] = value / (one + exponential(-value))


@kernel
def exponential(x: Any) -> Any:
    """exp(x) to 5e-7, as instructions that make vectors: 2^n exp(r) with |r| <= ln(2) / 2, the latter a polynomial.

    The coefficients of S. Moshier's Cephes library, expf.
    """
    x = min(max(x, np.float32(-87)), np.float32(88))
    power = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
    x -= power * np.float32(0.693359375)
    x -= power * np.float32(-2.12194440e-4)
    series = np.float32(1.9875691500e-4)
    series = series * x + np.float32(1.3981999507e-3)
    series = series * x + np.float32(8.3334519073e-3)
    series = series * x + np.float32(4.1665795894e-2)
    series = series * x + np.float32(1.6666665459e-1)
    series = series * x + np.float32(5.0000001201e-1)
    series = series * x * x + x + np.float32(1)
    return series * float_of_bits(np.uint32((np.int32(power) + np.int32(127)) << np.int32(23)))


@kernel
def attend(network: Any, work: Any, layer: Any, thread: Any, step: Any, phase: Any) -> None:
    """What all heads of all rows gather, once their keys and values are in the buffers."""
    control, threads, heads, size = work.control, len(work.helping_T), network.heads, network.size
    rows, width, room = len(work.x_BC), heads * size, work.buffers[0]
    three_B3C, gathered_BC, positions_B = work.queries_keys_values_B3C, work.gathered_BC, work.positions_B
    scores_W, spare = work.scores_TW[thread], work.own_TBF[thread, 0]
    shape, whole = (network.layers, rows, heads), network.layers * rows * width * room
    keys = carray(pointer(work.buffers[1], scores_W), whole).reshape((*shape, room // POSITIONS, size, POSITIONS))
    values = carray(pointer(work.buffers[2], scores_W), whole).reshape((*shape, room, size))
    pieces = rows * heads
    while True:
        piece = take(control, step, phase, pieces, thread, threads)
        if piece < 0:
            break
        row, head = piece // heads, piece % heads
        position, three_3HD = positions_B[row], three_B3C[row, : 3 * width].reshape(3, heads, size)
        query_D, key_D, value_D = three_3HD[0, head], three_3HD[1, head], three_3HD[2, head]
        if len(network.query_gain_LD):
            normed_head(query_D, network.query_gain_LD[layer])
            normed_head(key_D, network.key_gain_LD[layer])
        if network.turns_2WD.shape[1]:
            turn(query_D, network.turns_2WD[:, position], spare)
            turn(key_D, network.turns_2WD[:, position], spare)
        keys_KDP, values_SD = keys[layer, row, head], values[layer, row, head]
        out_D = gathered_BC[row, head * size : (head + 1) * size]
        attend_head(query_D, key_D, value_D, keys_KDP, values_SD, position, scores_W, out_D)
        done(control, phase, threads)
    wait(control, step, phase, pieces, threads)


@kernel
def attend_head(
    query_D: Any, key_D: Any, value_D: Any, keys_KDP: Any, values_SD: Any, position: Any, scores_W: Any, out_D: Any
) -> None:
    """One head of a row: its key and value are put into the buffers, then its query gathers."""
    values_SD[position] = value_D
    fetch(values_SD, 0, min(position, ROWS_AHEAD) * len(value_D))
    similarities(query_D, keys_KDP, position + 1, scores_W)
    # The new key goes to D lines of memory, which are at hand now that they have been read.
    keys_KDP[position // POSITIONS, :, position % POSITIONS] = key_D
    fetch(keys_KDP, keys_KDP.size, ROWS_AHEAD * POSITIONS)  # of the head behind this one, which is likely to be next
    scores_S = scores_W[: position + 1]
    scores_S[position] = similarity(query_D, key_D)
    total = softmax(scores_S)
    gather(scores_S, values_SD, total, out_D)


@kernel
def normed_head(x_D: Any, gain_D: Any) -> None:
    """RMSNorm in place."""
    squares = np.float32(0)
    for place in range(len(x_D)):
        squares += x_D[place] * x_D[place]
    factor = np.float32(1) / np.sqrt(squares / np.float32(len(x_D)) + np.float32(1e-6))
    for place in range(len(x_D)):
        x_D[place] *= factor * gain_D[place]


@kernel
def turn(x_D: Any, cos_sin_2D: Any, spare: Any) -> None:
    """Rotary positions in place: x cos + (x with its halves swapped) sin."""
    half = len(x_D) // 2
    for place in range(half):
        spare[place] = x_D[place + half]
        spare[place + half] = x_D[place]
    for place in range(len(x_D)):
        x_D[place] = x_D[place] * cos_sin_2D[0, place] + spare[place] * cos_sin_2D[1, place]


@kernel
def similarities(query_D: Any, keys_KDP: Any, used: Any, scores_W: Any) -> None:
    """q k / sqrt(D) of `used` positions and some behind them in a block, as sums of the rows of keys."""
    size = len(query_D)
    query_D *= np.float32(1) / np.sqrt(np.float32(size))
    ahead = ROWS_AHEAD * POSITIONS
    for block in range(0, used, POSITIONS):
        at = (block * size, POSITIONS)
        if used - block > HALF_A_BLOCK:
            sums_of_rows(1, POSITIONS, query_D, 0, 0, 1, keys_KDP, at, size, ahead, scores_W[block:])
        else:
            sums_of_rows(1, HALF_A_BLOCK, query_D, 0, 0, 1, keys_KDP, at, size, ahead, scores_W[block:])


@kernel
def similarity(query_D: Any, key_D: Any) -> Any:
    """The same of one key, with a query that is scaled."""
    total = np.float32(0)
    for place in range(len(query_D)):
        total += query_D[place] * key_D[place]
    return total


@kernel
def softmax(scores_S: Any) -> Any:
    """exp(score - largest) in place; returns their sum, by which they are still to be divided."""
    largest = scores_S[0]
    for position in range(len(scores_S)):
        largest = max(largest, scores_S[position])
    total = np.float32(0)
    for position in range(len(scores_S)):
        weight = exponential(scores_S[position] - largest)
        scores_S[position] = weight
        total += weight
    return total


@kernel
def gather(weights_S: Any, values_SD: Any, total: Any, out_D: Any) -> None:
    """The weighted mean of the values."""
    used, size = len(weights_S), len(out_D)
    first, ahead = 0, ROWS_AHEAD * size
    while first + 64 <= size:
        sums_of_rows(1, 64, weights_S, 0, 0, 1, values_SD, (first, size), used, ahead, out_D[first:])
        first += 64
    if first + 32 <= size:
        sums_of_rows(1, 32, weights_S, 0, 0, 1, values_SD, (first, size), used, ahead, out_D[first:])
        first += 32
    if first < size:
        out_D[first:] = np.float32(0)
        for position in range(used):
            for place in range(first, size):
                out_D[place] += weights_S[position] * values_SD[position, place]
    out_D /= total


# Pieces, of which `control` keeps account: int64, one cache line for each number that threads write: the step, then for
# each phase what was taken from each thread's pieces, and how many pieces were done in all steps.


def new_control(phases: int, threads: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Of no step yet."""
    return np.zeros(LINE * (1 + phases * (threads + 1)), np.int64)


@kernel
def place_of(phase: Any, thread: Any, threads: Any) -> Any:
    """Where it stands how many of a thread's pieces are taken; behind the last thread, how many were ever done."""
    return LINE * (1 + phase * (threads + 1) + thread)


@kernel
def take(control: Any, step: Any, phase: Any, pieces: Any, thread: Any, threads: Any) -> Any:
    """The number of a piece that is now this thread's; -1 where none is left."""
    for further in range(threads):
        owner = (thread + further) % threads
        first = pieces * owner // threads
        own = pieces * (owner + 1) // threads - first
        at = place_of(phase, owner, threads)
        while True:
            counted = load(control, at)
            begun = counted // PIECES
            taken = counted % PIECES if begun == step else 0
            if begun > step or taken >= own:
                break
            if exchange(control, at, counted, step * PIECES + taken + 1):
                return first + taken
    return -1


@kernel
def done(control: Any, phase: Any, threads: Any) -> None:
    """A piece that was taken is done."""
    add(control, place_of(phase, threads, threads), 1)


@kernel
def wait(control: Any, step: Any, phase: Any, pieces: Any, threads: Any) -> None:
    """Until all pieces of a phase are done, in this step as in those before."""
    while load(control, place_of(phase, threads, threads)) < step * pieces:
        pause()


# What Numba lacks: vectors that stay in registers, atomic numbers, addresses and bits.


FLOAT, INT, INT32 = ir.FloatType(), ir.IntType(64), ir.IntType(32)


@intrinsic(prefer_literal=True)
def sums_of_rows(
    _: Any,
    sums: Any,
    columns: Any,
    x: Any,
    first: Any,
    width: Any,
    rows: Any,
    table: Any,
    at: Any,
    length: Any,
    ahead: Any,
    out: Any,
) -> Any:
    """out[row * columns + column] = sum over i of x[first + row * width + i] * table[start + i * step + column]

    for i < `length`, with (start, step) = `at`, for `rows` rows, at least one. `sums` and `columns` are literals: so
    many rows are summed at once, those above `rows` being the last one again. Arrays are seen as what lies in memory
    from their beginning. Numbers of the table are fetched as soon as those that lie `ahead` of them are read.
    """
    if not (isinstance(sums, types.IntegerLiteral) and isinstance(columns, types.IntegerLiteral)):
        return None  # asked again with literals, else Numba says that there is no such function
    count, size = sums.literal_value, columns.literal_value
    # Few sums are each split, over every second or fourth i, since an addition waits for the one before it.
    room = TILE_ROWS * TILE_COLUMNS // (count * size)
    parts = next(parts for parts in (4, 2, 1) if parts <= max(1, room))
    vector = ir.VectorType(FLOAT, size)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, _, _, first, width, rows, _, at, length, ahead, _ = arguments
        x_start, table_start, out_start = (
            context.make_array(signature.args[place])(context, builder, arguments[place]).data for place in (2, 6, 10)
        )
        start, step = (builder.extract_value(at, place) for place in range(2))
        table_start = builder.gep(table_start, [start])
        starts = []
        for row in range(count):
            inside = builder.icmp_signed("<", INT(row), rows)
            place = builder.select(inside, INT(row), builder.sub(rows, INT(1)))
            starts.append(builder.gep(x_start, [builder.add(first, builder.mul(place, width))]))

        def add_row(number: Any, totals: Any) -> Any:
            """The sums with x[number] times a row of the table."""
            row_start = builder.gep(table_start, [builder.mul(number, step)])
            _prefetch(builder, builder.gep(row_start, [ahead]), size * table.dtype.bitwidth // 8)
            row = _floats(builder, row_start, table.dtype, size)
            factors = (_spread(builder, builder.load(builder.gep(place, [number])), size) for place in starts)
            fused = get_or_insert_function(
                builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{size}f32"
            )
            return [builder.call(fused, [factor, row, total]) for factor, total in zip(factors, totals, strict=True)]

        def add_rows(begin: Any, end: Any, totals: Any) -> Any:
            """A loop that adds as many rows at a time as there are lists of totals."""
            before, head = builder.block, builder.append_basic_block("head")
            body, after = builder.append_basic_block("body"), builder.append_basic_block("after")
            builder.branch(head)
            builder.position_at_end(head)
            number, now = builder.phi(INT), [[builder.phi(vector) for _ in part] for part in totals]
            builder.cbranch(builder.icmp_signed("<", number, end), body, after)
            builder.position_at_end(body)
            new = [add_row(builder.add(number, INT(part)), now[part]) for part in range(len(now))]
            number.add_incoming(begin, before)
            number.add_incoming(builder.add(number, INT(len(now))), body)
            for part, values in enumerate(now):
                for place, value in enumerate(values):
                    value.add_incoming(totals[part][place], before)
                    value.add_incoming(new[part][place], body)
            builder.branch(head)
            builder.position_at_end(after)
            return now

        whole = builder.sub(length, builder.srem(length, INT(parts)))
        totals = add_rows(INT(0), whole, [[ir.Constant(vector, [0.0] * size)] * count] * parts)
        while len(totals) > 1:
            totals = [
                [builder.fadd(one, other) for one, other in zip(*pair, strict=True)]
                for pair in zip(totals[::2], totals[1::2], strict=True)
            ]
        if parts > 1:
            totals = add_rows(whole, length, totals)
        for row, total in enumerate(totals[0]):
            place = builder.bitcast(builder.gep(out_start, [INT(row * size)]), vector.as_pointer())
            builder.store(total, place, align=4)
        return context.get_dummy_value()

    at_type = types.UniTuple(types.intp, 2)
    index = types.intp
    return types.void(sums, columns, x, index, index, index, table, at_type, index, index, out), generate


@intrinsic
def fetch(_: Any, table: Any, first: Any, length: Any) -> Any:
    """Ask for `length` numbers of a table from `first` on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, first, length = arguments
        start = builder.gep(context.make_array(signature.args[0])(context, builder, array).data, [first])
        with for_range_slice(builder, INT(0), length, INT(16)) as (number, _):
            _prefetch(builder, builder.gep(start, [number]), 64)
        return context.get_dummy_value()

    return types.void(table, types.intp, types.intp), generate


def _prefetch(builder: Any, address: Any, size: int) -> None:
    """Ask for so many bytes, line by line; an address that is nobody's does no harm."""
    byte = ir.IntType(8).as_pointer()
    function = get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), [byte, INT32, INT32, INT32]), "llvm.prefetch.p0"
    )
    start = builder.bitcast(address, byte)
    for line in range(0, size, 64):
        builder.call(function, [builder.gep(start, [INT(line)]), INT32(0), INT32(3), INT32(1)])  # to read, into L1


def _floats(builder: Any, address: Any, kind: Any, size: int) -> Any:
    """A vector of weights, in float32."""
    stored = ir.VectorType(ir.IntType(kind.bitwidth) if kind != types.float32 else FLOAT, size)
    values = builder.load(builder.bitcast(address, stored.as_pointer()), align=kind.bitwidth // 8)
    if kind == types.float32:
        return values
    if kind == types.uint8:
        return builder.uitofp(values, ir.VectorType(FLOAT, size))
    integers = ir.VectorType(INT32, size)
    bits = builder.shl(builder.zext(values, integers), ir.Constant(integers, [16] * size))  # bfloat16
    return builder.bitcast(bits, ir.VectorType(FLOAT, size))


def _spread(builder: Any, value: Any, size: int) -> Any:
    """A vector of one number."""
    nothing = ir.Constant(ir.VectorType(FLOAT, size), ir.Undefined)
    everywhere = ir.Constant(ir.VectorType(INT32, size), [0] * size)
    return builder.shuffle_vector(builder.insert_element(nothing, value, INT32(0)), nothing, everywhere)


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


@intrinsic
def load(_: Any, array: Any, index: Any) -> Any:
    """The number there; what its writer wrote before it is seen, too."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments)
        return builder.load_atomic(address, "acquire", 8)

    return types.int64(array, types.intp), generate


@intrinsic
def store(_: Any, array: Any, index: Any, value: Any) -> Any:
    """Put a number there, for whoever loads it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments[:2])
        builder.store_atomic(arguments[2], address, "release", 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.int64), generate


@intrinsic
def add(_: Any, array: Any, index: Any, value: Any) -> Any:
    """Add to the number there; returns what it was."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments[:2])
        return builder.atomic_rmw("add", address, arguments[2], "acq_rel")

    return types.int64(array, types.intp, types.int64), generate


@intrinsic
def exchange(_: Any, array: Any, index: Any, expected: Any, new: Any) -> Any:
    """Put a number there if it is still the expected one; whether it was."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], *arguments[:2])
        return builder.extract_value(builder.cmpxchg(address, *arguments[2:], "acq_rel", "acquire"), 1)

    return types.boolean(array, types.intp, types.int64, types.int64), generate


@intrinsic
def pause(_: Any) -> Any:
    """Let the processor wait for a moment, which spares energy and whoever shares the core."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        processor = platform.machine().lower()
        if processor in ("x86_64", "amd64"):
            function = ir.FunctionType(ir.VoidType(), [])
            builder.call(get_or_insert_function(builder.module, function, "llvm.x86.sse2.pause"), [])
        elif processor in ("aarch64", "arm64"):
            function = ir.FunctionType(ir.VoidType(), [ir.IntType(32)])
            builder.call(get_or_insert_function(builder.module, function, "llvm.aarch64.hint"), [ir.IntType(32)(1)])
        return context.get_dummy_value()

    return types.void(), generate


GIVE_WAY = "inkloom_give_way"
"""The name under which machine code, which may come from the disk, finds the system's function."""

if sys.platform == "win32":
    SYSTEM_CALL = ctypes.windll.kernel32.SwitchToThread
else:
    SYSTEM_CALL = ctypes.CDLL(None).sched_yield
binding.add_symbol(GIVE_WAY, ctypes.cast(SYSTEM_CALL, ctypes.c_void_p).value)


@intrinsic
def give_way(_: Any) -> Any:
    """Let another thread that waits for this core have it; none needs to."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.call(get_or_insert_function(builder.module, ir.FunctionType(INT32, []), GIVE_WAY), [])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def pointer(_: Any, address: Any, like: Any) -> Any:
    """A pointer to numbers such as an array has, from an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(like.dtype)(types.int64, like), generate


@intrinsic
def float_of_bits(_: Any, bits: Any) -> Any:
    """The float32 with these 32 bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.uint32), generate
