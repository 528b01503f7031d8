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
