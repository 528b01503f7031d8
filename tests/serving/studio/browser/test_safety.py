"""What hostile texts, names and other pages cannot do."""

import functools
import http.server
import threading
from urllib.parse import quote

import pytest

from ..conftest import HOSTILE

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; see make test-clients").expect

pytestmark = pytest.mark.clients

SCRIPT = "<script>document.title='prompt'</script><img src=x onerror=\"document.title='prompt'\">"


def test_a_script_in_a_prompt_is_text(visit):
    page = visit(f"/?run={quote(HOSTILE)}")
    page.get_by_label("How the text begins").fill(SCRIPT)
    page.get_by_label("Length in tokens").fill("5")
    page.get_by_role("button", name="Write", exact=True).click()
    shown = page.locator(".written, [role=alert]:not(:empty)")
    expect(shown.first).to_be_visible()
    assert page.locator("main img, main script").count() == 0
    assert page.title() == "Write – inkloom Studio"


@pytest.mark.parametrize("path", ["/", "/inside", "/runs", "/train"])
def test_a_run_whose_name_is_html_is_named_and_nothing_else(visit, path):
    page = visit(f"{path}?run={quote(HOSTILE)}")
    if path == "/inside":
        page.wait_for_selector("[role=tab]")
    if path in ("/", "/runs"):
        expect(page.locator("#content")).to_contain_text(HOSTILE)
    assert page.locator("main img").count() == 0
    assert page.title() != "run"


def test_text_that_is_html_is_read_token_by_token(visit):
    page = visit("/inside?run=ngram")
    page.wait_for_selector("[role=tab]")
    page.get_by_label("Text", exact=True).fill("<b>bold</b>")
    page.get_by_role("button", name="Read this text").click()
    expect(page.locator(".view .token")).to_have_count(len("<b>bold</b>"))
    for view in ("Next token", "Evidence", "Copies"):
        page.get_by_role("tab", name=view).click()
        expect(page.get_by_role("tab", name=view)).to_have_attribute("aria-selected", "true")
        expect(page.locator("#content [role=status]").first).to_have_text("")
    assert page.locator(".view b", has_text="bold").count() == 0


@pytest.fixture
def elsewhere(tmp_path):
    """A page of another server on this machine."""
    (tmp_path / "index.html").write_text("<!doctype html><title>elsewhere</title>")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{other.server_port}"
        other.shutdown()


def test_another_page_can_neither_send_a_text_nor_frame_the_studio_nor_connect(browser, server, elsewhere, workshop):
    page = browser.new_page()
    page.goto(elsewhere)
    texts = sorted((workshop / "texts").glob("*")) if (workshop / "texts").is_dir() else []
    page.evaluate(
        """(server) => fetch(`${server}/studio/texts?name=evil.txt`,
            { method: "POST", mode: "no-cors", body: "evil ".repeat(100) }).catch(() => null)""",
        server,
    )
    assert (sorted((workshop / "texts").glob("*")) if (workshop / "texts").is_dir() else []) == texts
    opened = page.evaluate(
        """(server) => new Promise((resolve) => {
            const path = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket";
            const socket = new WebSocket(server.replace("http", "ws") + path);
            socket.onopen = () => resolve(true);
            socket.onerror = () => resolve(false);
        })""",
        server,
    )
    assert opened is False
    framed = page.evaluate(
        """(server) => new Promise((resolve) => {
            const frame = document.createElement("iframe");
            frame.onload = () => resolve(frame.contentWindow.length);
            frame.src = server + "/train";
            document.body.append(frame);
        })""",
        server,
    )
    assert framed == 0
    assert page.frames[-1].url.startswith("chrome-error:")
    page.close()


@pytest.mark.parametrize(
    "path",
    [
        "/studio/reports/..%2F..%2Fsecret",
        "/studio/reports/%2Fetc",
        "/studio/reports/....",
        "/studio/reports/texts",
        "/studio/../runs/lstm/config.json",
        "/studio/config.json",
        "/runs/lstm/config.json",
    ],
)
def test_no_address_leads_out_of_the_runs(browser, server, path):
    context = browser.new_context(base_url=server)
    answer = context.request.get(path)
    assert answer.status == 404
    assert "sources" not in answer.text()
    context.close()
