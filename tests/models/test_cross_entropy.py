"""The chunked loss against torch's own, in value, gradients and room."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from inkloom.models import cross_entropy
from inkloom.models.cross_entropy import linear_cross_entropy, smoothed_linear_cross_entropy


def inputs(tokens, size, words, seed=0, bias=True):
    """x_NC, weight_VC and bias_V, which want gradients, and targets_N."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(tokens, size), (words, size), (words,)]
    x_NC, weight_VC, bias_V = (torch.randn(shape, generator=generator, requires_grad=True) for shape in shapes)
    return x_NC, weight_VC, bias_V if bias else None, torch.randint(words, (tokens,), generator=generator)


def plain(x_NC, weight_VC, bias_V, targets_N, divisor=1.0):
    """The same with all logits at a time."""
    logits_NV = functional.linear(x_NC, weight_VC, bias_V)
    return functional.cross_entropy(logits_NV.float(), targets_N, reduction="sum") / divisor


def gradients(loss, tensors):
    return torch.autograd.grad(loss, [tensor for tensor in tensors if tensor is not None])


@given(
    tokens=st.integers(0, 30),
    size=st.integers(1, 9),
    words=st.integers(1, 40),
    rows=st.integers(1, 40),
    bias=st.booleans(),
    divisor=st.sampled_from([1.0, 7.0]),
    factor=st.sampled_from([1.0, 0.25]),
)
@settings(max_examples=60, deadline=None)
def test_value_and_gradients_equal_those_of_all_logits_at_a_time(tokens, size, words, rows, bias, divisor, factor):
    *tensors, targets_N = inputs(tokens, size, words, bias=bias)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross_entropy, "PIECE_BYTES", rows * words * 4)
        found = linear_cross_entropy(*tensors, targets_N, divisor)
    expected = plain(*tensors, targets_N, divisor)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    pairs = zip(gradients(factor * found, tensors), gradients(factor * expected, tensors), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_smoothed_labels_equal_torchs_in_value_and_gradients(smoothing, bias, monkeypatch):
    *tensors, targets_N = inputs(23, 5, 13, bias=bias)
    monkeypatch.setattr(cross_entropy, "PIECE_BYTES", 7 * 13 * 4)
    loss, nats = smoothed_linear_cross_entropy(*tensors, targets_N, 23, smoothing)
    logits_NV = functional.linear(*tensors)
    expected = functional.cross_entropy(logits_NV, targets_N, label_smoothing=smoothing)
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(nats, functional.cross_entropy(logits_NV, targets_N), rtol=1e-5, atol=1e-5)
    assert not nats.requires_grad
    for one, other in zip(gradients(loss, tensors), gradients(expected, tensors), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_bfloat16_autocast_stays_as_close_to_float32_as_torchs_own():
    *tensors, targets_N = inputs(300, 64, 500)
    exact = plain(*tensors, targets_N, 300)
    with torch.autocast("cpu", torch.bfloat16):
        found, torchs = linear_cross_entropy(*tensors, targets_N, 300), plain(*tensors, targets_N, 300)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact, rtol=2e-3, atol=0)
    for ours, theirs, wanted in zip(
        gradients(found, tensors), gradients(torchs, tensors), gradients(exact, tensors), strict=True
    ):
        assert ours.dtype == torch.float32
        assert (ours - wanted).norm() < 1.5 * (theirs - wanted).norm() + 1e-6


def test_a_hopeless_token_counts_for_87_nats_and_has_its_whole_gradient():
    x_NC, weight_VC = torch.tensor([[1000.0]], requires_grad=True), torch.tensor([[1.0], [-1.0]], requires_grad=True)
    targets_N = torch.tensor([1])
    found, expected = linear_cross_entropy(x_NC, weight_VC, None, targets_N), plain(x_NC, weight_VC, None, targets_N)
    assert found.item() == pytest.approx(87.3, abs=0.1)
    assert expected.item() == 2000
    pairs = zip(gradients(found, (x_NC, weight_VC)), gradients(expected, (x_NC, weight_VC)), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other)


class LargestTensor(TorchDispatchMode):
    """Notes how many numbers the largest tensor has that any operation gives."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, torch.Tensor):
                self.numbers = max(self.numbers, tensor.numel())
        return result


def test_no_more_logits_are_held_than_a_piece(monkeypatch):
    monkeypatch.setattr(cross_entropy, "PIECE_BYTES", 4 * 50 * 1000)
    *tensors, targets_N = inputs(400, 8, 1000)
    with LargestTensor() as seen:
        linear_cross_entropy(*tensors, targets_N).backward()
    assert seen.numbers == 50 * 1000
    with LargestTensor() as seen:
        plain(*tensors, targets_N).backward()
    assert seen.numbers == 400 * 1000
