"""What this machine is best at, measured rather than assumed: the device, and the precision of its products."""

import ctypes
import os
import platform
import time
from dataclasses import asdict, dataclass
from typing import Any

import torch

from inkloom.errors import InputError
from inkloom.training.config import TrainingConfig

SIZE = 512
"""Side of the matrices that are multiplied: about the layers of a small model."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Options of glibc's mallopt: how much may stay free at the heap's end, from which size on a block is no part of it."""

LARGEST_KEPT = 1 << 25
"""Bytes; glibc allows no more."""


@dataclass(frozen=True)
class Machine:
    """The measured choices of a run; a resumed run reuses them, so that its numbers go on as they were."""

    device: str
    precision: str
    threads: int
    float32_rate: float
    """Products of 512 x 512 matrices, in 1e9 floating-point operations a second; 0 where not measured."""

    bfloat16_rate: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def choose(config: TrainingConfig) -> Machine:
    """The device and precision of a config, measured where it says `auto`."""
    device = config.device if config.device != "auto" else fastest_device()
    _check_device(device)
    rates = {"float32": 0.0, "bfloat16": 0.0}
    precision: str = config.precision
    if precision == "auto":
        rates = {name: product_rate(device, dtype) for name, dtype in DTYPES.items()}
        precision = max(rates, key=rates.__getitem__)
    return Machine(device, precision, torch.get_num_threads(), rates["float32"], rates["bfloat16"])


def keep_memory() -> None:
    """Let glibc's malloc keep what is freed for the next step; elsewhere nothing.

    By default it gives blocks of some megabytes back to the system and asks for them again, and every new page is a
    fault: 20,000 in a step over a vocabulary of 13,777 words, which takes 85 ms with them and 75 ms without.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:  # no glibc
        return
    libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    libc.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)


DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def available_devices() -> list[str]:
    """cpu, and the accelerators that PyTorch finds."""
    found = ["cpu"]
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return found


def fastest_device() -> str:
    """The device with the highest rate of float32 products; cpu where it is alone, without a measurement."""
    devices = available_devices()
    return devices[0] if len(devices) == 1 else max(devices, key=lambda device: product_rate(device, torch.float32))


def product_rate(device: str, dtype: torch.dtype) -> float:
    """Best rate of matrix products, in 1e9 floating-point operations a second; 0 where the device lacks the type."""
    try:
        left, right = (torch.randn(SIZE, SIZE, device=device).to(dtype) for _ in range(2))
        seconds = [_time_product(left, right) for _ in range(12)]
    except (RuntimeError, TypeError):
        return 0.0
    # The best, not the median: another process can only slow a product down, and would decide the precision.
    return 2 * SIZE**3 / min(seconds) / 1e9


def describe_processor() -> str:
    """The processor's kind and how many of its cores this process may use."""
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"


def _time_product(left: torch.Tensor, right: torch.Tensor) -> float:
    started = time.perf_counter()
    # Reading one element waits for an accelerator's queue.
    (left @ right)[0, 0].item()
    return time.perf_counter() - started


def _check_device(device: str) -> None:
    if device not in (found := available_devices()):
        raise InputError(f"--device {device} is not there; this PyTorch finds {', '.join(found)}. Choose one or auto.")
