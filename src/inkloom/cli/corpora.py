"""`inkloom corpora`: the texts that have a name, and what any text is like."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkloom.cli.options import CorpusDir, Documents, Encoding, Json, TextColumn
from inkloom.cli.terminal import messages, print_json, results

if TYPE_CHECKING:
    from rich.table import Table

    from inkloom.corpus import Corpus, NamedCorpus, Part

app = typer.Typer(no_args_is_help=True)

FIRST_LINES, LINE_WIDTH = 6, 64
LARGE = 100_000_000
"""Bytes of a text whose alphabet and leaks `show` leaves out."""


@app.command("list")
def list_(corpus_dir: CorpusDir = None, json: Json = False) -> None:
    """The named corpora: their size and licence, and which of them are here."""
    from inkloom.corpus import CORPORA

    rows = [_about(CORPORA.load(name), corpus_dir) for name in CORPORA]
    if json:
        print_json({"corpora": rows})
        return
    from rich.table import Table

    table = Table("name", box=None, pad_edge=False, header_style="bold")
    table.add_column("size", justify="right", no_wrap=True)
    for title in ("here", "licence", "text"):
        table.add_column(title)
    for row in rows:
        here = "yes" if row["path"] else "no"
        table.add_row(row["name"], _size(row["bytes"]), here, row["licence"], row["title"])
    _print(table)
    messages().print(
        "\nTrain on one with `inkloom train NAME`; the others are fetched when they are first used.\n"
        "Any text of the Hugging Face hub is hf:OWNER/NAME or hf:OWNER/NAME:CONFIG."
    )


@app.command("show")
def show(
    source: Annotated[
        str, typer.Argument(metavar="CORPUS", help="A name, a file, a folder, hf:OWNER/NAME, or - for standard input.")
    ],
    documents: Documents = None,
    text_column: TextColumn = None,
    encoding: Encoding = None,
    corpus_dir: CorpusDir = None,
    split: Annotated[str, typer.Option(metavar="PERCENTS", help="Train, val and test; or train and val.")] = "90,5,5",
    seed: Annotated[int, typer.Option(min=0, help="Of the draw of documents.")] = 0,
    json: Json = False,
) -> None:
    """What a text is: its size, how it was read, how it is split, where it comes from. Fetches nothing."""
    from inkloom.config import build
    from inkloom.corpus import CorpusConfig
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
    named = _named(source, documents, text_column)
    about = {} if named is None else _about(named, corpus_dir)
    if named is not None and about["path"] is None:
        facts = {**about, "hint": f"It is not here. `inkloom corpora fetch {source}` brings it{_by_download(named)}."}
    else:
        corpus = read_corpus(build(CorpusConfig, fields, "corpus"))  # its notices are part of what is shown
        facts = {**about, **_facts(corpus, split, seed)}
    if json:
        print_json(facts)
    else:
        _print_facts(facts)


@app.command("fetch")
def fetch(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="Names of `corpora list`, or hf:OWNER/NAME.")],
    documents: Documents = None,
    text_column: TextColumn = None,
    corpus_dir: CorpusDir = None,
    json: Json = False,
) -> None:
    """Bring named corpora here, for use without a network."""
    from inkloom.config import build
    from inkloom.corpus import CORPORA, CorpusConfig
    from inkloom.corpus.loading import corpus_folder

    corpora = [
        _named(name, documents, text_column) or CORPORA.load(name) for name in names
    ]  # an unknown name is refused before any fetching
    folder = corpus_folder(corpus_dir)
    fetched = []
    for name, corpus in zip(names, corpora, strict=True):
        fields = {"sources": (name,), "documents": documents, "text_column": text_column}
        if corpus.files is not None:
            corpus.files(build(CorpusConfig, fields, "corpus"), folder)
        elif corpus.read is not None:
            corpus.read(folder)
        if corpus.pictures is not None:
            corpus.pictures()
        about = _about(corpus, corpus_dir)
        fetched.append(about)
        if not json:
            results().print(f"{corpus.name}: {_size(about['bytes'])}, in {about['path']}", markup=False, soft_wrap=True)
    if json:
        print_json({"corpora": fetched})


def _named(source: str, documents: Documents, text_column: TextColumn) -> "NamedCorpus | None":
    """The named corpus that `source` is, unless a file of that name goes before it; None where it is none."""
    from inkloom.corpus import CORPORA
    from inkloom.corpus.sources import HUB_PREFIX

    if Path(source).expanduser().exists():
        return None
    if source.lower().startswith(HUB_PREFIX):
        from inkloom.corpus.named import hub

        return hub.named(source, documents, text_column)
    return CORPORA.load(source) if source in CORPORA else None


def _by_download(named: "NamedCorpus") -> str:
    return f", a download of {_size(named.remote.size)}" if named.remote else ""


def _about(corpus: "NamedCorpus", corpus_dir: str | None) -> dict[str, Any]:
    """What is known of a named corpus without fetching it."""
    from inkloom.corpus.loading import corpus_folder

    folder = corpus_folder(corpus_dir)
    path = corpus.find(folder)
    documents, characters, size = corpus.documents, corpus.characters, corpus.bytes
    if characters is None and path is not None and corpus.read is not None:
        texts = corpus.read(folder)
        documents, characters = len(texts), sum(map(len, texts))
        size = sum(len(text.encode()) for text in texts)
    return {
        "name": corpus.name,
        "title": corpus.title,
        "characters": characters,
        "bytes": size,
        "documents": documents,
        "unit": corpus.unit or None,
        "split_by": corpus.split,
        "licence": corpus.licence,
        "source": corpus.source,
        "citation": corpus.citation,
        "download": None
        if corpus.remote is None
        else {"file": corpus.remote.name, "bytes": corpus.remote.size, "sha256": corpus.remote.sha256},
        "path": None if path is None else str(path),
    }


def _facts(corpus: "Corpus", split: str, seed: int) -> dict[str, Any]:
    """What a text is like. Of a large one only what needs no second reading: it would take minutes."""
    from inkloom.corpus import split_corpus
    from inkloom.corpus.leaks import find_leaks
    from inkloom.errors import InputError

    parts = list(corpus.own_splits.values()) or [corpus.whole]
    size = sum(part.bytes for part in parts)
    facts: dict[str, Any] = {
        "name": corpus.name,
        "sources": list(corpus.config.sources),
        "bytes": size,
        "characters": sum(part.chars for part in parts),
        "distinct_characters": None if size > LARGE else len(_alphabet(parts)),
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
    facts["split"] = {
        name: {"characters": part.chars, "documents": len(part.texts) if part.documents else None}
        for name, part in splits.items()
    }
    if size <= LARGE:
        held_out = [name for name in ("val", "test") if name in splits]
        facts["leaks"] = [find_leaks(splits["train"], splits[name]).as_json() for name in held_out]
    return facts


def _alphabet(parts: Iterable["Part"]) -> set[str]:
    return set().union(*(piece.text for part in parts for piece in part.pieces()))


def _first_lines(part: "Part") -> list[str]:
    """The first lines that are not blank."""
    lines: list[str] = []
    for number in range(min(FIRST_LINES, len(part.texts))):
        lines += [line for line in part.excerpt(number, 0, 10_000).split("\n") if line.strip()]
    return lines[:FIRST_LINES]


def _print_facts(facts: Mapping[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")

    def row(title: str, value: object) -> None:
        if value:
            table.add_row(title, Text(str(value)))

    row("corpus", facts["name"])
    row("text", facts.get("title"))
    row("note", facts.get("hint"))
    row("from", facts.get("path") or facts.get("sources", [""])[0])
    row("size", _how_large(facts))
    row("alphabet", facts.get("distinct_characters") and _count(facts["distinct_characters"], "different characters"))
    unit = facts.get("unit") or "documents"
    if facts["documents"]:
        row("documents", _count(facts["documents"], unit))
    elif "sources" in facts or not facts["unit"]:
        row("documents", "one running text")
    for notice in facts.get("notices", ()):
        row("note", notice)
    row("note", facts.get("split_error"))
    for name, size in (facts.get("split") or {}).items():
        documents = f", {_count(size['documents'], unit)}" if size["documents"] else ""
        row(name, _count(size["characters"], "characters") + documents)
    for leak in facts.get("leaks", ()):
        row("leaks", leak["summary"])
    row("split by", facts.get("split_by"))
    row("licence", facts.get("licence"))
    row("source", facts.get("source"))
    if download := facts.get("download"):
        row("download", f"{download['file']}, {_count(download['bytes'], 'bytes')}, SHA-256 {download['sha256']}")
    row("citation", facts.get("citation"))
    for number, line in enumerate(facts.get("first_lines", ())):
        row("begins" if number == 0 else "", _shown(line))
    _print(table)


def _how_large(facts: Mapping[str, Any]) -> str:
    """Characters and bytes, or about how many bytes, where nothing else is known."""
    if "sources" not in facts and not facts["characters"]:
        return f"about {_size(facts['bytes'])}" if facts["bytes"] else ""
    characters = _count(facts["characters"], "characters")
    return f"{characters}, {_count(facts['bytes'], 'bytes')} as UTF-8" if facts["bytes"] else characters


def _size(number: int | None) -> str:
    """Bytes as people say them; nothing where they are not known."""
    from rich.filesize import decimal

    return "" if number is None else decimal(number)


def _print(table: "Table") -> None:
    console = results()
    console.print(table, width=min(80, console.width))


def _count(number: int, plural: str) -> str:
    return f"{number:,} {plural if number != 1 else plural.removesuffix('s')}"


def _shown(line: str) -> str:
    """A line that fits, without characters that would act on the terminal."""
    printable = "".join(character if character.isprintable() else "·" for character in line)
    return printable if len(printable) <= LINE_WIDTH else printable[: LINE_WIDTH - 1] + "…"
