"""Write: a prompt, the controls, and several models side by side that go on with it."""

import asyncio
from collections.abc import Sequence

from nicegui import background_tasks, ui

from inkloom.errors import InkloomError
from inkloom.runs.facts import facts_of
from inkloom.serving.studio.completion import complete
from inkloom.serving.studio.controls import CONTROLS, controls
from inkloom.serving.studio.pages.sample_card import SampleCard
from inkloom.serving.studio.session import Session
from inkloom.serving.studio.widgets import Button, Field, Html, Link, PromptBox, note
from inkloom.serving.studio.wording import in_short, without_paths
from inkloom.serving.studio.writing import Writing

TYPING_PAUSE = 0.2
"""Seconds without a keystroke after which the prompt is completed."""

MOST_WRITERS = 4


def playground_page(session: Session, run: str) -> None:
    """The playground; where the address names a run, that one writes."""
    runs = list(session.workspace.writable())
    if run in runs:
        session.writers = [run]
    session.writers = [name for name in session.writers if name in runs] or runs[:1]
    Html("h1", "Write")
    if runs:
        Html("p", "Begin a text, and a model of yours goes on with it, token by token.", "lead")
        Playground(session, runs)
    else:
        Html(
            "p",
            "There is no trained model yet. Train one on a text of yours; a minute is enough to begin with.",
            "lead",
        )
        Link("Train a model", "/train", "button primary")


class Playground:
    """The view's elements, and the samples that are being written."""

    def __init__(self, session: Session, runs: Sequence[str]) -> None:
        self.session = session
        self.writing = Writing()
        self._completing: asyncio.Task[None] | None = None
        with Html("div", classes="with-aside"):
            with Html("div", classes="stack"):
                self.prompt = PromptBox(
                    "How the text begins",
                    session.prompt,
                    self._typed,
                    self.write,
                    placeholder="Once upon a time",
                    hint="Ctrl + Enter writes.",
                )
                self._writer_boxes(runs)
                with Html("div", classes="row"):
                    self.write_button = Button("Write", self.write, "primary")
                    self.stop_button = Button("Stop", self.writing.stop)
                    self.stop_button.enable(False)
                    self.status = Html("p", "", "quiet", role="status")
                self.complaint = Html("p", "", "complaint", role="alert")
                self.cards = Html("section", classes="samples", aria_label="What the models wrote")
            with Html("aside", aria_label="How tokens are chosen"):
                Html("h2", "How tokens are chosen")
                controls(tuple(CONTROLS), session.settings, lambda: None)
                Field("checkbox", "Complete while I type", session.suggests, self._suggest)
                _explain()
        ui.context.client.on_delete(self.writing.stop)

    async def write(self) -> None:
        """Let every chosen model go on with the prompt, all at once."""
        self.writing.stop()
        self.cards.clear()
        self.complaint.text = "" if self.session.writers else "Choose at least one model."
        self._show_busy(len(self.session.writers))
        await asyncio.gather(*[self._write_with(name) for name in self.session.writers])
        self._show_busy(0)

    async def _write_with(self, name: str) -> None:
        try:
            config = self.session.generation_config()
            engine = await self.session.workspace.engine(name)
            prompt = self.session.prompt_ids(engine)
            with self.cards:
                cards = [self._card(name, number, config.num_samples) for number in range(config.num_samples)]
            await self.writing.write(engine, prompt, config, [card.take for card in cards])
            for card in cards:
                card.end()
        except InkloomError as error:
            complaints = [self.complaint.text, without_paths(f"{name}: {error}")]
            self.complaint.text = "\n".join(filter(None, complaints))

    def _card(self, name: str, number: int, count: int) -> SampleCard:
        title = name if count == 1 else f"{name}, {number + 1} of {count}"
        return SampleCard(title, self.session.prompt, lambda card: self._look_inside(name, card))

    def _look_inside(self, name: str, card: SampleCard) -> None:
        engine = self.session.workspace.engines[name]
        prompt = engine.tokenizer.encode_prompt(self.session.prompt)
        end = (engine.tokenizer.end_id,)
        self.session.read(name, tuple(token for token in (*prompt, *card.ids) if token not in end))
        ui.navigate.to("/inside")

    def _writer_boxes(self, runs: Sequence[str]) -> None:
        with Html("fieldset", classes="choices"):
            Html("legend", f"Who goes on with it (up to {MOST_WRITERS}, side by side)")
            self.boxes = {name: self._writer_box(name) for name in runs}
        self._limit_writers()

    def _writer_box(self, name: str) -> Field:
        hint = in_short(facts_of(self.session.workspace.directory(name)))
        return Field(
            "checkbox", name, name in self.session.writers, lambda chosen: self._choose(name, chosen), hint=hint
        )

    def _choose(self, name: str, chosen: bool) -> None:
        others = [writer for writer in self.session.writers if writer != name]
        self.session.writers = [*others, name] if chosen else others
        self._limit_writers()

    def _limit_writers(self) -> None:
        full = len(self.session.writers) >= MOST_WRITERS
        for name, box in self.boxes.items():
            box.enable(not full or name in self.session.writers)

    def _show_busy(self, writers: int) -> None:
        self.stop_button.enable(writers > 0)
        self.status.text = f"{writers} {'model is' if writers == 1 else 'models are'} writing …" if writers else ""

    def _typed(self, text: str) -> None:
        self.session.prompt = text
        if self._completing is not None:
            self._completing.cancel()
        if self.session.suggests and text and self.session.writers:
            self._completing = background_tasks.create(self._complete(text, self.session.writers[0]))

    async def _complete(self, text: str, writer: str) -> None:
        await asyncio.sleep(TYPING_PAUSE)
        try:
            engine = await self.session.workspace.engine(writer)
        except InkloomError:  # said when it is to write
            return
        self.prompt.suggest(text, await complete(engine, text))

    def _suggest(self, suggests: bool) -> None:
        self.session.suggests = suggests
        if not suggests:
            self.prompt.suggest("", "")


def _explain() -> None:
    note(
        "A model gives every token a probability to come next. One is drawn, written, and read again with all that "
        "stands before it: so the text grows.",
        "Temperature and filters shape what is drawn from. With a low temperature a model repeats what it is sure of; "
        "with a high one it invents. Look inside shows the bars behind each step.",
        "Two models at the same settings and seed make a fair comparison: neither sees what the other writes.",
        title="What happens here?",
    )
