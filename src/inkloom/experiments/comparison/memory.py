"""The most memory that a piece of work held."""

import contextlib
import ctypes
import gc
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")


@dataclass
class PeakMemory:
    """Bytes; None until the block has ended, and where the system cannot count them anew (Linux can)."""

    bytes: int | None = None


@contextlib.contextmanager
def peak_memory() -> Iterator[PeakMemory]:
    """Measure the largest resident memory of this process, libraries included, within a block."""
    peak = PeakMemory()
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, TypeError):
        # What earlier work has freed is still resident with glibc; without this a small model that is trained after a
        # large one counts as large.
        ctypes.CDLL(None).malloc_trim(0)
    try:
        CLEAR_REFS.write_text("5")  # sets VmHWM back to what is resident now, see proc(5)
    except OSError:
        yield peak
        return
    yield peak
    found = re.search(r"^VmHWM:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    peak.bytes = int(found[1]) * 1024 if found else None
