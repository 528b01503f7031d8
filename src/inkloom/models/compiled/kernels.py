"""One token in a few rows through a Transformer, as machine code that several threads share.

It computes what `TransformerStepper` does, whose 200 calls of PyTorch take as long as reading the weights. Rows of
weights are read once for all rows of the batch.

A step is a sequence of phases, each a number of pieces. Every thread begins with pieces of its own, the same in every
step, so that their weights stay in its core's cache; then it takes what others have not begun, and goes on when all
pieces are done. So one thread alone does a step, a second one halves it, and one that the system stopped before it took
a piece holds nobody up. What is small, norms and the scaling of inputs, each thread computes for itself rather than
wait for another. Nothing is allocated, and the interpreter's lock is not held.

Steps are numbered from 1, and what is counted contains the number, so nothing is reset between steps, and a thread
that comes late, when the next step has begun, takes nothing: what it reads then is never used.

All is in this one file, since Numba's cache looks at the file of the function that it keeps and at no other.

Shapes: B rows, L layers, O outputs, I inputs, C width, H heads, D head size, F hidden width, S positions, W window,
V vocabulary, T threads.
"""

import platform
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from llvmlite import ir
from numba import carray, njit, types
from numba.core.cgutils import get_or_insert_function
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
"""Compiles what `work_on` calls; that one alone is kept on disk, with all of it inside."""

PIECE = 16_384
"""Weights of a piece: 64 KB in float32. Larger ones leave threads waiting at the end of a phase."""

PHASES_OF_A_BLOCK = 5

PATIENCE = 20_000
"""Times that a helping thread looks for the next step before it leaves, with a pause of 15 to 40 ns after each: several
times what lies between two steps."""

LINE = 8
"""Numbers in a cache line."""

STEP = 0
"""Where `control` has the number of the step."""

PIECES = 1 << 20
"""More than a phase has; a step's number counts in these."""


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


ACTIVATIONS = ("gelu_tanh", "silu")


class Network(NamedTuple):
    """A Transformer whose norms come first. `head` and `last_norm` count as one layer."""

    layers: int
    heads: int
    hidden: int
    """F."""

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


@njit(cache=True, **OPTIONS)
def work_on(network: Any, work: Any, thread: Any, patience: Any) -> None:
    """Share in the newest step, then in those that begin before a thread has looked `patience` times for the next.

    The first thread begins a step, whose embeddings, positions and buffers are in `work`; it has no patience and
    returns when the step is done, and the logits are in `work`.
    """
    control = work.control
    if thread == 0:
        store(control, STEP, load(control, STEP) + 1)
    step, idle = np.int64(0), 0  # step 0 was none: nothing is set up for it
    while idle <= patience:
        newest = load(control, STEP)
        if newest == step:
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


@kernel
def scaled(product: Any, layer: Any, x_BI: Any, work: Any, thread: Any) -> Any:
    """What bytes are multiplied with, and what their least values come to: sum (s q + m) x = sum q (s x) + sum m x.

    `x_BI` may be wider than the product's inputs, and may be the thread's own."""
    own_BF, constants_B = work.own_TBF[thread], work.constants_TB[thread]
    if product.matrices_LOI.itemsize > 1:
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
def piece_of(inputs: Any) -> Any:
    """Rows of a matrix in a piece."""
    return max(4, PIECE // inputs // 4 * 4)


@kernel
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


@kernel
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


@kernel
def put(out: Any, place: Any, value: Any, added: Any) -> None:
    """Set a number, or add to it."""
    out[place] = out[place] + value if added else value


@kernel
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


@kernel
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
def similarities(query_D: Any, keys_DS: Any, scores_S: Any) -> None:
    """q k / sqrt(D) of every position, as a sum of the rows of keys."""
    scale = np.float32(1) / np.sqrt(np.float32(len(query_D)))
    scores_S[:] = np.float32(0)
    for place in range(0, len(query_D), 2):  # a head has an even size
        query_0, query_1 = query_D[place] * scale, query_D[place + 1] * scale
        keys_0, keys_1 = keys_DS[place], keys_DS[place + 1]
        for position in range(len(scores_S)):
            scores_S[position] += query_0 * keys_0[position] + query_1 * keys_1[position]


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


# What Numba lacks: atomic numbers, addresses and bits. Each is one LLVM instruction.


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


@intrinsic
def as_float(_: Any, weight: Any) -> Any:
    """A weight as float32: one of float32, the bits of one in bfloat16 (uint16), or a byte."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (value,) = arguments
        if weight == types.float32:
            return value
        if weight == types.uint8:
            return builder.uitofp(value, ir.FloatType())
        bits = builder.shl(builder.zext(value, ir.IntType(32)), ir.IntType(32)(16))
        return builder.bitcast(bits, ir.FloatType())

    return types.float32(weight), generate
