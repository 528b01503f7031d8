import pytest

from inkloom.threads import SPIN_COUNT, share_cores


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    monkeypatch.setenv("GOMP_SPINCOUNT", "")  # so that what the test sets is undone
    monkeypatch.delenv("GOMP_SPINCOUNT")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)


def environment(monkeypatch, **variables):
    import os

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
