"""A box to write in, which shows how a model would go on."""

from collections.abc import Callable
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments


class PromptBox(ui.element, component="prompt_box.js"):
    """A text area with a suggestion in grey behind its text, taken with the right arrow key or a button.

    on_change: gets the text whenever it changes. on_submit: is called by Ctrl+Enter.
    """

    def __init__(
        self,
        label: str,
        value: str,
        on_change: Callable[[str], Any],
        on_submit: Callable[[], Any],
        *,
        placeholder: str = "",
        rows: int = 3,
        hint: str = "",
    ) -> None:
        super().__init__()
        self.value = value
        self._on_change = on_change
        self.props.update(label=label, value=value, placeholder=placeholder, rows=rows, hint=hint, revision=0)
        self.props.update(suggestion="", suggested_for="")
        self.on("change", self._take, throttle=0.1)
        self.on("submit", lambda: on_submit(), args=[])

    def set(self, value: str) -> None:
        """Show another text; `on_change` is not told."""
        self.value = value
        self.props["value"] = value
        self.props["revision"] += 1

    def suggest(self, text: str, suggestion: str) -> None:
        """Show how `text` may go on, as long as nothing else stands in the box."""
        self.props["suggested_for"] = text
        self.props["suggestion"] = suggestion

    def _take(self, event: GenericEventArguments) -> Any:
        self.value = event.args
        return self._on_change(event.args)
