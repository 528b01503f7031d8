"""Single tokens by machine code against the model itself, and the threads that share it.

Shapes: B rows, V vocabulary.
"""

import logging
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from inkloom.generation import GenerationConfig
from inkloom.generation.decode import decode_all
from inkloom.generation.samples import sample_requests
from inkloom.models import compiling
from inkloom.models.compiled.kernels import POSITIONS, STEP, done, new_control, softmax, sums_of_rows, take, wait
from inkloom.models.compiled.steps import CompiledSteps
from inkloom.models.compiling import FAILED, STEPS, WORTH, expect_steps
from inkloom.models.packed_linear import rounded
from inkloom.models.transformer import Transformer
from inkloom.models.transformer_stepper import ROOM
from inkloom.tokenizers.char import CharTokenizer

TOKENIZER = CharTokenizer("abcdefghi")


@pytest.fixture(autouse=True)
def nothing_read():
    """Each test counts its own tokens."""
    STEPS.clear()
    yield
    STEPS.clear()
    FAILED.clear()


def transformer(vocab_size=TOKENIZER.vocab_size, **fields):
    torch.manual_seed(0)
    sizes = {"preset": "gpt2", "layers": 2, "width": 192, "heads": 6, "context_length": 160}
    model = Transformer(Transformer.Config(**{**sizes, **fields}), vocab_size).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def logits_of(model, kind, tokens_BT):
    """After each of the tokens, read one by one by a stepper that compiles at once, (B, T, V); whether it did."""
    stepper = model.stepper(kind)
    stepper.prepare()
    state, logits = stepper.adopt(model.initial_state(len(tokens_BT))), []
    for tokens_B1 in tokens_BT.split(1, dim=1):
        logits_BV, state = stepper.read(tokens_B1, state)
        logits.append(logits_BV)
    return torch.stack(logits, dim=1), stepper._compiled is not None


def expected(model, kind, tokens_BT):
    """The same by the model, with its weights rounded."""
    reference = model if kind == "float32" else rounded(model, kind)
    return reference(tokens_BT, reference.initial_state(len(tokens_BT)))[0]


@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, 3, 8, 18])
@pytest.mark.parametrize("kind", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize(
    "fields",
    [{}, {"tied": True}, {"preset": "qwen3", "heads": 3}, {"preset": "qwen3", "feed_forward": 250, "width": 240}],
    ids=["gpt2", "tied", "qwen3", "sizes that are no multiples of 32"],
)
def test_logits_are_those_of_the_model_with_such_weights(kind, fields, rows):
    """Over the 64 positions by which buffers grow; in float32 over a full window, too, which the model itself reads."""
    model = transformer(**fields)
    length = 200 if kind == "float32" else 150
    tokens_BT = torch.randint(model.vocab_size, (rows, length), generator=torch.Generator().manual_seed(0))
    logits_BTV, compiled = logits_of(model, kind, tokens_BT)
    assert compiled
    torch.testing.assert_close(logits_BTV, expected(model, kind, tokens_BT), rtol=1e-3, atol=1e-3)


@torch.inference_mode()
@pytest.mark.parametrize("preset", ["gpt2", "qwen3"])
def test_rows_at_different_positions_that_come_and_go(preset):
    model = transformer(preset=preset)
    stepper = model.stepper()
    stepper.prepare()
    states = [model(torch.randint(11, (1, length)), model.initial_state(1))[1] for length in (3, 70, 64)]
    own = stepper.join_states([stepper.adopt(model.select_state(state, torch.tensor([0]))) for state in states])
    state = model.join_states(states)
    for rows in ([0, 1, 2], [2, 0], [1, 0, 1, 1]):
        index_B = torch.tensor(rows)
        own, state = stepper.select_state(own, index_B), model.select_state(state, index_B)
        for _ in range(3):
            tokens_B1 = torch.randint(11, (len(rows), 1))
            logits_BV, own = stepper.read(tokens_B1, own)
            expected_B1V, state = model(tokens_B1, state)
            torch.testing.assert_close(logits_BV, expected_B1V[:, 0], rtol=1e-3, atol=1e-4)
    assert stepper._compiled is not None


@torch.inference_mode()
def test_a_step_that_is_expected_is_begun_and_one_that_does_not_come_is_forgotten():
    """With other tokens, other rows, over the end of a block and of the window, the logits stay the model's."""
    model = transformer(context_length=70)
    stepper = model.stepper()
    stepper.prepare()
    own, state = stepper.adopt(model.initial_state(2)), model.initial_state(2)
    generator = torch.Generator().manual_seed(0)
    for number in range(100):
        expected_B1, other_B1 = torch.randint(11, (2, 2, 1), generator=generator)
        stepper.expect(expected_B1, own)
        assert (stepper._begun is None) == (number in (70, 105))  # the window is full
        read_B1 = other_B1 if number % 3 == 0 else expected_B1
        if number % 5 == 0:
            index_B = torch.tensor([1, 0])
            own, state = stepper.select_state(own, index_B), model.select_state(state, index_B)
        logits_BV, own = stepper.read(read_B1, own)
        assert stepper._begun is None
        expected_B1V, state = model(read_B1, state)
        torch.testing.assert_close(logits_BV, expected_B1V[:, 0], rtol=1e-3, atol=1e-4)


def test_an_interpreter_ends_well_right_after_a_token_or_in_the_midst_of_one():
    """Helping threads come back to an interpreter that is there."""
    script = """
import torch
from inkloom.models.compiled import steps
from inkloom.models.transformer import Transformer
steps.PATIENCE = 5_000_000  # some tenths of a second, which the interpreter has to wait
model = Transformer(Transformer.Config(preset="gpt2", layers=2, width=192, heads=6, context_length=160), 11).eval()
with torch.inference_mode():
    stepper = model.stepper()
    stepper.prepare()
    tokens_B1 = torch.zeros(8, 1, dtype=torch.int64)
    _, state = stepper.read(tokens_B1, stepper.adopt(model.initial_state(8)))
    stepper.expect(tokens_B1, state)
print("written")
"""
    for _ in range(3):
        ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
        assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, "written", "")


