"""A labelled control: one of HTML's own, so that keyboards, phones and screen readers know it."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from nicegui import ui
from nicegui.events import GenericEventArguments

Kind: TypeAlias = Literal["range", "number", "text", "textarea", "select", "checkbox"]

THROTTLE = 0.05
"""Seconds between two values of a slider that is being moved."""


class Field(ui.element, component="field.js"):
    """A control with its label, and a hint below it.

    options: of a select, the texts by their values. named: texts that stand for values of a range, such as `all` for 0.
    attributes: of the control itself, such as min, max, step, rows, placeholder, maxlength.
    on_change: gets the new value; of a number that was left empty, None.
    """

    def __init__(
        self,
        kind: Kind,
        label: str,
        value: Any = "",
        on_change: Callable[[Any], Any] | None = None,
        *,
        hint: str = "",
        options: Mapping[str, str] | None = None,
        named: Mapping[str, str] | None = None,
        **attributes: Any,
    ) -> None:
        super().__init__()
        self.value = value
        self._on_change = on_change
        self.props.update(
            kind=kind,
            label=label,
            value=value,
            hint=hint,
            options=list((options or {}).items()),
            named=dict(named or {}),
            control=attributes,
            revision=0,
            enabled=True,
        )
        self.on("change", self._take, throttle=THROTTLE if kind == "range" else 0.0)

    def set(self, value: Any) -> None:
        """Show another value; `on_change` is not told."""
        self.value = value
        self.props["value"] = value
        self.props["revision"] += 1

    def offer(self, options: Mapping[str, str]) -> None:
        """Replace the options of a select."""
        self.props["options"] = list(options.items())

    def enable(self, enabled: bool) -> None:
        """Whether the value can be changed."""
        self.props["enabled"] = enabled

    def complain(self, complaint: str) -> None:
        """Say what is wrong with the value; an empty text says that it is right again."""
        self.props["complaint"] = complaint

    def _take(self, event: GenericEventArguments) -> Any:
        self.value = event.args
        return None if self._on_change is None else self._on_change(event.args)
