"""One token in a few rows through a Transformer, as machine code that several threads share.

It computes what `TransformerStepper` does, whose 200 calls of PyTorch take as long as reading the weights. Here every
product's outputs are pieces that threads take; what is small, norms and the scaling of inputs, each thread computes for
itself rather than wait for another. Rows of weights are read once for all rows of the batch.

Shapes: B rows, L layers, O outputs, I inputs, C width, H heads, D head size, F hidden width, S positions, W window,
V vocabulary, T threads.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numba import carray, njit
from numpy.typing import NDArray

from inkloom.models.compiled.atomics import as_float, float_of_bits, load, pointer, store
from inkloom.models.compiled.team import COMPILE, STEP, begin, done, take, wait

Floats: TypeAlias = NDArray[np.float32]

PIECE = 16_384
"""Weights of a piece: 64 KB in float32. Larger ones leave threads waiting at the end of a phase."""

PHASES_OF_A_BLOCK = 5

PATIENCE = 3_000_000
"""Times that a helping thread looks for the next step before it leaves: some 0.6 ms, several times what lies between
two steps."""


class Product(NamedTuple):
    """x W^T + b in all layers. Bytes have a scale and a least value for each input, which are empty for floats."""

    matrices_LOI: NDArray[Any]
    """float32, bfloat16 as uint16, or bytes."""

    bias_LO: Floats
    scale_LI: Floats
    least_LI: Floats


class Norm(NamedTuple):
    """LayerNorm, or RMSNorm where numbers are not centred, in all layers."""

    centred: bool
    epsilon: np.float32
    gain_LC: Floats
    bias_LC: Floats


class Network(NamedTuple):
    """A Transformer whose norms come first. `head` and `last_norm` count as one layer."""

    layers: int
    heads: int
    hidden: int
    """F."""

    activation: int
    """0 ReLU, 1 GELU by tanh, 2 SiLU."""

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
    """Where a step's numbers go, shared by all threads but for what has T rows."""

    control: NDArray[np.int64]
    helping_T: NDArray[np.int64]
    """1 for each thread that helps; the leading one, which is the first, does not count."""

    positions_B: NDArray[np.int64]
    buffers: NDArray[np.int64]
    """S of the buffers, and the addresses of keys (L, B, H, D, S) and values (L, B, H, S, D)."""

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


@njit(**COMPILE)
def begin_tokens(control: Any, buffers: Any, room: Any, keys: Any, values: Any) -> None:
    """Begin a step, whose embeddings and positions are already where they belong."""
    buffers[0], buffers[1], buffers[2] = room, keys, values
    begin(control)


@njit(**COMPILE)
def work_on(network: Any, work: Any, thread: Any, patience: Any) -> Any:
    """Share in the newest step, then in those that begin before a thread has looked `patience` times for the next.

    The first thread, which begins the steps, has none, and returns when its step is done: the logits are in `work`.
    Returns how many threads help.
    """
    step, idle = np.int64(0), 0  # step 0 was none: nothing is set up for it
    while idle <= patience:
        newest = load(work.control, STEP)
        if newest != step:
            share(network, work, thread, newest)
            step, idle = newest, 0
        idle += 1
    store(work.helping_T, thread, 0)
    helping = 0
    for other in range(len(work.helping_T)):
        helping += load(work.helping_T, other)
    return helping


@njit(**COMPILE)
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


@njit(**COMPILE)
def normed(norm: Any, layer: Any, x_BC: Any, out_BF: Any) -> None:
    """Rows, normalised, into `out_BF`."""
    gain_C, bias_C = norm.gain_LC[layer], norm.bias_LC[layer]
    size = np.float32(len(gain_C))
    for row in range(len(x_BC)):
        x_C, out_F = x_BC[row], out_BF[row]
        mean = np.float32(0)
        if norm.centred:
            for place in range(len(x_C)):
                mean += x_C[place]
            mean /= size
        squares = np.float32(0)
        for place in range(len(x_C)):
            squares += (x_C[place] - mean) * (x_C[place] - mean)
        factor = np.float32(1) / np.sqrt(squares / size + norm.epsilon)
        for place in range(len(x_C)):
            out_F[place] = (x_C[place] - mean) * factor * gain_C[place] + bias_C[place]


@njit(**COMPILE)
def scaled(product: Any, layer: Any, x_BI: Any, work: Any, thread: Any) -> Any:
    """What bytes are multiplied with, and what their least values come to: sum (s q + m) x = sum q (s x) + sum m x.

    `x_BI` may be wider than the product's inputs, and may be the thread's own."""
    own_BF, constants_B = work.own_TBF[thread], work.constants_TB[thread]
    if product.matrices_LOI.itemsize > 1:
        constants_B[:] = np.float32(0)
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