@torch.inference_mode()
def test_a_large_head_is_rounded_too():
    model, tokens_BT = transformer(vocab_size=300), torch.tensor([[5, 299, 0]])
    logits_BTV, compiled = logits_of(model, "int8", tokens_BT)
    assert compiled
    torch.testing.assert_close(logits_BTV, expected(model, "int8", tokens_BT), rtol=1e-3, atol=1e-3)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("fields", "kind"), [({"preset": "vaswani"}, "float32"), ({"width": 48}, "int8")], ids=["norms last", "small"]
)
def test_networks_that_the_kernels_do_not_know_are_read_by_pytorch(fields, kind):
    model, tokens_BT = transformer(**fields), torch.tensor([[1, 2, 3]])
    logits_BTV, compiled = logits_of(model, kind, tokens_BT)
    assert not compiled
    torch.testing.assert_close(logits_BTV, expected(model, kind, tokens_BT), rtol=1e-3, atol=1e-3)


def test_the_same_text_with_and_without_and_where_it_begins_midway(monkeypatch):
    """Greedy, 100 tokens and more, over a full window; drawn as well."""
    model = transformer()

    def texts(weights):
        STEPS.clear()
        for temperature in (0.0, 1.0):
            written = GenerationConfig(max_tokens=180, temperature=temperature, seed=0)
            requests = sample_requests([[3, 4]], written)
            yield [token.id for token in decode_all(model, TOKENIZER, requests, weights=weights)[0]]

    alone = list(texts(None))
    by_pytorch = list(texts("float32"))
    monkeypatch.setattr(compiling, "WORTH", 70)
    assert list(texts("float32")) == by_pytorch == alone
    assert STEPS["float32"] == 71  # the second text begins with what the first has loaded


