"""From what the user named to a corpus: find, read, decode, cut into documents."""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from inkloom.config import build
from inkloom.corpus.base import Corpus, CorpusConfig, Part, fingerprint
from inkloom.corpus.documents import Kind
from inkloom.corpus.index import is_large, open_indexed
from inkloom.corpus.readers import READERS
from inkloom.corpus.reading import NamedTexts, Origin, Reader
from inkloom.corpus.sources import STDIN, Source, bring, locate
from inkloom.errors import InputError

log = logging.getLogger("inkloom")

WHOLE = "all"
"""The name of the one part of a corpus that does not come cut."""


def load_corpus(
    *sources: str | os.PathLike[str],
    encoding: str | None = None,
    documents: Kind | None = None,
    text_column: str | None = None,
    corpus_dir: str | os.PathLike[str] | None = None,
    reader: str = "text",
    label_column: str | None = None,
    source_name: str | None = None,
    target_name: str | None = None,
    lowercase: bool = False,
) -> Corpus:
    """Read a text: named corpora, files, folders, or "-" for standard input.

    sources: one or more; the first names the corpus. A path wins over a named corpus where it exists.
    encoding: of the files; found from the bytes where none is given.
    documents: what a document is: "files", "lines", or a row of "jsonl", "csv" or "tsv". Where none is given, a single
        file is one running text, several files are documents, and .jsonl, .csv and .tsv speak for themselves.
    text_column: the column or key that holds the text of a row; "text" where none is given.
    corpus_dir: a folder that may already hold a named corpus's file (also INKLOOM_CORPUS_DIR).
    reader: what the sources hold, a name of `inkloom.corpus.readers`.
    label_column: the column or key of the labels, for the reader `labelled`; "label" where none is given.
    source_name, target_name: for the reader `pairs`, what the files of sources and targets end in, or their columns.
    lowercase: whether `pairs` are read in small letters.

    Raises InputError, in one line, for what is not there, not readable, not text or empty, and FetchError for a named
    corpus that cannot be fetched. What should be known about how the text was read is logged as a warning.
    """
    if READERS.canonical(reader) != "pairs" and (source_name is not None or target_name is not None or lowercase):
        raise InputError(
            "--source, --target and --lowercase are for pairs of texts, such as --model seq2seq reads. Leave them out."
        )
    fields = {
        "sources": tuple(os.fspath(source) for source in sources),
        "encoding": encoding,
        "documents": documents,
        "text_column": text_column,
        "corpus_dir": None if corpus_dir is None else os.fspath(corpus_dir),
        "reader": READERS.canonical(reader),
        "label_column": label_column,
        "source_name": source_name,
        "target_name": target_name,
        "lowercase": lowercase,
    }
    return open_corpus(build(CorpusConfig, fields, "corpus"))


def open_corpus(config: CorpusConfig) -> Corpus:
    """The corpus that a config describes, as `load_corpus` reads it.

    The corpus's own config finds it again from any folder: its paths are absolute, and standard input is a file.
    """
    corpus = READERS.load(config.reader)(config)
    for notice in corpus.notices:
        log.warning("%s", notice)
    return corpus


