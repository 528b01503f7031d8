"""What stands around every view: the name, the way to the others, and the choice of light or dark."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from nicegui import ui

from inkloom.serving.studio.pages.inside import inside_page
from inkloom.serving.studio.pages.playground import playground_page
from inkloom.serving.studio.pages.runs import runs_page
from inkloom.serving.studio.pages.train import train_page
from inkloom.serving.studio.session import Session
from inkloom.serving.studio.widgets import Html, Link
from inkloom.serving.studio.widgets.theme_choice import ThemeChoice
from inkloom.serving.studio.workspace import Workspace

STATIC = Path(__file__).parents[1] / "static"
STYLE = (STATIC / "studio.css").read_text(encoding="utf-8")
THEME = (STATIC / "theme.js").read_text(encoding="utf-8")

PAGES: dict[str, tuple[str, Callable[[Session, str], Awaitable[None] | None]]] = {
    "/": ("Write", playground_page),
    "/inside": ("Look inside", inside_page),
    "/runs": ("Runs", runs_page),
    "/train": ("Train", train_page),
}


def frame(workspace: Workspace) -> None:
    """A page for one visitor, with a session of its own."""
    session = Session(workspace)
    ui.add_head_html(f"<style>{STYLE}</style><script>{THEME}</script>")
    _leave_main_to_us()
    Link("Skip to the content", "#content", "skip")
    with Html("header", classes="masthead", role="banner"):
        Link("inkloom", "/", "wordmark", aria_label="inkloom Studio")
        with Html("nav", aria_label="Views"):
            links = {path: Link(title, path) for path, (title, _) in PAGES.items()}
        ThemeChoice()
    with Html("main", id="content", tabindex=-1) as content:
        ui.sub_pages({path: partial(_show, session, links, content, path) for path in PAGES}, show_404=False)


def _show(session: Session, links: dict[str, Link], content: Html, path: str, run: str = "") -> Awaitable[None] | None:
    """One view. `run` is the run that the address names."""
    for other, link in links.items():
        link.attribute("aria-current", "page" if other == path else None)
    title, page = PAGES[path]
    ui.page_title(f"{title} – inkloom Studio")
    content.attribute("aria-label", title)
    return page(session, run)


def _leave_main_to_us() -> None:
    """NiceGUI wraps all of a page in a `<main>`; the masthead is no part of ours."""
    (page,) = ui.context.client.page_container
    page.props["role"] = "presentation"
