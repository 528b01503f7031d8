"""The trainings of this server, and a closer look at one of them while it runs."""

import asyncio
from functools import partial
from typing import Any

from nicegui import ui

from inkloom.errors import InputError
from inkloom.pages.page import decimal, percent
from inkloom.runs.directory import RunDirectory
from inkloom.runs.facts import facts_of
from inkloom.serving.studio.progress import Progress, progress_of
from inkloom.serving.studio.reports import report_address
from inkloom.serving.studio.session import Session
from inkloom.serving.studio.trainings import State, Training
from inkloom.serving.studio.widgets import Button, Html, Link
from inkloom.serving.studio.wording import address, without_paths

SECONDS_BETWEEN_LOOKS = 1.0


class Watch:
    """The list, and the panel of the training that is watched; both are renewed every second."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._listed: list[tuple[str, str]] = []
        with Html("section", classes="stack watch", aria_label="Trainings"):
            self.list = Html("ul", classes="queue", aria_label="Trainings of this server")
            self.panel = Html("div", classes="sheet stack")
            with self.panel:
                self.title = Html("h2")
                self.state = Html("p", "", "quiet", role="status")
                self.share = Html("p", "", "quiet")  # not read out: it changes every second
                self.bar = Html("progress", max=1, aria_label="Share of the training that is done")
                self.facts = Html("dl", classes="facts")
                self.curve = ui.html("", sanitize=False).classes("drawing").props('role="img"')
                self.sample_title = Html("h3", "What it writes by now")
                self.sample = Html("p", "", "written")
                self.complaint = Html("p", "", "complaint", role="alert")
                with Html("div", classes="row"):
                    self.stop_button = Button("Stop and save", self._stop)
                    self.resume_button = Button("Go on", self._resume, "primary")
                    self.links = Html("div", classes="row")
        self._shown: Any = None
        self._linked: tuple[str, bool, bool] | None = None
        ui.timer(SECONDS_BETWEEN_LOOKS, self.look)

    def follow(self, name: str) -> None:
        """Watch this run."""
        self.session.watched = name
        self.complaint.text = ""

    async def look(self) -> None:
        """Show how things stand now."""
        workspace = self.session.workspace
        trainings = list(workspace.trainings)
        self._show_list(trainings)
        training = workspace.trainings.find(self.session.watched)
        directory = training.directory if training else workspace.directories().get(self.session.watched)
        self.panel.set_visibility(directory is not None)
        if directory is not None:
            progress = await asyncio.to_thread(progress_of, directory)
            self._show(directory, training, progress)

    def _show_list(self, trainings: list[Training]) -> None:
        listed = [(training.name, training.state.value) for training in trainings]
        if listed == self._listed:
            return
        self._listed = listed
        self.list.clear()
        with self.list:
            for name, state in listed:
                with Html("li"):
                    Button(name, partial(self.follow, name), "small")
                    Html("span", state, "quiet")

    def _show(self, directory: RunDirectory, training: Training | None, progress: Progress) -> None:
        facts = facts_of(directory) if directory.config_file.exists() else None
        finished = facts is not None and facts.state == "finished"
        state = training.state.value if training else (facts.state if facts else "")
        shown = (directory, state, progress, finished)
        if shown == self._shown:
            return
        self._shown = shown
        running = training is not None and not training.state.over
        self.title.text = directory.path.name
        share = 1.0 if finished else progress.share
        self.state.text = state
        self.share.text = f"{percent(share)} done" if running and share is not None else ""
        if finished and facts is not None and facts.bits_per_char is not None:
            self.state.text = f"finished: {decimal(facts.bits_per_char, 3)} bits per character on unseen text"
        self.bar.attribute("value", share)
        self.bar.set_visibility(running)
        self._show_facts(progress.facts)
        self.curve.content = progress.curve
        self.curve.props["aria-label"] = progress.told
        self.sample.text = progress.sample
        self.sample_title.set_visibility(bool(progress.sample))
        self.sample.set_visibility(bool(progress.sample))
        if training is not None and training.message:
            self.complaint.text = training.message
        self.stop_button.set_visibility(running)
        self.stop_button.enable(training is not None and training.state is not State.STOPPING)
        self.resume_button.set_visibility(not running and not finished and directory.config_file.exists())
        self._show_links(directory)

    def _show_facts(self, facts: dict[str, str]) -> None:
        self.facts.clear()
        with self.facts:
            for name, value in facts.items():
                with Html("div"):
                    Html("dt", name)
                    Html("dd", value)

    def _show_links(self, directory: RunDirectory) -> None:
        """Where the run can be used; made anew only when that changes, since a link may have the focus."""
        name = directory.path.name
        linked = (name, directory.weights_file.exists(), directory.report_file.exists())
        if linked == self._linked:
            return
        self._linked = linked
        self.links.clear()
        with self.links:
            if directory.weights_file.exists():
                Link("Write with it", address("/", name), "button small")
                Link("Look inside", address("/inside", name), "button small")
            if directory.report_file.exists():
                Link(
                    "Report",
                    report_address(directory.path.name),
                    "button small",
                    target="_blank",
                    rel="noopener noreferrer",
                )

    def _stop(self) -> None:
        training = self.session.workspace.trainings.find(self.session.watched)
        if training is not None:
            training.stop()

    def _resume(self) -> None:
        self.complaint.text = ""
        workspace = self.session.workspace
        try:
            workspace.trainings.resume(workspace.directory(self.session.watched))
        except InputError as error:
            self.complaint.text = without_paths(str(error))
