"""Known answers for names, addresses and origins."""

import pytest

from inkloom.serving.hosts import is_loopback, is_same_origin


@pytest.mark.parametrize(
    ("origin", "same"),
    [
        (None, True),
        ("http://127.0.0.1:8000", True),
        ("http://127.0.0.1:8001", False),
        ("https://evil.example", False),
        ("http://[", False),
        ("null", False),
        ("", False),
    ],
)
def test_an_origin_is_own_where_its_host_and_port_are(origin, same):
    assert is_same_origin(origin, "127.0.0.1:8000") is same


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("models.example", False)],
)
def test_loopback_is_reached_from_this_machine_alone(host, loopback):
    assert is_loopback(host) is loopback
