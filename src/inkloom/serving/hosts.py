"""The names under which this machine may be asked for, and the origin of who asks.

A page on the web can let a name of its own point at this machine (DNS rebinding); the browser then takes the server for
that page's own and lets it read everything. The Host header gives such a name away.
"""

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit


def own_names(host: str) -> frozenset[str]:
    """The names, in small letters, by which a server that listens at `host` may be asked for beside addresses."""
    machine = socket.gethostname().lower()
    return frozenset({"localhost", host.lower(), machine, f"{machine}.local"})


def is_own(host_header: str, names: Collection[str]) -> bool:
    """Whether a Host header has an address, which nobody can let point elsewhere, or one of these names."""
    try:
        name = urlsplit(f"//{host_header}").hostname or ""
        return name in names or _is_address(name)
    except ValueError:  # brackets that hold no address
        return False


def is_same_origin(origin: str | None, host_header: str) -> bool:
    """Whether an Origin header is that of our own pages. Programs that are no browsers send none."""
    return origin is None or origin.partition("://")[2].lower() == host_header.lower()


def is_loopback(host: str) -> bool:
    """Whether a server that listens there is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
