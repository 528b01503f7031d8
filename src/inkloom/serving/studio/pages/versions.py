"""The tree of versions of a text, and the way back to each of them."""

from collections.abc import Callable, Sequence
from typing import Any

from inkloom.serving.studio.branches import Branches, Version
from inkloom.serving.studio.widgets import Button, Html
from inkloom.serving.studio.wording import readable

SHOWN = 28
"""Characters of a version's own text."""


class Versions:
    """A list, indented like a tree; the version that is looked at is marked."""

    def __init__(
        self, branches: Branches, decode: Callable[[Sequence[int]], str], on_choose: Callable[[int], Any]
    ) -> None:
        self._decode = decode
        self._on_choose = on_choose
        with Html("details", classes="versions") as self.box:
            self.title = Html("summary")
            self.list = Html("ol", aria_label="Versions of the text")
        self.box.set_visibility(False)
        del branches

    def show(self, branches: Branches) -> None:
        """Replace the list; one version alone needs none."""
        self.box.set_visibility(len(branches.versions) > 1)
        self.title.text = f"{len(branches.versions)} versions of the text: go back to any of them"
        self.list.clear()
        with self.list:
            for version, depth in branches.tree():
                with Html("li", style=f"--depth: {depth}"):
                    self._entry(version, shown=version.number == branches.shown)

    def _entry(self, version: Version, shown: bool) -> None:
        Button(
            self._told(version),
            lambda: self._on_choose(version.number),
            "small",
            aria_current="true" if shown else None,
        )

    def _told(self, version: Version) -> str:
        own = "".join(map(readable_in_line, self._decode(version.ids[version.kept :])))
        own = own if len(own) <= SHOWN else f"{own[: SHOWN - 1]}…"
        if version.parent is None:
            return f"{version.number}: “{own}”"
        return f"{version.number}: after {version.kept:,} tokens “{own}”"


def readable_in_line(character: str) -> str:
    """A character of a text on one line."""
    return " " if character == " " else readable(character)
