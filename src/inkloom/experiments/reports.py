"""The report of a run, whatever its task."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from inkloom.models import FAMILIES
from inkloom.registry import Registry
from inkloom.runs.run import Run

WritesReport: TypeAlias = Callable[[Run], Path]
"""Writes a finished run's report.html, whole or not at all, and returns its path."""

REPORTS: Registry[WritesReport] = Registry(
    "report",
    {
        "text": "inkloom.experiments.report:write_report",
        "captioning": "inkloom.experiments.captioning:write_report",
        "classification": "inkloom.experiments.classification:write_report",
        "gan": "inkloom.experiments.gan:write_report",
        "translation": "inkloom.experiments.translation:write_report",
    },
)


def write_report_of(run: Run) -> Path:
    """Write the report that the run's task has."""
    return REPORTS.load(FAMILIES[run.config.model["name"]].task)(run)
