"""When a step's machine code pays: Numba takes half a second to import and, once on a machine, seconds to compile."""

import functools
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING

from torch import Tensor

from inkloom.models.stepping import WeightType

if TYPE_CHECKING:
    from inkloom.models.compiled.steps import CompiledSteps
    from inkloom.models.transformer import Transformer

log = logging.getLogger("inkloom")

WORTH = 1000
"""Steps of a few rows that a process takes by PyTorch before it loads what takes them two to four times as fast. They
last from half a second to two. It is their number, not their time, so that the same work gives the same text."""

STEPS: Counter[WeightType] = Counter()
"""Such steps of this process, by the type of weights, each of which has code of its own."""

TOLD = 2.0
"""Seconds from which compiling is worth a message."""


def pays(kind: WeightType) -> bool:
    """Counts a step of a few rows; whether there were enough."""
    STEPS[kind] += 1
    return STEPS[kind] >= WORTH


def expect_few_rows(kind: WeightType) -> None:
    """Many steps of a few rows are to come: the machine code is loaded with the first."""
    STEPS[kind] = max(STEPS[kind], WORTH)


def compiled_steps(model: "Transformer", kind: WeightType, turns_2WD: Tensor | None) -> "CompiledSteps | None":
    """The machine code that reads a few rows, loaded; None where Numba or the network is not fit for it."""
    steps = _numba_steps()
    if steps is None or not steps.can_read(model, kind):
        return None
    from numba.core.errors import NumbaError

    began = time.perf_counter()
    compiled = steps(model, kind, turns_2WD)
    try:
        compiled.load()
    except NumbaError as error:  # of a release that the kernels were not written for
        _say_why_not(error)
        return None
    if (seconds := time.perf_counter() - began) > TOLD:
        log.info(f"A step of the Transformer was compiled for this machine in {seconds:.0f} s. Later runs load it.")
    return compiled


@functools.cache
def _numba_steps() -> "type[CompiledSteps] | None":
    try:
        from inkloom.models.compiled.steps import CompiledSteps
    except (ImportError, RuntimeError) as error:  # the latter where Numba finds no folder that it may write to
        _say_why_not(error)
        return None
    return CompiledSteps


def _say_why_not(error: Exception) -> None:
    reason = str(error).splitlines()[0]
    log.info(f"A few rows are written by PyTorch, at half the speed, since Numba does not work here: {reason}")
