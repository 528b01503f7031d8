"""When a step's machine code pays: Numba takes half a second to import and, once on a machine, seconds to compile."""

import logging
import threading
from collections import Counter
from typing import TYPE_CHECKING

from torch import Tensor

from inkloom.models.stepping import WeightType

if TYPE_CHECKING:
    from inkloom.models.compiled.steps import CompiledSteps
    from inkloom.models.transformer import Transformer

log = logging.getLogger("inkloom")

WORTH = 4000
"""Steps of one row that a process takes by PyTorch before it loads what takes them three times as fast. They last two
to five seconds, not much less than compiling does. It is their number, not their time, so that the same work gives the
same text. (In bfloat16 PyTorch rounds inputs as well, so a text may go on differently from there.)"""

ROWS_OF_A_STEP = 8
"""Rows that take PyTorch about as long again as the first one."""

STEPS: Counter[WeightType] = Counter()
"""Such steps of this process, by the type of weights, each of which has code of its own."""

FAILED: set[WeightType] = set()
"""What could not be compiled in this process, and is not tried again."""

TOLD = 1.5
"""Seconds after which compiling is worth a message; to load what was compiled takes less."""


def pays(kind: WeightType, rows: int) -> bool:
    """Counts a step of so many rows; whether there were enough."""
    STEPS[kind] += 1 + rows // ROWS_OF_A_STEP
    return STEPS[kind] >= WORTH and kind not in FAILED


def expect_steps(kind: WeightType) -> None:
    """Many steps are to come: the machine code is loaded with the first."""
    STEPS[kind] = max(STEPS[kind], WORTH)


def compiled_steps(model: "Transformer", kind: WeightType, turns_2WD: Tensor | None) -> "CompiledSteps | None":
    """The machine code that reads tokens, loaded; None where Numba or the network is not fit for it."""
    message = "Compiling what writes text: some seconds, once for each type of weights on this machine."
    said = threading.Timer(TOLD, log.info, [message])
    said.daemon = True
    said.start()
    try:
        from inkloom.models.compiled.packing import can_pack
        from inkloom.models.compiled.steps import CompiledSteps

        if not can_pack(model, kind):
            return None
        compiled = CompiledSteps(model, kind, turns_2WD)
        compiled.load()
    except Exception as error:  # Numba, LLVM, their cache on disk: whatever fails, PyTorch writes the same
        FAILED.add(kind)
        reason = (str(error) or type(error).__name__).splitlines()[0]
        log.info(f"Text is written by PyTorch, at half the speed, since Numba does not work here: {reason}")
        return None
    finally:
        said.cancel()
    return compiled