@njit(**COMPILE)
def piece_of(inputs: Any) -> Any:
    """Rows of a matrix in a piece."""
    return max(4, PIECE // inputs // 4 * 4)


@njit(**COMPILE)
def multiply(
    product: Any, layer: Any, x_BI: Any, work: Any, thread: Any, step: Any, phase: Any, out_BO: Any, added: Any
) -> None:
    """A product into `out_BO`, or added to what is there."""
    control, threads, constants_B = work.control, len(work.helping_T), work.constants_TB[thread]
    matrix_OI, bias_O = product.matrices_LOI[layer], product.bias_LO[layer]
    read_BI = scaled(product, layer, x_BI, work, thread)
    rows = piece_of(matrix_OI.shape[1])
    pieces = -(-len(bias_O) // rows)
    while True:
        piece = take(control, step, phase, pieces, thread, threads)
        if piece < 0:
            break
        first, last = piece * rows, min(len(bias_O), (piece + 1) * rows)
        multiply_rows(matrix_OI, bias_O, constants_B, read_BI, first, last, out_BO, added)
        done(control, phase, threads)
    wait(control, step, phase, pieces, threads)


@njit(**COMPILE)
def multiply_rows(
    matrix_OI: Any, bias_O: Any, constants_B: Any, x_BI: Any, first: Any, last: Any, out_BO: Any, added: Any
) -> None:
    """Outputs `first` to `last` of a product, four at a time, which keeps the sums apart and reads an input once."""
    output = first
    while output + 4 <= last:
        row_0, row_1 = matrix_OI[output], matrix_OI[output + 1]
        row_2, row_3 = matrix_OI[output + 2], matrix_OI[output + 3]
        for row in range(len(x_BI)):
            x_I, out_O, constant = x_BI[row], out_BO[row], constants_B[row]
            sum_0 = sum_1 = sum_2 = sum_3 = np.float32(0)
            for place in range(len(row_0)):
                value = x_I[place]
                sum_0 += as_float(row_0[place]) * value
                sum_1 += as_float(row_1[place]) * value
                sum_2 += as_float(row_2[place]) * value
                sum_3 += as_float(row_3[place]) * value
            put(out_O, output, sum_0 + constant + bias_O[output], added)
            put(out_O, output + 1, sum_1 + constant + bias_O[output + 1], added)
            put(out_O, output + 2, sum_2 + constant + bias_O[output + 2], added)
            put(out_O, output + 3, sum_3 + constant + bias_O[output + 3], added)
        output += 4
    while output < last:
        row_0 = matrix_OI[output]
        for row in range(len(x_BI)):
            x_I = x_BI[row]
            sum_0 = np.float32(0)
            for place in range(len(row_0)):
                sum_0 += as_float(row_0[place]) * x_I[place]
            put(out_BO[row], output, sum_0 + constants_B[row] + bias_O[output], added)
        output += 1


@njit(**COMPILE)
def put(out: Any, place: Any, value: Any, added: Any) -> None:
    """Set a number, or add to it."""
    out[place] = out[place] + value if added else value


@njit(**COMPILE)
def activate(network: Any, layer: Any, work: Any, thread: Any, step: Any, phase: Any) -> None:
    """The feed-forward's hidden numbers. A gate and what it multiplies are one piece."""
    product, hidden_BF = network.feed_forward_input, work.hidden_BF
    control, threads, constants_B = work.control, len(work.helping_T), work.constants_TB[thread]
    matrix_OI, bias_O = product.matrices_LOI[layer], product.bias_LO[layer]
    read_BI = scaled(product, layer, work.own_TBF[thread], work, thread)
    size, inputs = network.hidden, matrix_OI.shape[1]
    rows = piece_of(2 * inputs if network.gated else inputs)
    pieces = -(-size // rows)
    while True:
        piece = take(control, step, phase, pieces, thread, threads)
        if piece < 0:
            break
        first, last = piece * rows, min(size, (piece + 1) * rows)
        multiply_rows(matrix_OI, bias_O, constants_B, read_BI, first, last, hidden_BF, False)
        if network.gated:
            multiply_rows(matrix_OI, bias_O, constants_B, read_BI, size + first, size + last, hidden_BF, False)
        for row in range(len(hidden_BF)):
            hidden_F = hidden_BF[row]
            bend(network.activation, hidden_F[first:last])
            if network.gated:
                for place in range(first, last):
                    hidden_F[place] *= hidden_F[size + place]
        done(control, phase, threads)
    wait(control, step, phase, pieces, threads)


@njit(**COMPILE)
def bend(kind: Any, numbers: Any) -> None:
    """The activation, in place."""
    one = np.float32(1)
    for place in range(len(numbers)):
        value = numbers[place]
        if kind == 0:
            numbers[place] = max(value, np.float32(0))
        elif kind == 1:  # value (1 + tanh u) / 2 = value / (1 + exp(-2 u))
            twice = np.float32(1.5957691216) * (value + np.float32(0.044715) * value * value * value)
            numbers[place] = value / (one + exponential(-twice))
        else:
            numbers[place] = value / (one + exponential(-value))


@njit(**COMPILE)
def exponential(x: Any) -> Any:
    """exp(x) to 3e-7, as instructions that make vectors: 2^n exp(r) with |r| <= ln(2) / 2, the latter a polynomial.

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


@njit(**COMPILE)
def attend(network: Any, work: Any, layer: Any, thread: Any, step: Any, phase: Any) -> None:
    """What all heads of all rows gather."""
    control, threads, heads = work.control, len(work.helping_T), network.heads
    pieces = len(work.x_BC) * heads
    while True:
        piece = take(control, step, phase, pieces, thread, threads)
        if piece < 0:
            break
        attend_head(
            network, work, layer, piece // heads, piece % heads, work.scores_TW[thread], work.own_TBF[thread, 0]
        )
        done(control, phase, threads)
    wait(control, step, phase, pieces, threads)


@njit(**COMPILE)
def attend_head(network: Any, work: Any, layer: Any, row: Any, head: Any, scores_W: Any, spare: Any) -> None:
    """One head of a row: its key and value are put into the buffers, then its query gathers."""
    rows, width = work.x_BC.shape
    heads, room, position = network.heads, work.buffers[0], work.positions_B[row]
    size = width // heads
    three_3HD = work.queries_keys_values_B3C[row].reshape(3, heads, size)
    query_D, key_D, value_D = three_3HD[0, head], three_3HD[1, head], three_3HD[2, head]
    if len(network.query_gain_LD):
        normed_head(query_D, network.query_gain_LD[layer])
        normed_head(key_D, network.key_gain_LD[layer])
    if network.turns_2WD.shape[1]:
        turn(query_D, network.turns_2WD[:, position], spare)
        turn(key_D, network.turns_2WD[:, position], spare)
    shape, whole = (network.layers, rows, heads), network.layers * rows * width * room
    keys = carray(pointer(work.buffers[1], scores_W), whole).reshape((*shape, size, room))
    values = carray(pointer(work.buffers[2], scores_W), whole).reshape((*shape, room, size))
    keys_DS, values_SD = keys[layer, row, head], values[layer, row, head]
    keys_DS[:, position] = key_D
    values_SD[position] = value_D
    scores_S = scores_W[: position + 1]
    similarities(query_D, keys_DS, scores_S)
    total = softmax(scores_S)
    gather(scores_S, values_SD, total, work.gathered_BC[row, head * size : (head + 1) * size])


@njit(**COMPILE)
def normed_head(x_D: Any, gain_D: Any) -> None:
    """RMSNorm in place."""
    squares = np.float32(0)
    for place in range(len(x_D)):
        squares += x_D[place] * x_D[place]
    factor = np.float32(1) / np.sqrt(squares / np.float32(len(x_D)) + np.float32(1e-6))
    for place in range(len(x_D)):
        x_D[place] *= factor * gain_D[place]


@njit(**COMPILE)
def turn(x_D: Any, cos_sin_2D: Any, spare: Any) -> None:
    """Rotary positions in place: x cos + (x with its halves swapped) sin."""
    half = len(x_D) // 2
    for place in range(half):
        spare[place] = x_D[place + half]
        spare[place + half] = x_D[place]
    for place in range(len(x_D)):
        x_D[place] = x_D[place] * cos_sin_2D[0, place] + spare[place] * cos_sin_2D[1, place]


@njit(**COMPILE)
def similarities(query_D: Any, keys_DS: Any, scores_S: Any) -> None:
    """q k / sqrt(D) of every position, as a sum of the rows of keys."""
    scale = np.float32(1) / np.sqrt(np.float32(len(query_D)))
    scores_S[:] = np.float32(0)
    for place in range(0, len(query_D), 2):  # a head has an even size
        query_0, query_1 = query_D[place] * scale, query_D[place + 1] * scale
        keys_0, keys_1 = keys_DS[place], keys_DS[place + 1]
        for position in range(len(scores_S)):
            scores_S[position] += query_0 * keys_0[position] + query_1 * keys_1[position]


@njit(**COMPILE)
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


@njit(**COMPILE)
def gather(weights_S: Any, values_SD: Any, total: Any, out_D: Any) -> None:
    """The weighted mean of the values, four positions at a time, which touches `out_D` less."""
    out_D[:] = np.float32(0)
    position = 0
    while position + 4 <= len(weights_S):
        weight_0, weight_1 = weights_S[position], weights_S[position + 1]
        weight_2, weight_3 = weights_S[position + 2], weights_S[position + 3]
        value_0, value_1 = values_SD[position], values_SD[position + 1]
        value_2, value_3 = values_SD[position + 2], values_SD[position + 3]
        for place in range(len(out_D)):
            out_D[place] += (
                weight_0 * value_0[place]
                + weight_1 * value_1[place]
                + weight_2 * value_2[place]
                + weight_3 * value_3[place]
            )
        position += 4
    while position < len(weights_S):
        for place in range(len(out_D)):
            out_D[place] += weights_S[position] * values_SD[position, place]
        position += 1
    out_D /= total
