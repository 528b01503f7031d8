"""What `inkloom generate --copy-check` shows: samples with their copied spans marked, and where train has them."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from inkloom.cli.terminal import results

if TYPE_CHECKING:
    from inkloom.evaluation.copying import CopiedSpan, CopyLevel, CopyReport

MOST_SPANS, SPAN_WIDTH = 5, 60
SHOWN_CHARS, SHOWN_WORDS = (5, 10, 15, 20), (3, 4, 5, 8)


def print_sample(prompt: str, text: str, report: "CopyReport", documents: bool) -> None:
    """A sample behind its prompt, with what it has from train in brackets, and the longest of it with its place."""
    console = results()
    opening, closing = brackets()
    shown = Text(prompt)
    reached = 0
    for start, stop in report.covered:
        shown.append(text[reached:start])
        shown.append(f"{opening}{text[start:stop]}{closing}", style="bold magenta")
        reached = stop
    shown.append(text[reached:])
    console.print(shown, soft_wrap=True)
    console.print()
    for line in _listed(report.spans, documents):
        console.print(Text(line), soft_wrap=True)


def print_levels(levels: "Sequence[CopyLevel]", held_out: "CopyLevel") -> None:
    """How much stands in train of the samples, on average, and of held-out text."""
    from inkloom.evaluation.copying import MIN_COPIED, mean_level

    table = Table("", box=None, pad_edge=False, header_style="bold")
    for title in ("sample" if len(levels) == 1 else f"{len(levels)} samples, mean", "held-out text"):
        table.add_column(title, justify="right")
    both = (mean_level(levels), held_out)
    table.add_row("longest copy, in characters", *(f"{level.longest:.0f}" for level in both))
    table.add_row(f"in copies of {MIN_COPIED} or more", *(_share(level.copied_share) for level in both))
    for length in SHOWN_CHARS:
        table.add_row(f"novel spans of {length} characters", *(_share(level.novel_chars[length]) for level in both))
    for length in SHOWN_WORDS:
        table.add_row(f"novel spans of {length} words", *(_share(level.novel_words[length]) for level in both))
    results().print()
    results().print(table)


def _listed(spans: "Sequence[CopiedSpan]", documents: bool) -> Iterator[str]:
    from inkloom.evaluation.copying import MIN_COPIED

    if not spans:
        yield f"No span of {MIN_COPIED} characters or more stands in the training text."
    for span in spans[:MOST_SPANS]:
        excerpt = " ".join(span.text.split())
        excerpt = excerpt if len(excerpt) <= SPAN_WIDTH else excerpt[: SPAN_WIDTH - 1] + "…"
        place = f"line {span.line:,}, from character {span.offset:,}"
        if documents:
            place = f"document {span.document:,}, {place}"
        times = f"; {span.times:,} times in all" if span.times > 1 else ""
        yield f"{len(span.text):,} characters of the training text: {excerpt!r} ({place}{times})"
    if len(spans) > MOST_SPANS:
        yield f"and {len(spans) - MOST_SPANS:,} shorter."


def brackets() -> tuple[str, str]:
    """Brackets that text seldom has, or plainer ones where the terminal's encoding lacks those."""
    try:
        "⟦⟧".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "[[", "]]"
    return "⟦", "⟧"


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
