"""What all pages of a server share: its runs, the texts it was given, and its trainings."""

import asyncio
import functools
from pathlib import Path

from inkloom.errors import InputError
from inkloom.evaluation.copying import CopyIndex
from inkloom.models import LANGUAGE_MODELS
from inkloom.runs.directory import RUNS, RunDirectory, list_runs
from inkloom.runs.facts import facts_of
from inkloom.runs.run import Run
from inkloom.serving.engine import Engine, Engines
from inkloom.serving.hosts import is_loopback
from inkloom.serving.studio.texts import TEXTS, TextStore
from inkloom.serving.studio.trainings import Trainings


class Workspace:
    """The server's runs: those that it was started with, and all in the folder of runs."""

    def __init__(self, engines: Engines, runs: Path = RUNS, texts: Path = TEXTS) -> None:
        self.engines = engines
        self.runs = runs
        self.texts = TextStore(texts)
        self.trainings = Trainings(runs)
        self._opening = asyncio.Lock()
        self._indexing = asyncio.Lock()
        self._read = {name: written(engine.run.directory) for name, engine in engines.items()}
        """When the weights that are open were written."""

    @property
    def may_train(self) -> bool:
        """Whether pages may start work: not where anyone in the network could."""
        settings = self.engines.settings
        return is_loopback(settings.host) or settings.api_key is not None

    def directories(self) -> dict[str, RunDirectory]:
        """Every run that is there, by name. A name that is none of these opens nothing, whatever path it spells."""
        found = {run.path.name: run for run in list_runs(self.runs)}
        return found | {name: engine.run.directory for name, engine in self.engines.items()}

    def directory(self, name: str) -> RunDirectory:
        """The run of that name; InputError where there is none."""
        directories = self.directories()
        if name not in directories:
            raise InputError("There is no such run. Choose one from the list.")
        return directories[name]

    def writable(self) -> dict[str, RunDirectory]:
        """The runs that can continue a text: by name, those that the server was started with first."""
        there = {name: run for name, run in self.directories().items() if writes(run)}
        return {name: there[name] for name in sorted(there, key=lambda name: (name not in self.engines, name))}

    async def engine(self, name: str) -> Engine:
        """The run of that name, opened where it was not, and anew where training has gone on since.

        InputError where it cannot be opened.
        """
        directory = self.directory(name)
        async with self._opening:
            stale = self._read.get(name) != written(directory)
            if stale and name in self.engines:
                await asyncio.to_thread(self.engines.close, name)
            if name not in self.engines:
                self._read[name] = written(directory)
                await asyncio.to_thread(lambda: self.engines.open(Run(directory)))
        return self.engines[name]

    async def copy_index(self, name: str) -> CopyIndex:
        """What a run's training text is searched by. InputError where the text is gone or has changed."""
        async with self._indexing:
            return await asyncio.to_thread(_copy_index, self.directory(name))


@functools.lru_cache(maxsize=4)
def _copy_index(directory: RunDirectory) -> CopyIndex:
    return CopyIndex(Run(directory).parts()["train"])


def writes(directory: RunDirectory) -> bool:
    """Whether a run has weights, and is there to continue texts: no translator or classifier, nothing damaged."""
    return directory.weights_file.exists() and facts_of(directory).model in LANGUAGE_MODELS


def written(directory: RunDirectory) -> int | None:
    """When a run's weights were written, in nanoseconds; None where it has none yet."""
    return directory.weights_file.stat().st_mtime_ns if directory.weights_file.exists() else None