def read_corpus(config: CorpusConfig) -> Corpus:
    """A corpus of texts, without announcing what is in its `notices`."""
    if not any(config.sources):
        raise InputError(
            "No text given. Name a file, a folder, a named corpus such as shakespeare, or - for standard input."
        )
    if config.sources.count(STDIN) > 1:
        raise InputError("Standard input (-) is named twice; it can be read once.")
    corpus_dir = corpus_folder(config.corpus_dir)
    sources = [locate(source, config.encoding, config.documents) for source in config.sources]
    _refuse_repeats(sources)
    _check_options(config, sources)
    sources = [bring(source, config, corpus_dir) for source in sources]
    reader = Reader(config)
    origins = _origins(sources, corpus_dir)
    if is_large(chain.from_iterable(origins.values())):
        indexed = open_indexed(origins, reader)
        parts, sha256, notices = indexed.parts, indexed.sha256, indexed.notices
    else:
        read = {name: reader.part(name, of_part) for name, of_part in origins.items()}
        parts = {name: part for name, part in read.items() if part is not None}
        sha256, notices = fingerprint(parts.values()), tuple(reader.notices)
    _refuse_blanks(sources, parts)
    whole = parts.pop(WHOLE, Part(WHOLE, ()))
    found_again = config.replace(
        sources=tuple(source.again for source in sources), corpus_dir=None if corpus_dir is None else str(corpus_dir)
    )
    return Corpus(
        name=sources[0].name,
        config=found_again,
        whole=whole,
        own_splits=parts,
        sha256=sha256,
        notices=(*chain.from_iterable(source.notices for source in sources), *notices),
    )


def _origins(sources: Sequence[Source], corpus_dir: Path | None) -> dict[str, list[Origin]]:
    """Where the text of each part comes from: of the splits that a source comes with, else of the whole."""
    with_splits = [source for source in sources if source.splits]
    if with_splits and len(sources) > 1:
        raise InputError(
            f"{with_splits[0].again} comes with its own splits and cannot be joined with other sources. Give it alone."
        )
    if with_splits:
        return {name: list(files) for name, files in with_splits[0].splits.items()}
    whole: list[Origin] = []
    for source in sources:
        if source.named is not None and source.named.read is not None:
            whole.append(NamedTexts(source.name, source.named.read(corpus_dir)))
        whole += source.files
    return {WHOLE: whole}


def _refuse_blanks(sources: Sequence[Source], parts: Mapping[str, Part]) -> None:
    """Every part holds text."""
    if not any(source.splits for source in sources):
        if WHOLE not in parts:
            raise InputError(f"{sources[0].again} holds nothing but blank files or rows. Give some text.")
        return
    for name, files in sources[0].splits.items():
        if name not in parts:
            raise InputError(f"{files[0].label} holds no text, and the {name} split needs some.")


def corpus_folder(chosen: str | None) -> Path | None:
    """The folder that may hold a named corpus's file: what was chosen, else INKLOOM_CORPUS_DIR, else none.

    Raises InputError where what was chosen is no folder; a left-over variable must not stop those who use no such text.
    """
    folder = chosen or os.environ.get("INKLOOM_CORPUS_DIR")
    if not folder:
        return None
    path = Path(folder).expanduser().resolve()
    if path.is_dir():
        return path
    if chosen:
        raise InputError(
            f"--corpus-dir got {chosen}, which is no folder. Name the folder that holds the corpus's file."
        )
    return None


def _refuse_repeats(sources: Iterable[Source]) -> None:
    """A text that is read twice would stand in train and in held-out parts."""
    seen: set[str] = set()
    for source in sources:
        for text in [str(file.path) for file in source.files] or [source.again]:
            if text in seen:
                raise InputError(f"{text} is named twice. Name every text once.")
            seen.add(text)


def _check_options(config: CorpusConfig, sources: Iterable[Source]) -> None:
    """Refuse options that would do nothing, since the user meant something by them."""
    sources = list(sources)
    files = [file for source in sources for file in chain(source.files, *source.splits.values())]
    if config.encoding and not files:
        raise InputError(
            f"--encoding got {config.encoding!r}, but a named corpus has no files to decode. Leave it out."
        )
    tables = ("jsonl", "csv", "tsv")
    has_columns = any(source.named is not None and source.named.table for source in sources)
    if config.text_column and not (has_columns or any(file.kind(config.documents) in tables for file in files)):
        raise InputError(
            f"--text-column got {config.text_column!r}, but the text is no table. "
            "Give a .jsonl, .csv or .tsv file, or add --documents jsonl, csv or tsv."
        )
    if config.documents in tables and not (has_columns or files):
        raise InputError(
            f"--documents got {config.documents}, but a named corpus is no table. It takes lines or files."
        )
