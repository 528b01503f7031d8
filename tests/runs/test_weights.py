import pytest
import torch
from torch import nn

from inkloom.errors import InputError
from inkloom.runs.weights import load_weights, save_weights


class Tied(nn.Module):
    def __init__(self, size: int = 3) -> None:
        super().__init__()
        self.one = nn.Linear(size, size)
        self.other = nn.Linear(size, size)
        self.other.weight = self.one.weight


def test_weights_come_back_bit_for_bit_and_tied_ones_stay_tied(tmp_path):
    model, twin = Tied(), Tied()
    save_weights(model, tmp_path / "w")
    load_weights(twin, tmp_path / "w")
    assert torch.equal(twin.one.weight, model.one.weight)
    assert torch.equal(twin.other.bias, model.other.bias)
    assert twin.other.weight is twin.one.weight


def test_the_same_weights_make_the_same_bytes(tmp_path):
    model = Tied()
    save_weights(model, tmp_path / "a")
    save_weights(model, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_missing_file_says_how_to_go_on(tmp_path):
    with pytest.raises(InputError, match="--resume"):
        load_weights(Tied(), tmp_path / "w")


@pytest.mark.parametrize("damage", [lambda data: data[:-5], lambda data: b"x" * 100, lambda data: b""])
def test_a_damaged_file_is_refused(tmp_path, damage):
    save_weights(Tied(), tmp_path / "w")
    (tmp_path / "w").write_bytes(damage((tmp_path / "w").read_bytes()))
    with pytest.raises(InputError, match="damaged"):
        load_weights(Tied(), tmp_path / "w")


def test_weights_of_another_shape_are_refused(tmp_path):
    save_weights(Tied(4), tmp_path / "w")
    with pytest.raises(InputError, match=r"one\.\w+ is \(4,.*\), not \(3,"):
        load_weights(Tied(3), tmp_path / "w")


def test_weights_of_another_model_are_refused(tmp_path):
    save_weights(nn.Linear(3, 3), tmp_path / "w")
    with pytest.raises(InputError, match="only in one of them"):
        load_weights(Tied(), tmp_path / "w")
