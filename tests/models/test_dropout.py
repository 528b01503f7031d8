import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkloom.models.dropout import Dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_share_is_dropped_and_the_rest_keeps_the_mean(p, dtype):
    torch.manual_seed(0)
    dropped = Dropout(p)(torch.ones(200, 500, dtype=dtype))
    assert dropped.dtype == dtype
    assert (dropped == 0).float().mean() == pytest.approx(p, abs=0.01)  # 6 standard errors
    assert dropped.float().mean() == pytest.approx(1, abs=0.06)
    assert dropped.unique().numel() == 2


def test_elements_are_dropped_independently():
    """Four share a random word: neighbours must not fall together."""
    torch.manual_seed(0)
    kept = Dropout(0.5)(torch.ones(100_000, 4)) > 0
    correlations = torch.corrcoef(kept.T.float()) - torch.eye(4)
    assert correlations.abs().max() < 0.02


@settings(deadline=None)
@given(shape=st.lists(st.integers(0, 5), max_size=3), seed=st.integers(0, 2**32 - 1))
def test_any_shape_is_kept_and_every_value_is_zero_or_scaled(shape, seed):
    torch.manual_seed(seed)
    x = torch.randn(shape)
    dropped = Dropout(0.25)(x)
    assert dropped.shape == x.shape
    assert ((dropped == 0) | torch.isclose(dropped, x / 0.75)).all()


def test_the_gradient_passes_where_the_value_does():
    x = torch.ones(1000, requires_grad=True)
    dropped = Dropout(0.3)(x)
    dropped.sum().backward()
    torch.testing.assert_close(x.grad, dropped.detach())


def test_the_same_seed_drops_the_same():
    x = torch.ones(1000)
    torch.manual_seed(5)
    first = Dropout(0.3)(x)
    torch.manual_seed(5)
    assert torch.equal(Dropout(0.3)(x), first)
    assert not torch.equal(Dropout(0.3)(x), first)


def test_nothing_is_dropped_in_evaluation_or_at_zero():
    x = torch.randn(10)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x


@pytest.mark.parametrize(("p", "dropped"), [(1e-9, 0), (1 - 1e-9, 65535)])
def test_a_share_is_at_least_one_level_of_65536_and_leaves_one(p, dropped):
    torch.manual_seed(0)
    y = Dropout(p)(torch.ones(100_000))
    assert torch.isfinite(y).all()
    share = (y == 0).double().mean().item()
    assert share == pytest.approx(dropped / 65536, abs=2e-4)


def test_locked_dropout_is_the_same_along_the_first_dimension():
    torch.manual_seed(0)
    dropped = Dropout(0.5, locked=True)(torch.ones(7, 30, 40))
    assert torch.equal(dropped, dropped[:1].expand_as(dropped))
    assert (dropped == 0).float().mean() == pytest.approx(0.5, abs=0.1)
    assert ((dropped == 0) | (dropped == 2)).all()
