"""Runs: what has been trained, with its scores and its reports."""

from inkloom.pages.page import decimal
from inkloom.runs.directory import RunDirectory
from inkloom.runs.facts import RunFacts, facts_of
from inkloom.serving.studio.reports import report_address
from inkloom.serving.studio.session import Session
from inkloom.serving.studio.widgets import Html, Link, note
from inkloom.serving.studio.wording import address, family, parameters, trained_for
from inkloom.serving.studio.workspace import writes


def runs_page(session: Session, run: str) -> None:
    """All runs, the best score first; `run` is not asked for here."""
    del run
    Html("h1", "Runs")
    directories = session.workspace.directories()
    if not directories:
        Html("p", "Nothing has been trained yet.", "lead")
        Link("Train a model", "/train", "button primary")
        return
    Html("p", "What has been trained here, the best score on unseen text first.", "lead")
    with Html("ul", classes="runs"):
        for facts, directory in by_score([(facts_of(directory), directory) for directory in directories.values()]):
            with Html("li", classes="sheet stack"):
                _run(facts, directory)
    note(
        "Bits per character says how well a model predicts text that it has not seen: the fewer the better. English "
        "takes about 8 as it is stored, 4.5 if one only knows how frequent letters are, and 2 for a small model that "
        "has read a lot of it.",
        "Scores compare models on the same text alone: compare runs whose text has the same name.",
        title="What do the numbers mean?",
    )


def by_score(runs: list[tuple[RunFacts, RunDirectory]]) -> list[tuple[RunFacts, RunDirectory]]:
    """The best first; those without a score last, by name."""
    return sorted(runs, key=lambda run: (run[0].bits_per_char is None, run[0].bits_per_char or 0.0, run[0].name))


def _run(facts: RunFacts, directory: RunDirectory) -> None:
    with Html("div", classes="row between"):
        Html("h2", facts.name)
        if facts.bits_per_char is not None:
            Html("p", f"{decimal(facts.bits_per_char, 3)} bits per character", "score")
    with Html("dl", classes="facts"):
        shown = {
            "Model": family(facts.model),
            "Text": facts.text or "–",
            "Parameters": parameters(facts),
            "Trained for": trained_for(facts),
            "Scored on": facts.split or "–",
            "State": facts.state,
        }
        for name, value in shown.items():
            with Html("div"):
                Html("dt", name)
                Html("dd", value)
    with Html("div", classes="row"):
        if writes(directory):
            Link("Write", address("/", facts.name), "button small", aria_label=f"Write with {facts.name}")
            Link("Look inside", address("/inside", facts.name), "button small", aria_label=f"Look inside {facts.name}")
        if directory.report_file.exists():
            Link(
                "Report",
                report_address(facts.name),
                "button small",
                target="_blank",
                rel="noopener noreferrer",
                aria_label=f"Report of {facts.name}, in a new tab",
            )
        if facts.state == "not finished":
            Link("Watch or go on", address("/train", facts.name), "button small")
