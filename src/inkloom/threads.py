"""Work on several cores, and how threads wait for each other."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

SPIN_COUNT = "1000"
"""Turns a thread of GNU OpenMP spins before it sleeps. Its default is 300,000 or more: where another process wants a
core, threads burn their time slices waiting for one that is not running, and an LSTM's training step takes 4 s instead
of 15 ms. With 1,000 it takes 50 ms there, and as long as before where the cores are free (docs/decisions/0002)."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def share_cores() -> None:
    """Keep this process fast where others run beside it. Has an effect only before PyTorch is imported.

    What the user set for OpenMP stays as it is.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)


def available_cores() -> int:
    """How many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def in_order(pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], at_once: int) -> Iterator[Result]:
    """What `work` makes of every item, in the items' order, done in the pool.

    at_once: how many items and results there are at most in memory, so that neither may run ahead of the other.
    """
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) == at_once:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
