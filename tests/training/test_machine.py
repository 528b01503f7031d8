import platform
import subprocess
import sys

import pytest
import torch

from inkloom.errors import InputError
from inkloom.training.config import TrainingConfig
from inkloom.training.machine import available_devices, choose, product_rate


def test_rates_are_measured():
    assert product_rate("cpu", torch.float32) > 0.1


def test_a_type_without_products_has_the_rate_0():
    assert product_rate("cpu", torch.bool) == 0.0


def test_auto_takes_the_faster_precision():
    machine = choose(TrainingConfig(device="cpu"))
    faster = "bfloat16" if machine.bfloat16_rate > machine.float32_rate else "float32"
    assert (machine.device, machine.precision) == ("cpu", faster)


def test_what_is_named_is_taken_without_measuring():
    machine = choose(TrainingConfig(device="cpu", precision="float32"))
    assert (machine.precision, machine.float32_rate) == ("float32", 0.0)


@pytest.mark.parametrize("device", sorted({"cuda", "mps"} - set(available_devices())))
def test_a_device_that_is_not_there_is_refused(device):
    with pytest.raises(InputError, match=f"--device {device} is not there"):
        choose(TrainingConfig(device=device))


PAGE_FAULTS = """
import resource, torch
from inkloom.training.machine import keep_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        [torch.ones(size, dtype=torch.uint8) for size in (30_000_000, 20_000_000, 30_000_000)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

plain = faults()
keep_memory()
faults()
print(plain, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc is not glibc's here")
def test_memory_that_is_kept_is_not_asked_for_again():
    """In a process of its own, since it is a setting of the whole process."""
    ended = subprocess.run([sys.executable, "-c", PAGE_FAULTS], capture_output=True, text=True, check=True)
    plain, kept = map(int, ended.stdout.split())
    assert plain > 20_000
    assert kept < 1_000
