"""Averaged weights: known means, and the same after a resume."""

from types import SimpleNamespace

import pytest
import torch

from inkloom.models.lstm import LSTM
from inkloom.training.callbacks.averaging import EVERY, Averaging


def small_model():
    torch.manual_seed(0)
    return LSTM(LSTM.Config(embedding_size=2, hidden_size=3), 5)


def walk(model, averaging, steps):
    """Set every weight to the number of the step, as if training had."""
    for step in steps:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(step)
        averaging.on_train_batch_end(SimpleNamespace(global_step=step), None)


def averages(averaging):
    (value,) = {number.item() for parameter in averaging.averaged.parameters() for number in parameter.flatten()}
    return value


def test_without_a_share_the_model_itself_is_scored():
    model = small_model()
    averaging = Averaging(model, None)
    walk(model, averaging, range(1, 30))
    assert averaging.averaged is model
    assert averaging.state_dict() == {}


def test_a_share_of_one_is_the_mean_of_all():
    model = small_model()
    averaging = Averaging(model, 1.0)
    taken = [*range(1, EVERY), *range(EVERY, 101, EVERY)]
    walk(model, averaging, range(1, 101))
    assert averages(averaging) == pytest.approx(sum(taken) / len(taken), rel=1e-4)


@pytest.mark.parametrize(("share", "mean_age"), [(0.5, 1 / 3), (0.2, 1 / 6), (0.1, 1 / 11)])
def test_the_mean_leans_on_about_the_last_share_of_the_steps(share, mean_age):
    """Weights t^k with k = 1 / share - 1 over t up to T have their mean at T (k + 1) / (k + 2), so 1 / (k + 2) back."""
    model = small_model()
    averaging = Averaging(model, share)
    walk(model, averaging, range(EVERY, 20_000 + EVERY, EVERY))
    assert 1 - averages(averaging) / 20_000 == pytest.approx(mean_age, rel=0.02)


def test_the_first_steps_count_one_by_one():
    model = small_model()
    averaging = Averaging(model, 0.5)
    walk(model, averaging, [1])
    assert averages(averaging) == 1
    walk(model, averaging, [2])
    assert 1 < averages(averaging) < 2


def test_training_goes_on_where_it_was():
    model = small_model()
    walk(model, Averaging(model, 0.2), range(1, 30))
    assert all((parameter == 29).all() for parameter in model.parameters())


def test_a_resumed_mean_goes_on_as_if_never_stopped():
    model, other = small_model(), small_model()
    whole, first = Averaging(model, 0.3), Averaging(other, 0.3)
    walk(model, whole, range(1, 61))
    walk(other, first, range(1, 34))
    resumed = Averaging(other, 0.3)
    resumed.load_state_dict(first.state_dict())
    walk(other, resumed, range(34, 61))
    assert averages(resumed) == averages(whole)