@pytest.fixture
def threads():
    """Sets how many there are, until the test ends."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@torch.inference_mode()
def test_more_threads_than_cores_for_many_steps_give_the_same_bytes(threads):
    """Each sum is made by one thread, whoever that is."""
    model = transformer(context_length=1024)
    tokens_BT = torch.randint(model.vocab_size, (2, 1000), generator=torch.Generator().manual_seed(0))
    threads(1)
    alone, compiled = logits_of(model, "float32", tokens_BT)
    assert compiled
    for number in (2, 5):
        threads(number)
        assert torch.equal(logits_of(model, "float32", tokens_BT)[0], alone)


@torch.inference_mode()
def test_threads_help_leave_when_no_token_comes_and_return_with_the_next(threads, monkeypatch):
    threads(3)
    steps = CompiledSteps(transformer(), "float32", None)
    buffers = [torch.zeros(2, 1, 6, 1, 32, 64), torch.zeros(2, 1, 6, 64, 32)]
    came = []
    real = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda thread: came.append(thread) or real(thread))
    for position in range(3):
        logits_1V = steps.read([position], [position], *buffers)
        assert torch.isfinite(logits_1V).all()
        for helper in came:
            assert not helper.daemon  # an interpreter that ends would not wait for it, and dies of its return
            helper.join(timeout=60)
            assert not helper.is_alive()
        assert not steps._work.helping_T.any()
        assert len(came) == 2 * (position + 1)


@torch.inference_mode()
def test_where_no_thread_can_be_had_one_is_enough(threads, monkeypatch):
    threads(3)
    steps = CompiledSteps(transformer(), "float32", None)
    buffers = [torch.zeros(2, 1, 6, 1, 32, 64), torch.zeros(2, 1, 6, 64, 32)]

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert torch.isfinite(steps.read([1], [0], *buffers)).all()
    assert not steps._work.helping_T.any()


def test_two_models_write_at_once(threads):
    """Each in a thread of its own, as a server's do."""
    threads(2)
    models = [transformer(), transformer(preset="qwen3")]
    tokens_BT = torch.randint(11, (1, 150), generator=torch.Generator().manual_seed(0))
    found = {}

    def work(number):
        with torch.inference_mode():
            found[number] = logits_of(models[number], "float32", tokens_BT)[0]

    workers = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for number, model in enumerate(models):
        with torch.inference_mode():
            torch.testing.assert_close(found[number], expected(model, "float32", tokens_BT), rtol=1e-3, atol=1e-3)


def test_blocks_of_keys_are_the_same_for_both():
    """Numba's cache sees the kernels' file alone, so that has a number of its own."""
    assert POSITIONS == ROOM


def test_nothing_is_compiled_before_it_pays():
    model = transformer()
    requests = sample_requests([[]], GenerationConfig(max_tokens=30, seed=0))
    stepper = model.stepper()
    with torch.inference_mode():
        state = stepper.adopt(model.initial_state(1))
        stepper.read(torch.tensor([[1]]), state)
    assert stepper._compiled is None
    decode_all(model, TOKENIZER, requests)
    assert 1 < STEPS["float32"] < WORTH
    expect_steps("float32")
    assert STEPS["float32"] == WORTH


@torch.inference_mode()
@pytest.mark.parametrize("failure", ["numba is missing", "compiling fails"])
def test_where_it_cannot_be_had_pytorch_reads_and_says_so_once(monkeypatch, caplog, failure):
    model, tokens_BT = transformer(), torch.tensor([[1, 2]])
    if failure == "numba is missing":
        monkeypatch.setitem(sys.modules, "inkloom.models.compiled.steps", None)  # importing it is an ImportError
    else:
        monkeypatch.setattr(CompiledSteps, "load", lambda steps: (_ for _ in ()).throw(OSError("disk full")))
    with caplog.at_level(logging.INFO, logger="inkloom"):
        for _ in range(2):
            logits_BTV, compiled = logits_of(model, "float32", tokens_BT)
            assert not compiled
    torch.testing.assert_close(logits_BTV, expected(model, "float32", tokens_BT), rtol=1e-4, atol=1e-4)
    assert sum("written by PyTorch" in record.getMessage() for record in caplog.records) == 1


@torch.inference_mode()
def test_compiling_for_long_is_announced(monkeypatch, caplog):
    monkeypatch.setattr(compiling, "TOLD", 0.0)
    monkeypatch.setattr(CompiledSteps, "load", lambda steps: time.sleep(0.5))
    with caplog.at_level(logging.INFO, logger="inkloom"):
        transformer().stepper().prepare()
    assert sum("Compiling" in record.getMessage() for record in caplog.records) == 1


