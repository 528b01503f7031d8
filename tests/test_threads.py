import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.threads import SPIN_COUNT, available_cores, in_order, share_cores


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    monkeypatch.setenv("GOMP_SPINCOUNT", "")  # so that what the test sets is undone
    monkeypatch.delenv("GOMP_SPINCOUNT")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)


def environment(monkeypatch, **variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    share_cores()
    return os.environ.get("GOMP_SPINCOUNT")


def test_waiting_threads_sleep_soon(monkeypatch):
    assert environment(monkeypatch) == SPIN_COUNT


def test_what_the_user_set_stays(monkeypatch):
    assert environment(monkeypatch, GOMP_SPINCOUNT="7") == "7"


def test_a_wait_policy_of_the_users_is_not_overruled(monkeypatch):
    assert environment(monkeypatch, OMP_WAIT_POLICY="ACTIVE") is None


def test_there_is_a_core():
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


@given(st.lists(st.integers()), st.integers(1, 5))
def test_results_come_in_order_and_few_at_once(items, at_once):
    begun = []
    with ThreadPoolExecutor(3) as pool:
        results = in_order(pool, lambda number: begun.append(number) or -number, items, at_once)
        for done, result in enumerate(results):
            assert result == -items[done]
            assert len(begun) <= done + at_once
    assert len(begun) == len(items)


def test_an_error_comes_out_in_its_place():
    with ThreadPoolExecutor(2) as pool:
        results = in_order(pool, lambda number: 1 // number, [1, 0, 1], 2)
        assert next(results) == 1
        with pytest.raises(ZeroDivisionError):
            next(results)
