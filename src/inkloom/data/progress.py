"""How far long work is: a bar with rate and time left in a terminal, nothing elsewhere."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console

Advance: TypeAlias = Callable[[int], None]
"""Hears how much more is done."""


@contextlib.contextmanager
def progress(console: "Console | None", title: str, total: int, unit: str = "bytes") -> Iterator[Advance]:
    """A bar that is gone when the block ends. `unit` is what `total` counts; bytes are shown in MB."""
    if console is None or not console.is_terminal:
        yield lambda done: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TaskProgressColumn(),
        BarColumn(bar_width=None),
        TextColumn("{task.description}", markup=False),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=total)

        def advance(done: int) -> None:
            bar.advance(task, done)
            speed = bar.tasks[0].speed or 0.0
            rate = f"{speed / 1e6:,.1f} MB/s" if unit == "bytes" else f"{speed:,.0f} {unit}/s"
            bar.update(task, description=f"{title}  {rate}")

        yield advance
