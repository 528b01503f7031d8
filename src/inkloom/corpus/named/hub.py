"""`hf:OWNER/NAME[:CONFIG][@REVISION]`: datasets of the Hugging Face hub, by the library `datasets`, which is an extra.

Rows are streamed into plain files in the cache, so that memory does not grow with the dataset (0.6 GB at 1.2 GB of rows
in Parquet, most of it what the library reads ahead). A dataset without a revision means its newest one; which that was
stands in the run's config, so that the run finds these very rows again, in the cache or on the hub. No code of a
dataset is ever run: from version 4 on the library cannot do it any more.
"""

import hashlib
import importlib.util
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inkloom.corpus.base import CorpusConfig, FetchError
from inkloom.corpus.documents import DEFAULT_COLUMN, Kind
from inkloom.corpus.download import one_at_a_time, progress
from inkloom.corpus.named.base import CorpusFiles, NamedCorpus
from inkloom.corpus.named.cached import corpora, new_folder, read_record, synced
from inkloom.corpus.sources import HUB_PREFIX as PREFIX
from inkloom.corpus.sources import SPLIT_NAMES
from inkloom.errors import InkloomError, InputError
from inkloom.files import write_text

log = logging.getLogger("inkloom")

NAME = re.compile(r"hf:(?P<repo>\w[\w.-]*/\w[\w.-]*)(:(?P<config>[^@:]+))?(@(?P<revision>[\w./-]+))?")
COMMIT = re.compile(r"[0-9a-f]{40}")
ADDRESS = "hf://datasets/{}"  # the library takes a bare owner/name for a folder where one of that name is at hand
TIMEOUT = 20.0  # seconds for the hub's answer about a dataset
ROWS_AT_ONCE = 256
STRINGS = ("string", "large_string", "string_view")

HELD_OUT_EVERY = 20
"""Where a dataset comes with train and test but no validation split, every 20th row of train is held out for that."""


@dataclass(frozen=True)
class HubDataset:
    """A dataset of the hub, as the user names it. `revision` is a commit, a branch or a tag; None: the newest."""

    repo: str
    config: str | None = None
    revision: str | None = None

    def __str__(self) -> str:
        config = f":{self.config}" if self.config else ""
        return f"{PREFIX}{self.repo}{config}" + (f"@{self.revision}" if self.revision else "")

    @property
    def corpus_name(self) -> str:
        """What the corpus is called: the dataset's name and the config's, without what no folder's name can have."""
        name = self.repo.partition("/")[2] + (f"-{self.config}" if self.config else "")
        return re.sub(r"[^\w.-]+", "-", name)

    @property
    def commit(self) -> str | None:
        """The revision where it is a commit, which never changes."""
        return self.revision if self.revision and COMMIT.fullmatch(self.revision) else None

    def at(self, revision: str) -> "HubDataset":
        """The same dataset at a revision."""
        return HubDataset(self.repo, self.config, revision)

    def files(self, config: CorpusConfig, corpus_dir: Path | None) -> CorpusFiles:
        """The rows as files; streamed from the hub where they are not here.

        A row is a document; `documents` of "files" or "lines" makes all rows of a split one text.
        Raises InputError without the extra, for a dataset, a config or a column that is not there, and FetchError where
        the hub cannot be reached.
        """
        del corpus_dir
        if config.documents in ("csv", "tsv"):
            raise InputError(
                f"--documents got {config.documents}, but {self} is a table of the hub. It takes jsonl (a row is a "
                "document), lines or files."
            )
        reading = _reading(self, config.documents, config.text_column)
        folder = reading.folder(_commit(reading))
        with one_at_a_time(f"hf-{folder.parent.name}"):
            if read_record(folder) is None:
                _stream(reading, folder)
            reading.remember(folder)
        record = read_record(folder) or {}
        parts = {part: (folder / name,) for part, name in record["parts"].items()}
        return CorpusFiles(
            whole=parts.pop("all", ()), splits=parts, again=str(self.at(folder.name)), notices=tuple(record["notices"])
        )


@dataclass(frozen=True)
class _Reading:
    """A dataset and how its rows are to be read. plain: as running text, not as documents. column: the text's."""

    dataset: HubDataset
    plain: bool
    column: str | None

    @property
    def ending(self) -> str:
        return ".txt" if self.plain else ".jsonl"

    @property
    def key(self) -> str:
        """What the column's name is in the JSONL files: what their reader will look for."""
        return self.column or DEFAULT_COLUMN

    def folder(self, commit: str) -> Path:
        """Where the files of a commit lie; readings of other configs, columns and forms have others."""
        what = json.dumps([self.dataset.repo, self.dataset.config, self.plain, self.column])
        name = f"{self.dataset.corpus_name}-{hashlib.sha256(what.encode()).hexdigest()[:12]}"
        return corpora() / "hf" / name / commit

    def here(self) -> Path | None:
        """The folder whose files are here: of the revision, or what that was when the hub was last asked."""
        try:
            commit = self.dataset.commit or self._note.read_text(encoding="utf-8").strip()
        except OSError:
            return None
        return self.folder(commit) if read_record(self.folder(commit)) is not None else None

    def remember(self, folder: Path) -> None:
        """Note which commit the revision was, for when the hub cannot be reached."""
        if self.dataset.commit is None:
            write_text(self._note, folder.name + "\n")

    @property
    def _note(self) -> Path:
        return self.folder(re.sub(r"[^\w.-]+", "-", self.dataset.revision or "newest") + ".txt")


