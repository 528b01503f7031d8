import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.training.config import TrainingConfig
from inkloom.training.schedule import Clock, Progress, learning_rate_factor, progress_for


def test_the_learning_rate_rises_then_falls_along_a_cosine():
    config = TrainingConfig(warm_up=0.1, final_learning_rate=0.2)
    assert learning_rate_factor(config, 0.05) == pytest.approx(0.5)
    assert learning_rate_factor(config, 0.1) == pytest.approx(1.0)
    assert learning_rate_factor(config, 0.55) == pytest.approx(0.6)  # half-way between 1 and 0.2
    assert learning_rate_factor(config, 1.0) == pytest.approx(0.2)


def test_a_constant_schedule_stays_after_its_warm_up():
    config = TrainingConfig(schedule="constant", warm_up=0.1)
    assert learning_rate_factor(config, 0.2) == learning_rate_factor(config, 1.0) == 1.0


@given(st.floats(0, 1), st.floats(0, 0.9))
def test_the_learning_rate_is_never_zero_nor_above_its_highest(share, warm_up):
    assert 0 < learning_rate_factor(TrainingConfig(warm_up=warm_up), share) <= 1 + 1e-12


def test_progress_by_steps():
    progress = progress_for(TrainingConfig(steps=10), steps_per_epoch=7, clock=Clock())
    assert [progress.share(step) for step in (0, 5, 10, 11)] == [0, 0.5, 1, 1]


@pytest.mark.parametrize(("epochs", "steps"), [(2, 14), (0.5, 4), (None, 70)])
def test_epochs_are_so_many_steps(epochs, steps):
    assert progress_for(TrainingConfig(epochs=epochs), steps_per_epoch=7, clock=Clock()).steps == steps


def test_progress_by_wall_time_counts_what_came_before_a_resume_and_keeps_a_reserve():
    clock = Clock(before=40.0)
    progress = Progress(clock, budget=100.0, reserve=20.0)
    assert progress.share(step=3) == pytest.approx(0.5, abs=0.01)
    assert Progress(Clock(before=99.0), budget=100.0, reserve=20.0).share(0) == 1.0
    assert math.isclose(Progress(clock, budget=5.0, reserve=50.0).share(0), 1.0)
