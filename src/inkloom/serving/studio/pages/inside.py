"""Look inside: a model reads a text, and the views show what it makes of it."""

from collections.abc import Sequence
from functools import partial

from nicegui import ui

from inkloom.errors import InkloomError
from inkloom.explain.tokens import tokens_of
from inkloom.generation.rows import Token
from inkloom.runs.facts import facts_of
from inkloom.serving.engine import Engine
from inkloom.serving.studio.pages.versions import Versions
from inkloom.serving.studio.session import Session
from inkloom.serving.studio.views import Stage, offered
from inkloom.serving.studio.widgets import Button, Field, Html, Link
from inkloom.serving.studio.wording import in_short, without_paths
from inkloom.serving.studio.writing import Writing

MOST_TOKENS = 2000
"""Of a text that is read: as many as a page colours without delay."""

FIRST_TOKENS = 200
"""Of the text that a model writes for who has none to read."""

FIRST_TRIES = 5
"""A model of short documents may end its first text before it has begun."""

ARROW_KEYS = """(event) => {
    const step = { ArrowLeft: "previousElementSibling", ArrowRight: "nextElementSibling" }[event.key];
    if (step) event.target[step]?.focus();
}"""
"""Tabs are one stop of the Tab key; the arrow keys go from one to the next, and Enter opens it."""


async def inside_page(session: Session, run: str) -> None:
    """The views of one run; of the one that the address names, else of the one looked at last, else of the first."""
    runs = list(session.workspace.writable())
    Html("h1", "Look inside")
    if not runs:
        Html("p", "There is no trained model yet to look into.", "lead")
        Link("Train a model", "/train", "button primary")
        return
    Html("p", "Let a model read a text, and see what it makes of every token.", "lead")
    chosen = next(name for name in (run, session.run, *session.writers, runs[0]) if name in runs)
    await InsidePage(session, runs).open(chosen)


class InsidePage:
    """The page's elements: the choice of run and text, the tabs, and the view that is open."""

    def __init__(self, session: Session, runs: Sequence[str]) -> None:
        self.session = session
        self.writing = Writing()
        options = {name: f"{name}: {in_short(facts_of(session.workspace.directory(name)))}" for name in runs}
        with Html("div", classes="inside"):
            with Html("section", classes="reader", aria_label="What is read"):
                self.run = Field("select", "Model", runs[0], self.open, options=options)
                self.text = Field("textarea", "Text", "", rows=4)
                with Html("div", classes="row"):
                    Button("Read this text", self._read, "primary")
                    self.stop = Button("Stop writing", self.writing.stop)
                    self.stop.enable(False)
                    self.status = Html("p", "", "quiet", role="status")
                self.complaint = Html("p", "", "complaint", role="alert")
                self.versions = Versions(session.branches, self._label, self._look_at)
            self.tabs = Html("div", classes="tabs", role="tablist", aria_label="Views")
            self.tabs.on("keydown", js_handler=ARROW_KEYS)
            self.panel = Html("section", classes="view", role="tabpanel", id="view", tabindex=-1)
        ui.context.client.on_delete(self.writing.stop)

    async def open(self, name: str) -> None:
        """Go to a run. It reads the text that is there; where there is none, it writes one first."""
        self._say("Loading the model …")
        try:
            self.engine: Engine = await self.session.workspace.engine(name)
            text = self.text.value
            if name == self.session.run and self.session.branches.current:
                self._show_text()
            elif text:
                self.session.read(name, self._ids_of(text))
            else:
                await self._first_text(name)
        except InkloomError as error:
            self._complain(error)
            return
        self.run.set(name)
        await self.refresh()

    async def refresh(self) -> None:
        """Show what the model makes of the text, in the view that is open."""
        self.complaint.text = ""
        self._show_text()
        self.versions.show(self.session.branches)
        views = offered(self.engine.model)
        if self.session.view not in views:
            self.session.view = next(iter(views))
        self._show_tabs()
        self._say("Reading …")
        self.panel.clear()
        try:
            with self.panel:
                await views[self.session.view].show(self._stage())
        except InkloomError as error:
            self._complain(error)
        else:
            self._say("")

    async def _first_text(self, name: str) -> None:
        self._say("The model writes a text to begin with …")
        self.session.read(name, ())
        for _ in range(FIRST_TRIES):
            await self._write(FIRST_TOKENS)
            if self.session.branches.current and self.session.branches.current.ids:
                break

    async def _read(self) -> None:
        self.writing.stop()
        try:
            self.session.read(self.engine.name, self._ids_of(self.text.value))
        except InkloomError as error:
            self._complain(error)
            return
        await self.refresh()

    def _ids_of(self, text: str) -> tuple[int, ...]:
        """The last MOST_TOKENS of a text. InputError names what the vocabulary lacks."""
        return tuple(tokens_of(self.engine.tokenizer, text).ids[-MOST_TOKENS:].tolist())

    def _stage(self) -> Stage:
        current = self.session.branches.current
        return Stage(self.session, self.engine, current.ids if current else (), self._write_on, self._put)

    async def _write_on(self, kept: int, token: int | None) -> None:
        """Branch off, and let the model write."""
        self.writing.stop()
        self.session.branches.branch(kept, token)
        self.session.place = kept if token is not None else None
        await self._write()
        await self.refresh()

    async def _put(self, kept: int, token: int) -> None:
        """Write one token: at the end the text grows, elsewhere it branches."""
        self.writing.stop()
        current = self.session.branches.current
        if current is not None and kept == len(current.ids):
            self.session.branches.grow(current.number, token)
        else:
            self.session.branches.branch(kept, token)
        self.session.place = None
        await self.refresh()

    async def _write(self, max_tokens: int | None = None) -> None:
        """Let the model go on with the version that is looked at; the text on the page grows meanwhile."""
        version = self.session.branches.current
        assert version is not None, "there is a text to go on with"
        changes = {"num_samples": 1} if max_tokens is None else {"num_samples": 1, "max_tokens": max_tokens}
        self.stop.enable(True)
        self._say("Writing …")

        def take(tokens: Sequence[Token]) -> None:
            for token in tokens:
                if token.id != self.engine.tokenizer.end_id:
                    self.session.branches.grow(version.number, token.id)
            self._show_text()

        try:
            prompt = version.ids or self.engine.encode_prompt("")
            await self.writing.write(self.engine, prompt, self.session.generation_config(**changes), [take])
        except InkloomError as error:
            self._complain(error)
        finally:
            self.stop.enable(False)

    async def _look_at(self, number: int) -> None:
        self.writing.stop()
        self.session.branches.look_at(number)
        self.session.place = None
        await self.refresh()

    async def _open_view(self, name: str) -> None:
        self.session.view = name
        await self.refresh()

    def _show_tabs(self) -> None:
        self.tabs.clear()
        with self.tabs:
            for name, view in offered(self.engine.model).items():
                chosen = name == self.session.view
                Button(
                    view.title,
                    partial(self._open_view, name),
                    role="tab",
                    tabindex=0 if chosen else -1,
                    aria_selected="true" if chosen else "false",
                    aria_controls="view",
                )

    def _show_text(self) -> None:
        current = self.session.branches.current
        if current is not None:
            self.text.set(self.engine.tokenizer.decode(current.ids))

    def _label(self, ids: Sequence[int]) -> str:
        return self.engine.tokenizer.decode(ids)

    def _say(self, state: str) -> None:
        self.status.text = state

    def _complain(self, error: InkloomError) -> None:
        self._say("")
        self.complaint.text = without_paths(str(error))
