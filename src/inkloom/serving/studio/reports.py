"""A run's report as it is served: the page out of its folder, without the folders that it names."""

from html import escape
from pathlib import Path, PurePath
from urllib.parse import quote

from inkloom.errors import InputError
from inkloom.runs.directory import RunDirectory

REPORTS = "/studio/reports/"


def report_address(run: str) -> str:
    """Where the report of a run is served."""
    return REPORTS + quote(run, safe="")


def read_report(directory: RunDirectory) -> str:
    """The report's page. Absolute paths in it lose their folders; InputError where there is no report."""
    try:
        page = directory.report_file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{directory.path.name} has no report yet. It is written when the training has ended."
        ) from error
    for path in sorted(named_paths(directory), key=len, reverse=True):
        page = page.replace(escape(path), escape(PurePath(path).name))
    return page


def named_paths(directory: RunDirectory) -> set[str]:
    """The absolute paths that a report may name: those in the run's config, and the run's own."""
    config = directory.read_config()
    named = {*config.corpus.sources, config.corpus.corpus_dir, config.init, *config.of, str(directory.path)}
    return {path for path in named if path and Path(path).is_absolute()}
