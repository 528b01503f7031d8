"""Light or dark."""

from nicegui import ui


class ThemeChoice(ui.element, component="theme_choice.js"):
    """The browser's own choice, kept there; as the system where none was made."""