def _reading(dataset: HubDataset, documents: Kind | None, column: str | None) -> _Reading:
    return _Reading(dataset, plain=documents in ("files", "lines"), column=column)


def parse(source: str) -> HubDataset:
    """The dataset that `source` names. Raises InputError where it is no such name."""
    match = NAME.fullmatch(PREFIX + source[len(PREFIX) :])
    if match is None:
        raise InputError(
            f"{source!r} names no dataset of the hub. It takes {PREFIX}OWNER/NAME or {PREFIX}OWNER/NAME:CONFIG, "
            f"such as {PREFIX}Salesforce/wikitext:wikitext-2-v1."
        )
    return HubDataset(match["repo"], match["config"], match["revision"])


def named(source: str, documents: Kind | None = None, text_column: str | None = None) -> NamedCorpus:
    """The named corpus that `source` is. Nothing is fetched yet.

    documents, text_column: as in CorpusConfig; its `find` looks for rows that were read so.
    Raises InputError where it is no such name.
    """
    dataset = parse(source)
    here = _reading(dataset, documents, text_column)
    page = f"https://huggingface.co/datasets/{dataset.repo}"
    return NamedCorpus(
        name=dataset.corpus_name,
        title="a dataset of the Hugging Face hub",
        unit="rows",
        licence="see its page",
        source=page,
        citation=f"see {page}",
        split="its own train, validation and test",
        documents=None,
        characters=None,
        table=True,
        find=lambda corpus_dir: here.here(),
        files=dataset.files,
    )


def _commit(reading: _Reading) -> str:
    """The commit of the dataset's revision. Where the hub cannot be reached, that of the rows that are here."""
    dataset = reading.dataset
    if dataset.commit is not None:
        return dataset.commit
    here = reading.here()
    try:
        return _ask_hub(dataset)
    except FetchError as error:
        if here is None:
            raise
        log.warning("%s The rows that were fetched before are used (revision %s).", error, here.name[:12])
        return here.name


def _ask_hub(dataset: HubDataset) -> str:
    """The commit that the dataset's revision is now."""
    _need_library(dataset)
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    try:
        commit = HfApi().dataset_info(dataset.repo, revision=dataset.revision, timeout=TIMEOUT).sha
    except RevisionNotFoundError as error:
        raise InputError(f"{dataset.repo} on the Hugging Face hub has no revision {dataset.revision!r}.") from error
    except RepositoryNotFoundError as error:
        raise InputError(
            f"The Hugging Face hub has no dataset {dataset.repo} for you. Look for its name on the hub's page; "
            "one that is private or asks for consent needs a login (`hf auth login`)."
        ) from error
    except Exception as error:  # of the library's own, of httpx and of the sockets below it
        raise FetchError(
            f"Cannot ask the Hugging Face hub about {dataset.repo}: {_brief(error)}. Give a file of your own."
        ) from error
    if commit is None:
        raise FetchError(f"The Hugging Face hub does not say which revision of {dataset.repo} it has.")
    return str(commit)


def _need_library(dataset: HubDataset) -> None:
    if importlib.util.find_spec("datasets") is None:
        raise InputError(f"{dataset} needs the library `datasets`. Install it with: pip install 'inkloom[hf]'")


def _stream(reading: _Reading, folder: Path) -> None:
    """Fill the folder with the rows of every split that is used."""
    dataset = reading.dataset.at(folder.name)
    with _errors_of_the_library(dataset):
        splits = _open(dataset)
        chosen, notices = _choose(list(splits), dataset, reading.plain)
        columns = {split: _choose_column(splits[split], reading) for split in chosen}
    files = {part: f"{part}{reading.ending}" for parts in chosen.values() for part in parts}
    record = {"dataset": str(dataset), "parts": files, "notices": notices}
    with new_folder(folder, 0, record, str(dataset)) as new:
        for split, parts in chosen.items():
            _write(splits[split], columns[split], reading, [new / files[part] for part in parts])


@contextmanager
def _errors_of_the_library(dataset: HubDataset) -> Iterator[None]:
    """Whatever the library and those below it (httpx, fsspec, pyarrow) raise, as FetchError."""
    try:
        yield
    except InkloomError:
        raise
    except Exception as error:
        raise FetchError(f"{dataset} cannot be read: {_brief(error)}. Nothing of it is kept.") from error


