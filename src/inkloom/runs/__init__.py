"""DISK: the run directory, which holds all that a training leaves, and the runs of a folder."""

from inkloom.runs.directory import RunConfig, RunDirectory, default_out, find_run, list_runs

__all__ = ["RunConfig", "RunDirectory", "default_out", "find_run", "list_runs"]
