"""A server in the workshop, and a browser that visits its Studio."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import urllib.request

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")

PATIENCE = 60_000
"""Milliseconds. Nothing here takes a second, but a machine may be busy."""


@pytest.fixture(scope="session")
def server(workshop):
    """The address of `inkloom serve` in the workshop."""
    process = subprocess.Popen(
        [sys.executable, "-m", "inkloom", "serve", "lstm", "--port", "0"],
        cwd=workshop,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    address = process.stdout.readline().split()[-1]
    with urllib.request.urlopen(f"{address}/health", timeout=60):
        pass
    yield address
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


@pytest.fixture(scope="session")
def browser():
    """Debian's chromium. Nothing is downloaded."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium here; `apt-get install chromium` brings it")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; see make test-clients")
    playwright.expect.set_options(timeout=PATIENCE)
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, server):
    """Open a page of the Studio: `visit("/runs", dark=True)`.

    At the end nothing must have been asked of any other server, and no page may have had an error but a refused text.
    """
    contexts, troubles, asked = [], [], []

    def open_page(path="/", dark=False):
        context = browser.new_context(
            base_url=server,
            viewport={"width": 1280, "height": 900},
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: troubles.append(said.text) if is_trouble(said) else None)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path)
        page.wait_for_function("window.did_handshake")  # from then on it listens
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []
    assert [url for url in asked if not url.startswith((server, "data:", "blob:", server.replace("http", "ws")))] == []


def is_trouble(said) -> bool:
    return said.type == "error" and "400 (Bad Request)" not in said.text


@pytest.fixture(scope="session")
def story() -> str:
    """A text to train on that nobody has written."""
    return (
        textwrap.dedent(
            """\
        The mill stood at the river, and the river turned the mill.
        Every morning the miller opened the gate and the wheel began to sing.
        """
        )
        * 80
    )