def _open(dataset: HubDataset) -> Mapping[str, Any]:
    """The dataset's splits, as streams of rows."""
    _need_library(dataset)
    import datasets

    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    address = ADDRESS.format(dataset.repo)
    try:
        splits = datasets.load_dataset(address, dataset.config, revision=dataset.revision, streaming=True)
    except ValueError as error:
        names = datasets.get_dataset_config_names(address, revision=dataset.revision)
        if dataset.config in names or (dataset.config is None and len(names) == 1):
            raise
        got = f"has no config {dataset.config!r}" if dataset.config else "has several configs"
        known = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
        raise InputError(
            f"{dataset.repo} {got}. Name one of: {known}, as {PREFIX}{dataset.repo}:{names[0]}."
        ) from error
    return dict(splits)


def _choose(splits: list[str], dataset: HubDataset, plain: bool) -> tuple[dict[str, list[str]], list[str]]:
    """The splits that are used, each with the parts that its rows become, and what is to be said about that."""
    known = {SPLIT_NAMES[split]: split for split in reversed(splits) if split in SPLIT_NAMES}
    notices = []
    if "train" not in known:
        if len(splits) != 1:
            raise InputError(f"{dataset} has no train split; it has {', '.join(splits)}, which is none to train on.")
        chosen = {splits[0]: ["all"]}
    elif "val" in known:
        chosen = {known[part]: [part] for part in ("train", "val", "test") if part in known}
        notices.append(f"{dataset.repo} keeps its own splits: {', '.join(chosen)}.")
    elif "test" in known and plain:
        raise InputError(
            f"{dataset} has train and test but no validation split. Only where rows are documents can some of train be "
            "held out for that; leave out --documents."
        )
    elif "test" in known:
        chosen = {known["train"]: ["train", "val"], known["test"]: ["test"]}
        notices.append(
            f"{dataset.repo} has train and test but no validation split; every {HELD_OUT_EVERY}th row of train is val."
        )
    else:
        chosen = {known["train"]: ["all"]}
    if others := [split for split in splits if split not in chosen]:
        notices.append(f"{dataset.repo}: left out {', '.join(others)}.")
    return chosen, notices


def _choose_column(rows: Any, reading: _Reading) -> str:
    """The column that holds the text: the user's, else `text`, else the only one of strings."""
    features: Mapping[str, Any] = rows.features or next(iter(rows.take(1)), {})
    strings = [name for name, kind in features.items() if isinstance(kind, str) or _dtype(kind) in STRINGS]
    if reading.key in strings:
        return reading.key
    if reading.column is None and len(strings) == 1:
        return strings[0]
    got = f"no column {reading.key!r} of strings" if strings else "no column of strings"
    listed = ", ".join(f"{name} ({'string' if name in strings else _dtype(kind)})" for name, kind in features.items())
    raise InputError(
        f"{reading.dataset} has {got}; its columns are: {listed}. Name the one that holds the text with --text-column."
    )


def _dtype(kind: Any) -> str:
    """The type of a column, as the library spells it: string, int64, list, …"""
    return str(getattr(kind, "dtype", None) or type(kind).__name__.lower())


def _write(rows: Any, column: str, reading: _Reading, files: Sequence[Path]) -> None:
    """Write the text of every row to the first of `files`; where there are two, every 20th to the second."""
    about = (rows.info.splits or {}).get(str(rows.split))
    total = getattr(about, "num_bytes", None) or None  # not every dataset says, and some say 0
    name = f"{reading.dataset.repo} {rows.split}"
    log.info("Reading %s …", name)
    with ExitStack() as stack:
        outs = [stack.enter_context(synced(file)) for file in files]
        bar = stack.enter_context(progress(name, 0, total))
        for number, text in enumerate(_texts(rows, column, reading.dataset), start=1):
            out = outs[number % HELD_OUT_EVERY == 0 and len(outs) - 1]
            bar.advance(out.write(_row(text, reading)))


def _texts(rows: Any, column: str, dataset: HubDataset) -> Iterator[str]:
    """The text of every row; blank where it has none."""
    with _errors_of_the_library(dataset):
        for batch in rows.select_columns([column]).iter(batch_size=ROWS_AT_ONCE):
            for text in batch[column]:
                yield text or ""


def _row(text: str, reading: _Reading) -> bytes:
    if reading.plain:
        return (text if text.endswith("\n") else text + "\n").encode()
    return (json.dumps({reading.key: text}, ensure_ascii=False) + "\n").encode()


def _brief(error: Exception) -> str:
    """The first line of what a library says, without its full stop."""
    lines = re.sub(r"\[Errno -?\d+\] ", "", str(error)).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")[:300]
