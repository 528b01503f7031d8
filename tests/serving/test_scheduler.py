"""The scheduler against the decode loop, on models with known answers."""

import asyncio
import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkloom.errors import InkloomError
from inkloom.generation import GenerationConfig
from inkloom.generation.decode import decode
from inkloom.generation.rows import Request
from inkloom.generation.sampling import generator_of_sample
from inkloom.serving.scheduler import QueueFullError, Scheduler, StoppedError, merged
from tests.generation.fakes import Markov, Pieces, Script, TinyRNN

LETTERS = Pieces(*"abcdefghij")


def request(prompt=(), seed=0, **fields):
    return Request(list(prompt), GenerationConfig(**fields), generator_of_sample(seed, 0))


def alone(model, one):
    return "".join(token.text for (token,) in decode(model, LETTERS, [one]))


async def text(generation):
    return "".join([token.text async for tokens in generation for token in tokens])


@pytest.fixture
def start():
    """Make schedulers, which are closed at the end."""
    schedulers = []

    def make(model, tokenizer=LETTERS, max_rows=8, max_queue=100):
        schedulers.append(Scheduler(model.eval(), tokenizer, max_rows, max_queue, "test"))
        return schedulers[-1]

    yield make
    for scheduler in schedulers:
        scheduler.close()


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.lists(st.integers(1, 10), max_size=5), st.integers(0, 5), st.integers(0, 5)), max_size=12),
    st.integers(1, 4),
)
def test_a_text_is_the_same_whatever_is_written_beside_it(wanted, max_rows):
    """Each request: a prompt, a seed, and after how many turns of the loop it is submitted."""
    model = TinyRNN(LETTERS.vocab_size).eval()
    scheduler = Scheduler(model, LETTERS, max_rows, 100, "test")

    async def one(prompt, seed, turns):
        for _ in range(turns):
            await asyncio.sleep(0)
        (generation,) = scheduler.submit([request(prompt, seed, max_tokens=12)])
        return await text(generation)

    async def everything():
        return await asyncio.gather(*(one(*each) for each in wanted))

    try:
        found = asyncio.run(everything())
    finally:
        scheduler.close()
    assert found == [alone(model, request(prompt, seed, max_tokens=12)) for prompt, seed, _ in wanted]


def test_generations_that_were_submitted_together_are_read_together(start):
    scheduler = start(Script([1, 2, 3, 4, 5], LETTERS.vocab_size))

    async def read():
        requests = [request([1] * length, max_tokens=3 + length) for length in range(3)]
        found = ["", "", ""]
        async for place, tokens in merged(scheduler.submit(requests)):
            found[place] += "".join(token.text for token in tokens)
        return found

    assert asyncio.run(read()) == ["abc", "bcde", "cdeab"]


def test_a_cancelled_generation_leaves_and_its_place_is_taken(start):
    scheduler = start(Script([1, 2, 3], LETTERS.vocab_size), max_rows=1)

    async def go():
        endless, waiting, last = scheduler.submit(
            [request(max_tokens=10**9) for _ in range(2)] + [request(max_tokens=3)]
        )
        tokens = await anext(endless)
        assert (scheduler.running, scheduler.waiting) == (1, 2)
        waiting.cancel()
        endless.cancel()
        rest = await text(last)
        return tokens, rest, [token async for token in endless]

    tokens, rest, _ = asyncio.run(go())
    assert tokens
    assert rest == "abc"
    assert (scheduler.running, scheduler.waiting) == (0, 0)


def test_no_more_rows_run_than_are_allowed(start):
    model = Script([1, 2, 3], LETTERS.vocab_size)
    scheduler = start(model, max_rows=3)

    async def go():
        return await asyncio.gather(*map(text, scheduler.submit([request([n % 3], max_tokens=4) for n in range(10)])))

    assert all(len(one) == 4 for one in asyncio.run(go()))
    assert max(model.rows_stepped) == 3


def test_a_full_queue_takes_all_of_a_request_or_nothing(start):
    scheduler = start(Script([1], LETTERS.vocab_size), max_rows=1, max_queue=3)

    async def go():
        blocking = scheduler.submit([request(max_tokens=10**9)])
        await anext(blocking[0])
        scheduler.submit([request(), request()])
        with pytest.raises(QueueFullError, match="2 samples wait already, and at most 3 may"):
            scheduler.submit([request(), request()])
        assert scheduler.waiting == 2
        scheduler.submit([request()])

    asyncio.run(go())


def test_an_error_of_the_model_reaches_who_waits_and_the_next_are_served(start):
    logits_VV = torch.zeros(3, 3)
    logits_VV[:, 0] = -1e9
    logits_VV[1] = torch.tensor([float("nan"), 0, 0])
    scheduler = start(Markov(logits_VV), Pieces("a", "b"))

    async def go():
        bad, good = scheduler.submit([request([1]), request([2], max_tokens=1)])
        with pytest.raises(InkloomError, match="not finite"):
            await text(bad)
        with pytest.raises(InkloomError, match="not finite"):
            await text(good)
        (again,) = scheduler.submit([request([2], max_tokens=1)])
        return await text(again)

    assert asyncio.run(go()) in ("a", "b")


def test_calls_run_in_the_models_thread_between_tokens(start):
    scheduler = start(Script([1, 2], LETTERS.vocab_size))

    async def go():
        (generation,) = scheduler.submit([request(max_tokens=500)])
        await anext(generation)
        with pytest.raises(ZeroDivisionError):
            await scheduler.call(lambda: 1 / 0)
        name = await scheduler.call(lambda: threading.current_thread().name)
        return name, len(await text(generation))

    name, rest = asyncio.run(go())
    assert name == "inkloom-test"
    assert rest >= 400


def test_closing_ends_what_is_unfinished_and_takes_nothing_new(start):
    scheduler = start(Script([1, 2], LETTERS.vocab_size), max_rows=1)

    async def go():
        running, waiting = scheduler.submit([request(max_tokens=10**9), request()])
        await anext(running)
        scheduler.close()
        for generation in (running, waiting):
            with pytest.raises(StoppedError):
                await text(generation)
        with pytest.raises(StoppedError):
            scheduler.submit([request()])
        with pytest.raises(StoppedError):
            await scheduler.call(lambda: None)

    asyncio.run(go())


def test_a_loop_that_has_ended_stops_nobody_else(start):
    scheduler = start(Script([1, 2], LETTERS.vocab_size))

    async def leave_behind():
        (generation,) = scheduler.submit([request(max_tokens=10**6)])
        await anext(generation)

    async def write():
        (generation,) = scheduler.submit([request(max_tokens=5)])
        return await text(generation)

    asyncio.run(leave_behind())
    assert asyncio.run(write()) == "ababa"
