"""A server of the small finished run, called without a network."""

import pytest

import inkloom
from inkloom.serving.app import create_app
from inkloom.serving.settings import ServerSettings

from .asgi import Asgi


@pytest.fixture(scope="session")
def served_run(finished_run):
    return inkloom.load_run(finished_run)


@pytest.fixture
def serve():
    """Make a client of a server with these runs and settings; the servers are closed at the end."""
    apps = []

    def make(*runs, headers=None, **settings):
        apps.append(create_app(runs, ServerSettings(**settings)))
        return Asgi(apps[-1], **(headers or {}))

    yield make
    for app in apps:
        app.state.engines.close()


@pytest.fixture(scope="module")
def client(served_run):
    app = create_app([served_run])
    yield Asgi(app)
    app.state.engines.close()
