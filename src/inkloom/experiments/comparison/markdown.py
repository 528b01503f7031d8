"""A comparison as Markdown, for papers and issue trackers: tables, figures beside it, samples."""

import re
from collections.abc import Iterator, Mapping, Sequence

from inkloom.experiments.comparison import tables, wording
from inkloom.experiments.comparison.figures import Figure
from inkloom.experiments.comparison.results import Comparison
from inkloom.experiments.comparison.tables import Sheet
from inkloom.experiments.writing import Writings


def as_markdown(comparison: Comparison, figures: Sequence[Mapping[str, Figure]], writings: Writings) -> str:
    """The whole report. `figures` are those of each table, in their order; they lie in `figures/`."""
    return "\n\n".join(_blocks(comparison, figures, writings)) + "\n"


def _blocks(comparison: Comparison, figures: Sequence[Mapping[str, Figure]], writings: Writings) -> Iterator[str]:
    yield f"# {_escaped(wording.listed(comparison.request.contestants))} on {_escaped(comparison.corpus)}"
    for table, of_table in zip(comparison.tables, figures, strict=True):
        yield f"## The league at {wording.held_equal(comparison, table)}"
        yield _escaped(wording.verdict(comparison, table))
        yield _sheet(tables.league(comparison, table))
        yield from (_picture(of_table[name]) for name in ("intervals", "by_time", "by_tokens"))
    yield from map(_escaped, wording.reading(comparison))
    if comparison.is_sweep:
        yield "## Sequence length"
        for table, of_table in zip(comparison.tables, figures, strict=True):
            yield _sheet(tables.sweep(comparison, table))
            yield _picture(of_table["sweep"])
        yield wording.SWEEP_NOTE
    yield "## What they write"
    yield wording.samples_note(writings)
    for setting, of_setting in writings.by_setting.items():
        for written in of_setting:
            yield f"### {setting}: {_escaped(written.name)}"
            yield _fenced(writings.prompts[0] + written.texts[0])
    yield "## What they write, measured"
    yield _sheet(tables.texts(comparison, writings))
    yield from wording.text_notes(writings)
    yield "## How it was measured"
    yield from map(_escaped, wording.method(comparison))


def _sheet(sheet: Sheet) -> str:
    lines = [[sheet.corner, *sheet.columns], ["---", *["---:"] * len(sheet.columns)]]
    for row in sheet.rows:
        links = [" ".join(f"[{_escaped(text)}]({address})" for text, address in row.links)] if row.links else []
        lines.append([_escaped(row.name), *map(_escaped, row.cells), *links])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _picture(figure: Figure) -> str:
    return f"![{_escaped(figure.description)}](figures/{figure.name}.png)"


def _fenced(text: str) -> str:
    """Text as it is, in a fence longer than any row of backticks in it."""
    longest = max((len(found) for found in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _escaped(text: str) -> str:
    """What Markdown or HTML would take as theirs, as itself."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", " ".join(text.split()))
