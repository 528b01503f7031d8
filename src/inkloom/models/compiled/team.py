"""Threads that share a step's work without waiting for one that does not run.

A step is a sequence of phases, each a number of pieces. Every thread begins with pieces of its own, the same in every
step, so that their weights stay in its core's cache; then it takes what others have not begun, and goes on when all
pieces are done. So one thread alone does a step, a second one halves it, and a thread that the system stopped before it
took a piece holds nobody up; OpenMP's threads wait for each other at every end. Nothing is allocated and the
interpreter's lock is not held.

Steps are numbered from 1, and what is counted contains the number, so nothing is reset between steps, and a thread
that comes late, when the next step has begun, takes nothing.

`control`, int64, one cache line for each number that threads write: the step, then for each phase what was taken from
each thread's pieces, and how many pieces were done in all steps.
"""

from typing import Any

import numpy as np
from numba import njit

from inkloom.models.compiled.atomics import add, exchange, load, store

LINE = 8

STEP = 0

PIECES = 1 << 20
"""More than a phase has; a step's number counts in these."""

COMPILE: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    # Sums may be reordered, so that they are vectors; infinities and NaN keep their meaning.
    "fastmath": {"reassoc", "contract", "arcp", "nsz", "afn"},
}


def new_control(phases: int, threads: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Of no step yet."""
    return np.zeros(LINE * (1 + phases * (threads + 1)), np.int64)


@njit(**COMPILE)
def begin(control: Any) -> Any:
    """Begin the next step; returns its number. The one before must be done."""
    step = load(control, STEP) + 1
    store(control, STEP, step)
    return step


@njit(**COMPILE)
def place_of(phase: Any, thread: Any, threads: Any) -> Any:
    """Where it stands how many of a thread's pieces are taken; behind the last thread, how many were ever done."""
    return LINE * (1 + phase * (threads + 1) + thread)


@njit(**COMPILE)
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


@njit(**COMPILE)
def done(control: Any, phase: Any, threads: Any) -> None:
    """A piece that was taken is done."""
    add(control, place_of(phase, threads, threads), 1)


@njit(**COMPILE)
def wait(control: Any, step: Any, phase: Any, pieces: Any, threads: Any) -> None:
    """Until all pieces of a phase are done, in this step as in those before."""
    while load(control, place_of(phase, threads, threads)) < step * pieces:
        pass
