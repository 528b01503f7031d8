"""A run in a few facts, for lists of runs."""

from dataclasses import dataclass
from typing import Literal

from inkloom.errors import InputError
from inkloom.runs.directory import RunDirectory


@dataclass(frozen=True)
class RunFacts:
    """What a list says about a run; None where it is not known."""

    name: str
    state: Literal["finished", "not finished", "damaged"]
    model: str | None = None
    text: str | None = None
    """The name of the corpus."""

    parameters: int | None = None
    seconds: float | None = None
    """Of training."""

    bits_per_char: float | None = None
    """None for runs that are there for something else than to continue texts."""

    split: str | None = None
    """What that was measured on."""


def facts_of(run: RunDirectory) -> RunFacts:
    """The facts of a run. One that cannot be read has a name and a state all the same, so that it can be removed."""
    name = run.path.name
    model = text = None
    try:
        config = run.read_config()
        model, text = config.model["name"], config.name
        if not run.finished:
            return RunFacts(name, "not finished", model, text)
        evaluation = run.read_evaluation()
        scores = evaluation.get("test", evaluation["val"])
        return RunFacts(
            name,
            "finished",
            model,
            text,
            parameters=evaluation["parameters"],
            seconds=evaluation["seconds"],
            bits_per_char=scores.get("bits_per_char"),
            split=scores["split"],
        )
    except (InputError, KeyError):
        return RunFacts(name, "damaged", model or "?", text)
