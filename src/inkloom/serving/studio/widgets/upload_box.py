"""A place to drop a text file, or to choose one."""

from collections.abc import Callable, Sequence
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments


class UploadBox(ui.element, component="upload_box.js"):
    """Sends a file to the server; on_stored is told its name there once it is kept."""

    def __init__(
        self, label: str, address: str, endings: Sequence[str], most_bytes: int, on_stored: Callable[[str], Any]
    ) -> None:
        super().__init__()
        self.props.update(label=label, address=address, endings=",".join(endings), most_bytes=most_bytes)
        self.on("stored", lambda event: on_stored(_name(event)))


def _name(event: GenericEventArguments) -> str:
    return str(event.args)