@settings(deadline=None, max_examples=40)
@given(
    tile=st.sampled_from([(1, 16), (1, 32), (1, 64), (2, 32), (4, 16), (6, 16), (8, 32)]),
    kind=st.sampled_from(["float32", "uint16", "uint8"]),
    rows=st.integers(1, 8),
    length=st.integers(1, 19),
)
def test_sums_of_rows(tile, kind, rows, length):
    """Whichever tile this machine takes; places of rows that are not there repeat the last one."""
    sums, columns = tile
    rows = min(rows, sums)
    generator = np.random.default_rng(0)
    x_BI = generator.normal(size=(rows + 1, 20)).astype(np.float32)
    levels_IC = generator.integers(0, 200, (length + 2, columns + 5))
    stored_IC = levels_IC.astype(kind)
    if kind == "uint16":
        stored_IC = torch.from_numpy(levels_IC).to(torch.bfloat16).view(torch.uint16).numpy()
    out = np.zeros((sums, columns), np.float32)
    at = (2 * stored_IC.shape[1] + 3, stored_IC.shape[1])
    SUMS[tile](x_BI, 20, 20, rows, stored_IC, at, length, 7, out)
    expected_BC = x_BI[1:, :length] @ stored_and_back(stored_IC)[2 : 2 + length, 3 : 3 + columns]
    expected_BC = expected_BC[[min(row, rows - 1) for row in range(sums)]]
    np.testing.assert_allclose(out, expected_BC, rtol=1e-4, atol=1e-2)


def stored_and_back(stored):
    """The numbers that are stored, in float32."""
    return (stored.astype(np.uint32) << 16).view(np.float32) if stored.dtype == np.uint16 else stored.astype(np.float32)


def compiled_sums(sums, columns):
    """Sums for a literal tile."""

    @njit
    def run(x, first, width, rows, table, at, length, ahead, out):
        sums_of_rows(sums, columns, x, first, width, rows, table, at, length, ahead, out)

    return run


SUMS = {tile: compiled_sums(*tile) for tile in [(1, 16), (1, 32), (1, 64), (2, 32), (4, 16), (6, 16), (8, 32)]}


def test_softmax():
    """By vectors of exponentials, to 5e-7; those that are too small for float32 are nearly zero."""
    scores = np.random.default_rng(0).uniform(-87, 0, 1000).astype(np.float32)
    weights = scores.copy()
    total = softmax(weights)
    expected = np.exp((scores - scores.max()).astype(np.float64))
    np.testing.assert_allclose(weights, expected, rtol=5e-7)
    assert total == pytest.approx(expected.sum(), rel=1e-6)
    far = np.array([0, -1e30, -np.inf], np.float32)
    softmax(far)
    assert far[0] == 1
    assert (far[1:] < 1e-37).all()


@settings(deadline=None, max_examples=25)
@given(threads=st.integers(1, 5), pieces=st.lists(st.integers(1, 40), min_size=1, max_size=4), steps=st.integers(1, 4))
def test_every_piece_is_done_once_before_the_next_phase(threads, pieces, steps):
    control = new_control(len(pieces), threads)
    taken = []  # (step, phase, piece), in the order in which they were taken

    def work(thread, step):
        for phase, number in enumerate(pieces):
            while (piece := take(control, step, phase, number, thread, threads)) >= 0:
                taken.append((step, phase, piece))
                done(control, phase, threads)
            wait(control, step, phase, number, threads)

    for step in range(1, steps + 1):
        control[STEP] = step
        helpers = [threading.Thread(target=work, args=(thread, step)) for thread in range(1, threads)]
        for helper in helpers:
            helper.start()
        work(0, step)
        for helper in helpers:
            helper.join()
    expected = [
        (step, phase, piece) for step in range(1, steps + 1) for phase, n in enumerate(pieces) for piece in range(n)
    ]
    assert sorted(taken) == expected
    assert [key[:2] for key in taken] == sorted(key[:2] for key in taken)


def test_a_thread_that_comes_late_takes_nothing():
    control, late, step = new_control(1, 2), 1, 2
    for _ in range(3):
        assert take(control, late, 0, 3, 0, 2) >= 0
        done(control, 0, 2)
    assert take(control, step, 0, 3, 1, 2) >= 0
    assert take(control, late, 0, 3, 1, 2) == -1
    assert {take(control, step, 0, 3, 1, 2) for _ in range(2)} >= {0}
    assert take(control, step, 0, 3, 0, 2) == -1


def test_a_thread_begins_with_the_same_pieces_in_every_step():
    """So that their weights stay where it runs."""
    control = new_control(1, 3)
    for step in range(1, 4):
        assert [take(control, step, 0, 9, thread, 3) for thread in (2, 0, 1)] == [6, 0, 3]
        assert [take(control, step, 0, 9, 0, 3) for _ in range(6)] == [1, 2, 4, 5, 7, 8]
        for _ in range(9):
            done(control, 0, 3)
        wait(control, step, 0, 9, 3)
