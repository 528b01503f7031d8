"""Texts in pairs, each a target with its source, such as a sentence and its translation.

Two files with a pair in the same lines; a table with a column of each; or a folder whose files are split already and
end in their language: train.de and train.en, val.de and val.en, and test.de and test.en or test_2016.de and
test_2016.en, packed by gzip or not. Other files of the folder are not read.

Pairs that lack a side are left out, which is announced. The sources are what the parts' `conditions` hold.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from inkloom.corpus.base import Corpus, CorpusConfig, Part, fingerprint
from inkloom.corpus.documents import Column, fields_of, holds_text
from inkloom.corpus.large import LARGEST_IN_MEMORY
from inkloom.corpus.sources import SPLIT_NAMES, TextFile, locate
from inkloom.errors import InputError, unknown_name

WHOLE = "all"
"""The name of the one part of a corpus that does not come cut."""

SOURCE, TARGET = "source", "target"
"""The columns of a table with a header, where none are named."""

_SPLIT_FILE = re.compile(rf"(({'|'.join(SPLIT_NAMES)})(?:[_-][^.]+)?)\.([^.]+)(?:\.gz)?", re.IGNORECASE)
"""The set that a file holds, the split that it belongs to, and its language."""

Pair: TypeAlias = tuple[str, str]
"""A source and its target."""

Origin: TypeAlias = tuple[TextFile, ...]
"""Where the pairs of a part stand: a file of sources and one of targets, or a table of both."""


class _Located(NamedTuple):
    """What the user named, found."""

    name: str
    again: tuple[str, ...]
    """What finds it from any folder."""

    parts: Mapping[str, Origin]
    notices: Sequence[str] = ()


def read_pairs(config: CorpusConfig) -> Corpus:
    """The corpus that a config describes: its parts have a source for every text in `conditions`.

    Raises InputError, in one line, for sources of another kind and for files whose lines do not go in pairs.
    """
    located = _locate(config)
    notices = list(located.notices)
    parts = {name: _part(name, origin, config, notices) for name, origin in located.parts.items()}
    sha256 = fingerprint(parts.values())
    whole = parts.pop(WHOLE, Part(WHOLE, ()))
    return Corpus(
        name=located.name,
        config=config.replace(sources=located.again),
        whole=whole,
        own_splits=parts,
        sha256=sha256,
        notices=tuple(notices),
    )


def _locate(config: CorpusConfig) -> _Located:
    """A folder with splits, two files, or one table."""
    match config.sources:
        case [folder] if Path(folder).expanduser().is_dir():
            return _in_folder(folder, config)
        case [name] | [name, _]:
            sources = [locate(source, config.encoding, config.documents) for source in config.sources]
            for source in sources:
                if len(source.files) != 1:
                    raise InputError(f"{source.name} is no file. Pairs take two files, a table, or a folder with both.")
            files = tuple(source.files[0] for source in sources)
            if len({file.path for file in files}) < len(files):
                raise InputError(f"{name} is named twice. Name a file of sources and a file of targets.")
            return _Located(sources[0].name, tuple(source.again for source in sources), {WHOLE: files})
        case _:
            raise InputError(
                "Pairs take a file of sources and one of targets, such as --source my.de --target my.en, a .tsv file "
                "with both, or a folder with train.de, train.en, val.de, val.en and so on."
            )


def _in_folder(folder: str, config: CorpusConfig) -> _Located:
    """The files of each split in the two languages that the config names, or that there are."""
    absolute = Path(folder).expanduser().resolve()
    sets: dict[str, dict[str, dict[str, Path]]] = defaultdict(lambda: defaultdict(dict))  # by split, set and language
    for entry in sorted(absolute.iterdir()):
        if entry.is_file() and (found := _SPLIT_FILE.fullmatch(entry.name)):
            sets[SPLIT_NAMES[found[2].lower()]][found[1].lower()][found[3].lower()] = entry
    languages = sorted({language for of_split in sets.values() for files in of_split.values() for language in files})
    source, target, notices = _direction(folder, languages, config)
    parts: dict[str, Origin] = {}
    for split in ("train", "val", "test"):
        whole = [name for name, files in sets[split].items() if {source, target} <= files.keys()]
        if not whole:
            if split == "test":
                continue
            raise InputError(
                f"{folder} has no {split}.{source} with a {split}.{target}. Add them, or name two files with --source "
                "and --target."
            )
        chosen, *others = sorted(whole, key=lambda name: (len(name), name))
        if others:
            notices.append(f"{folder}: {split} is {chosen}; {', '.join(others)} left out.")
        parts[split] = tuple(
            TextFile(path, str(Path(folder) / path.name))
            for path in (sets[split][chosen][language] for language in (source, target))
        )
    return _Located(absolute.name, (str(absolute),), parts, notices)


def _direction(folder: str, languages: Sequence[str], config: CorpusConfig) -> tuple[str, str, list[str]]:
    """The endings of the sources and of the targets, and what is to be said about the choice."""
    named = [None if name is None else name.lower() for name in (config.source_name, config.target_name)]
    for option, name in zip(("--source", "--target"), named, strict=True):
        if name is not None and name not in languages:
            raise InputError(f"{option}: {unknown_name(f'language of {folder}', name, languages)}")
    if len(languages) < 2:
        raise InputError(
            f"{folder} has no pairs: it needs train and val in two languages, such as train.de, train.en, val.de and "
            "val.en."
        )
    source, target = named
    if source is None and target is None and len(languages) == 2:
        notice = f"{folder} is read from {languages[0]} to {languages[1]}; --source and --target choose."
        return languages[0], languages[1], [notice]
    if len(languages) == 2:
        source = source or next(language for language in languages if language != target)
        target = target or next(language for language in languages if language != source)
    if source is None or target is None or source == target:
        raise InputError(
            f"{folder} has the languages {', '.join(languages)}. Name two, such as --source {languages[0]} "
            f"--target {languages[1]}."
        )
    return source, target, []


def _part(name: str, origin: Origin, config: CorpusConfig, notices: list[str]) -> Part:
    """The pairs of one part that have both sides; what is to be said about them goes to `notices`."""
    size = sum(file.size for file in origin)
    if size > LARGEST_IN_MEMORY:
        raise InputError(
            f"{origin[0].label} has {size / 1e6:,.0f} MB; pairs are read into memory, up to "
            f"{LARGEST_IN_MEMORY / 1e6:.0f} MB. Give a part of them."
        )
    pairs = list(_pairs(origin, config, notices))
    kept = [(source.strip(), target.strip()) for source, target in pairs if holds_text(source) and holds_text(target)]
    label = " and ".join(file.label for file in origin)
    if not kept:
        raise InputError(f"{label}: no line has a source and a target. Give two files with a pair in the same lines.")
    if left_out := len(pairs) - len(kept):
        notices.append(f"{label}: {left_out:,} of {len(pairs):,} pairs left out, of which a side is empty.")
    sources, targets = zip(*kept, strict=True)
    if config.lowercase:
        sources, targets = tuple(map(str.lower, sources)), tuple(map(str.lower, targets))
    return Part(name, targets, end_chars=1, documents=True, conditions=sources)


def _pairs(origin: Origin, config: CorpusConfig, notices: list[str]) -> Iterator[Pair]:
    """All pairs, those included that lack a side."""
    texts = []
    for file in origin:
        decoded = file.read(config.encoding)
        texts.append(decoded.text)
        if decoded.notice:
            notices.append(decoded.notice)
    if len(origin) == 2:
        yield from _side_by_side(*origin, *map(_lines, texts))
    else:
        (file,), (text,) = origin, texts
        yield from _table(file, text, config)


def _side_by_side(
    source_file: TextFile, target_file: TextFile, sources: Sequence[str], targets: Sequence[str]
) -> Iterator[Pair]:
    if len(sources) != len(targets):
        raise InputError(
            f"{source_file.label} has {len(sources):,} lines and {target_file.label} {len(targets):,}. A source and "
            "its target stand in the same line of both, so there must be as many."
        )
    return zip(sources, targets, strict=True)


def _table(file: TextFile, text: str, config: CorpusConfig) -> Iterator[Pair]:
    """The rows of a table: of the columns that are named, else the first two of a TSV."""
    kind = file.kind(config.documents)
    if kind not in ("jsonl", "csv", "tsv"):
        raise InputError(
            f"{file.label} holds no pairs. Give a .tsv file with a source and a target in each line, or two files with "
            "--source and --target."
        )
    named = config.source_name is not None or config.target_name is not None
    header = text.partition("\n")[0].split("\t")
    if kind == "tsv" and not named and not {SOURCE, TARGET} <= set(header):
        for number, line in enumerate(_lines(text), start=1):
            fields = line.split("\t")
            if len(fields) < 2 and holds_text(line):
                raise InputError(
                    f"{file.label}, line {number:,}: one field. Each line takes a source, a tab, a target."
                )
            yield fields[0], fields[1] if len(fields) > 1 else ""
        return
    columns = (
        Column(config.source_name or SOURCE, "the sources", "--source"),
        Column(config.target_name or TARGET, "the targets", "--target"),
    )
    for row in fields_of(lambda: [text], kind, columns, file.label):
        yield row[0], row[1]


def _lines(text: str) -> list[str]:
    """The lines of a text; the end of its last line opens no further one."""
    return text.removesuffix("\n").split("\n")
