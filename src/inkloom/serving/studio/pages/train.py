"""Train: choose a text and a model, start, watch, stop, go on."""

import asyncio
from collections.abc import Callable
from typing import Any

from inkloom.corpus.named import CORPORA
from inkloom.errors import InputError
from inkloom.serving.studio.pages.files import UPLOADS
from inkloom.serving.studio.pages.watch import Watch
from inkloom.serving.studio.session import Session
from inkloom.serving.studio.texts import ENDINGS, MOST_BYTES
from inkloom.serving.studio.trainings import MOST_SEED, Order
from inkloom.serving.studio.widgets import Button, Field, Html, UploadBox, note
from inkloom.serving.studio.wording import FAMILIES, without_paths

TRAINED_HERE = ("lstm", "gru", "rnn", "transformer", "ngram", "mixture")
"""Families that are trained on a text alone; `unmasked` is for the lesson of `inkloom demo mask`."""

BUDGETS = {"60": "1 minute", "300": "5 minutes", "900": "15 minutes", "3600": "1 hour", "14400": "4 hours"}
OTHER = "other"

STORED, NAMED = "stored:", "named:"


def train_page(session: Session, run: str) -> None:
    """The form and the trainings; `run` is watched where the address names one."""
    Html("h1", "Train")
    if not session.workspace.may_train:
        Html(
            "p",
            "This server can be reached from other machines and has no key, so it trains for nobody. Start it with "
            "--api-key, or without --host.",
            "lead",
        )
        return
    Html("p", "Give a text, choose a kind of model and a time. The training runs on this machine alone.", "lead")
    session.watched = run or session.watched
    with Html("div", classes="train"):
        watch = Watch(session)
        TrainForm(session, watch.follow)


class TrainForm:
    """What is to be trained."""

    def __init__(self, session: Session, on_start: Callable[[str], Any]) -> None:
        self.session = session
        self._on_start = on_start
        with Html("section", classes="stack form", aria_label="A new training"):
            Html("h2", "A new training")
            self.text = Field("select", "Text", "", self._propose_name, options=self._texts())
            UploadBox("Give a text of your own", UPLOADS, ENDINGS, MOST_BYTES, self._stored)
            self.pasted = Field("textarea", "Or paste one here", "", rows=3)
            models = {name: FAMILIES[name] for name in TRAINED_HERE}
            self.model = Field("select", "Model", "lstm", self._propose_name, options=models, hint=HINT)
            self.budget = Field("select", "Time", "60", self._choose_budget, options={**BUDGETS, OTHER: "another time"})
            self.seconds = Field("number", "Seconds", 120, min=1, step=1)
            self.seconds.set_visibility(False)
            self.name = Field("text", "Name of the run", "", maxlength=64, spellcheck="false")
            self.seed = Field(
                "number", "Seed", 0, min=0, max=MOST_SEED, step=1, hint="The same seed, the same training."
            )
            self.complaint = Html("p", "", "complaint", role="alert")
            with Html("div", classes="row"):
                Button("Start the training", self._start, "primary")
            _explain()
        self._choose_text(next(iter(self._texts()), ""))

    async def _start(self) -> None:
        self.complaint.text = ""
        try:
            if self.pasted.value.strip():
                await self._keep_pasted()
            order = Order(
                name=str(self.name.value).strip(),
                text=self._chosen_text(),
                model=str(self.model.value),
                seconds=self._chosen_seconds(),
                seed=int(self.seed.value or 0),
            )
            training = self.session.workspace.trainings.start(order)
        except InputError as error:
            self.complaint.text = without_paths(str(error))
            return
        self._on_start(training.name)
        self._propose_name()

    async def _keep_pasted(self) -> None:
        data = str(self.pasted.value).encode()
        stored = await asyncio.to_thread(self.session.workspace.texts.keep, "pasted.txt", data)
        self.pasted.set("")
        self._stored(stored.name)

    def _stored(self, name: str) -> None:
        """Choose a text that has just been given."""
        own_name = self._proposed() != self.name.value
        self.text.offer(self._texts())
        self.text.set(STORED + name)
        if not own_name:
            self._propose_name()

    def _texts(self) -> dict[str, str]:
        stored = {STORED + name: f"{name} (yours)" for name in self.session.workspace.texts.names()}
        named = {NAMED + name: f"{name}: {CORPORA.load(name).title}" for name in CORPORA}
        return stored | named

    def _choose_text(self, value: str) -> None:
        self.text.set(value)
        self._propose_name()

    def _choose_budget(self, value: str) -> None:
        self.seconds.set_visibility(value == OTHER)

    def _propose_name(self, _: Any = None) -> None:
        self.name.set(self._proposed())

    def _proposed(self) -> str:
        """`TEXT-MODEL`, with a number where that is taken."""
        text = str(self.text.value).removeprefix(STORED).removeprefix(NAMED)
        base = f"{text.rsplit('.', 1)[0]}-{self.model.value}"
        taken = {*self.session.workspace.directories(), *(one.name for one in self.session.workspace.trainings)}
        name, number = base, 1
        while name in taken:
            number += 1
            name = f"{base}-{number}"
        return name

    def _chosen_text(self) -> Any:
        value = str(self.text.value)
        if value.startswith(STORED):
            return self.session.workspace.texts.path(value.removeprefix(STORED)).resolve()
        return value.removeprefix(NAMED)

    def _chosen_seconds(self) -> int:
        chosen = self.seconds.value if self.budget.value == OTHER else self.budget.value
        return int(chosen or 0)


HINT = (
    "LSTM is a good first choice. A Transformer wants more time; an n-gram model counts in seconds; a mixture joins an "
    "LSTM and an n-gram model."
)


def _explain() -> None:
    note(
        "The text is cut in three: the model learns from 90 %, and is scored on the rest, which it never sees. So the "
        "score says what it has understood, not what it remembers.",
        "The best weights are kept. A training that is stopped saves itself and can go on later. One training runs "
        "at a time; others wait for their turn.",
        "A good text is plain, in one language and of one kind, with 100,000 characters or more.",
        title="What happens then?",
    )
