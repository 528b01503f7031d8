"""HTML elements as they are."""

from collections.abc import Callable
from typing import Any

from nicegui.elements.mixins.text_element import TextElement

READABLE = "opacity: 1 !important"
"""Quasar fades what is disabled below 4.5:1, in a layer of styles that only an element's own style precedes."""


class Html(TextElement):
    """An element with a tag, a text, classes and attributes: `Html("p", "Some text", "quiet", role="status")`.

    An underscore in an attribute's name is a dash, one at its end is none: `aria_live`, `for_`.
    """

    def __init__(self, tag: str, text: str = "", classes: str = "", **attributes: Any) -> None:
        super().__init__(tag=tag, text=text)
        self.classes(classes)
        self.props.update({name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()})

    def attribute(self, name: str, value: Any) -> None:
        """Set an attribute; None removes it."""
        if value is None:
            self.props.pop(name, None)
        else:
            self.props[name] = value


class Button(Html):
    """A button that does something on this page."""

    def __init__(
        self, text: str, on_click: Callable[[], Any] | None = None, classes: str = "", **attributes: Any
    ) -> None:
        super().__init__("button", text, classes, type="button", **attributes)
        self.style(READABLE)
        if on_click is not None:
            self.on("click", lambda: on_click(), args=[])

    def enable(self, enabled: bool) -> None:
        """Whether it can be pressed."""
        self.attribute("disabled", None if enabled else True)


class Link(Html):
    """A link to another page of the Studio, or to a file of the server."""

    def __init__(self, text: str, address: str, classes: str = "", **attributes: Any) -> None:
        super().__init__("a", text, classes, href=address, **attributes)


def note(*paragraphs: str, title: str = "What do I see here?") -> None:
    """An explanation that opens when it is asked for."""
    with Html("details", classes="note"):
        Html("summary", title)
        for paragraph in paragraphs:
            Html("p", paragraph)
