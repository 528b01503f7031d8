"""`inkloom corpora`: the texts that have a name, and what any text is like."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkloom.cli.options import CorpusDir, Documents, Encoding, Json, TextColumn
from inkloom.cli.terminal import messages, print_json, results

if TYPE_CHECKING:
    from rich.table import Table

    from inkloom.corpus import Corpus, NamedCorpus, Part

app = typer.Typer(no_args_is_help=True)

FIRST_LINES, LINE_WIDTH = 6, 64


@app.command("list")
def list_(corpus_dir: CorpusDir = None, json: Json = False) -> None:
    """The named corpora, and which of them are here."""
    from inkloom.corpus import CORPORA

    rows = [_about(CORPORA.load(name), corpus_dir) for name in CORPORA]
    if json:
        print_json({"corpora": rows})
        return
    from rich.table import Table

    table = Table("name", "text", box=None, pad_edge=False, header_style="bold")
    for title in ("characters", "documents"):
        table.add_column(title, justify="right")
    table.add_column("here")
    for row in rows:
        documents = f"{row['documents']:,} {row['unit']}" if row["unit"] and row["documents"] else ""
        characters = f"{row['characters']:,}" if row["characters"] else ""
        table.add_row(row["name"], row["title"], characters, documents, "yes" if row["path"] else "no")
    _print(table)
    messages().print("\nTrain on one with `inkloom train NAME`; the others are fetched when they are first used.")


@app.command("show")
def show(
    source: Annotated[str, typer.Argument(metavar="CORPUS", help="A name, a file, a folder, or - for standard input.")],
    documents: Documents = None,
    text_column: TextColumn = None,
    encoding: Encoding = None,
    corpus_dir: CorpusDir = None,
    split: Annotated[str, typer.Option(metavar="PERCENTS", help="Train, val and test; or train and val.")] = "90,5,5",
    seed: Annotated[int, typer.Option(min=0, help="Of the draw of documents.")] = 0,
    json: Json = False,
) -> None:
    """What a text is: its size, how it was read, how it is split, where it comes from."""
    from inkloom.config import build
    from inkloom.corpus import CORPORA, CorpusConfig
    from inkloom.corpus.loading import read_corpus
    from inkloom.corpus.splits import parse_split

    fields = {
        "sources": (source,),
        "encoding": encoding,
        "documents": documents,
        "text_column": text_column,
        "corpus_dir": corpus_dir,
    }
    parse_split(split)  # before any reading
    corpus = read_corpus(build(CorpusConfig, fields, "corpus"))  # its notices are part of what is shown
    facts = _facts(corpus, split, seed)
    if (named := corpus.config.sources[0]) in CORPORA:
        facts |= {key: value for key, value in _about(CORPORA.load(named), corpus_dir).items() if key not in facts}
    if json:
        print_json(facts)
    else:
        _print_facts(facts)


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name of `corpora list`.")],
    corpus_dir: CorpusDir = None,
    json: Json = False,
) -> None:
    """Bring a named corpus here, for use without a network."""
    from inkloom.corpus import CORPORA
    from inkloom.corpus.loading import corpus_folder

    corpus = CORPORA.load(name)
    corpus.read(corpus_folder(corpus_dir))
    about = _about(corpus, corpus_dir)
    if json:
        print_json(about)
    else:
        results().print(
            f"{corpus.name}: {about['characters']:,} characters, in {about['path']}", markup=False, soft_wrap=True
        )


def _about(corpus: "NamedCorpus", corpus_dir: str | None) -> dict[str, Any]:
    """What is known of a named corpus without fetching it."""
    from inkloom.corpus.loading import corpus_folder

    folder = corpus_folder(corpus_dir)
    path = corpus.find(folder)
    documents, characters = corpus.documents, corpus.characters
    if characters is None and path is not None:
        texts = corpus.read(folder)
        documents, characters = len(texts), sum(map(len, texts))
    return {
        "name": corpus.name,
        "title": corpus.title,
        "characters": characters,
        "documents": documents,
        "unit": corpus.unit or None,
        "split_by": corpus.split,
        "licence": corpus.licence,
        "source": corpus.source,
        "citation": corpus.citation,
        "path": None if path is None else str(path),
    }


def _facts(corpus: "Corpus", split: str, seed: int) -> dict[str, Any]:
    from inkloom.corpus import split_corpus
    from inkloom.corpus.leaks import find_leaks
    from inkloom.errors import InputError

    parts = list(corpus.own_splits.values()) or [corpus.whole]
    facts: dict[str, Any] = {
        "name": corpus.name,
        "sources": list(corpus.config.sources),
        "bytes": sum(part.bytes for part in parts),
        "characters": sum(part.chars for part in parts),
        "distinct_characters": len(set().union(*(text for part in parts for text in part.texts))),
        "documents": sum(len(part.texts) for part in parts) if parts[0].documents else None,
        "sha256": corpus.sha256,
        "notices": list(corpus.notices),
        "first_lines": _first_lines(parts[0]),
    }
    try:
        splits = split_corpus(corpus, split, seed)
    except InputError as error:
        if corpus.own_splits:
            raise
        # A text too short to split has a size and first lines all the same.
        return facts | {"split": None, "split_error": str(error)}
    return facts | {
        "split": {
            name: {"characters": part.chars, "documents": len(part.texts) if part.documents else None}
            for name, part in splits.items()
        },
        "leaks": [find_leaks(splits["train"], splits[name]).as_json() for name in ("val", "test") if name in splits],
    }


def _first_lines(part: "Part") -> list[str]:
    """The first lines that are not blank."""
    lines: list[str] = []
    for text in part.texts[:FIRST_LINES]:
        lines += [line for line in text[:10_000].split("\n") if line.strip()]
    return lines[:FIRST_LINES]


def _print_facts(facts: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")

    def row(title: str, value: object) -> None:
        if value:
            table.add_row(title, Text(str(value)))

    unit = facts.get("unit") or "documents"
    row("corpus", facts["name"])
    row("text", facts.get("title"))
    row("from", facts.get("path") or facts["sources"][0])
    row("size", f"{_count(facts['characters'], 'characters')}, {_count(facts['bytes'], 'bytes')} as UTF-8")
    row("alphabet", _count(facts["distinct_characters"], "different characters"))
    row("documents", _count(facts["documents"], unit) if facts["documents"] else "one running text")
    for notice in facts["notices"]:
        row("note", notice)
    row("note", facts.get("split_error"))
    for name, size in (facts["split"] or {}).items():
        documents = f", {_count(size['documents'], unit)}" if size["documents"] else ""
        row(name, _count(size["characters"], "characters") + documents)
    for leak in facts.get("leaks", ()):
        row("leaks", leak["summary"])
    row("split by", facts.get("split_by"))
    row("licence", facts.get("licence"))
    row("source", facts.get("source"))
    row("citation", facts.get("citation"))
    for number, line in enumerate(facts["first_lines"]):
        row("begins" if number == 0 else "", _shown(line))
    _print(table)


def _print(table: "Table") -> None:
    console = results()
    console.print(table, width=min(80, console.width))


def _count(number: int, plural: str) -> str:
    return f"{number:,} {plural if number != 1 else plural.removesuffix('s')}"


def _shown(line: str) -> str:
    """A line that fits, without characters that would act on the terminal."""
    printable = "".join(character if character.isprintable() else "·" for character in line)
    return printable if len(printable) <= LINE_WIDTH else printable[: LINE_WIDTH - 1] + "…"
