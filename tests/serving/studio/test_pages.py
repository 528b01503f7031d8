"""The pages without a browser, by NiceGUI's own simulation: what they show, and what they do with what is chosen."""

import asyncio
import inspect
import random
import shutil

import httpx
import pytest

from inkloom.serving.engine import Engines
from inkloom.serving.settings import ServerSettings
from inkloom.serving.studio.workspace import Workspace

from .conftest import HOSTILE

testing = pytest.importorskip("nicegui.testing", reason="NiceGUI is not installed; `pip install 'inkloom[studio]'`")

TEXT = "The following"


class Visitor:
    """Somebody on a page: finds controls by their labels, as a person would."""

    def __init__(self, user):
        self.user = user

    async def open(self, path):
        await self.user.open(path)
        return self

    @property
    def elements(self):
        return [element for element in self.user.client.elements.values() if not element.is_deleted]

    def field(self, label):
        (found,) = [element for element in self.elements if element.props.get("label") == label]
        return found

    async def trigger(self, element, event, value):
        """Let an event happen, and wait until what it starts has ended."""
        from nicegui import events, helpers

        for listener in list(element._event_listeners.values()):
            if listener.type != event:
                continue
            arguments = events.GenericEventArguments(sender=element, client=self.user.client, args=value)
            with element.parent_slot:
                takes = helpers.expects_arguments(listener.handler)
                result = listener.handler(arguments) if takes else listener.handler()
                if inspect.isawaitable(result):
                    await result

    async def choose(self, label, value):
        await self.trigger(self.field(label), "change", value)

    async def press(self, text):
        pressed = [e for e in self.elements if e.tag == "button" and e.text == text]
        assert pressed, f"no button {text}"
        await self.trigger(pressed[0], "click", None)

    def said(self):
        return "\n".join(element.text for element in self.elements if getattr(element, "text", None))

    async def sees(self, *texts):
        """Wait until all of these can be read."""
        for _ in range(600):
            if all(text in self.said() for text in texts):
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{texts} not in:\n{self.said()}")

    def of(self, kind):
        return [element for element in self.elements if type(element).__name__ == kind]


@pytest.fixture(autouse=True)
def _short_texts(monkeypatch):
    """Models write a few tokens where nobody says how many."""
    monkeypatch.setattr("inkloom.serving.studio.pages.inside.FIRST_TOKENS", 5)
    monkeypatch.setattr("inkloom.serving.studio.session.START", {"max_tokens": 12})


@pytest.fixture
def workspace(workshop, tmp_path):
    return Workspace(Engines([], ServerSettings()), workshop / "runs", tmp_path / "texts")


def visit(workspace, scenario):
    """Play a scenario on a Studio of its own."""
    from inkloom.serving.studio.pages import build

    async def play():
        app = build(workspace, lambda key: None)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://x") as http,
        ):
            await scenario(Visitor(testing.User(http)))

    try:
        asyncio.run(play())
    finally:
        workspace.engines.close()
        workspace.trainings.close()


def test_the_playground_writes_with_what_is_chosen(workspace):
    async def scenario(visitor):
        await visitor.open("/?run=lstm")
        await visitor.trigger(visitor.of("PromptBox")[0], "change", "The ")
        await visitor.choose("Length in tokens", 12)
        await visitor.choose("Texts of each model", 2)
        await visitor.choose("Seed", 3)
        await visitor.choose("ngram", True)
        await visitor.press("Write")
        await visitor.sees("lstm, 1 of 2", "lstm, 2 of 2", "ngram, 2 of 2", "12 tokens")
        for _ in range(200):
            if visitor.of("PromptBox")[0].props["suggestion"]:
                break
            await asyncio.sleep(0.02)
        assert visitor.of("PromptBox")[0].props["suggested_for"] == "The "
        await visitor.choose("Complete while I type", False)
        assert visitor.of("PromptBox")[0].props["suggestion"] == ""

    visit(workspace, scenario)


def test_the_playground_says_what_is_wrong(workspace):
    async def scenario(visitor):
        await visitor.open("/?run=lstm")
        await visitor.choose("Length in tokens", 0)
        await visitor.press("Write")
        await visitor.sees("sampling.max_tokens got 0")
        await visitor.choose("Length in tokens", None)
        await visitor.choose("lstm", False)
        await visitor.press("Write")
        await visitor.sees("Choose at least one model.")
        await visitor.choose("Length in tokens", 5)
        await visitor.choose("lstm", True)
        await visitor.choose("ngram", True)
        await visitor.trigger(visitor.of("PromptBox")[0], "change", "☃")
        await visitor.press("Write")
        await visitor.sees("lstm: ", "ngram: ")

    visit(workspace, scenario)


def test_only_so_many_write_side_by_side(workspace):
    async def scenario(visitor):
        await visitor.open("/?run=lstm")
        for name in ("ngram", "transformer", "mixture"):
            await visitor.choose(name, True)
        assert not visitor.field(HOSTILE).props["enabled"]
        await visitor.choose("ngram", False)
        assert visitor.field(HOSTILE).props["enabled"]

    visit(workspace, scenario)


def test_without_a_run_each_page_shows_the_way_to_one(tmp_path):
    async def scenario(visitor):
        for path in ("/", "/inside", "/runs"):
            await visitor.open(path)
            await visitor.sees("Train a model")

    visit(Workspace(Engines([], ServerSettings()), tmp_path / "runs", tmp_path / "texts"), scenario)


VIEWS = {
    "lstm": {
        "Surprise": ["Choose a token", "Mean surprise"],
        "Next token": ["tokens may be drawn"],
        "Gates and units": ["Forget gate (f): open"],
        "Copies": ["The longest stretch"],
    },
    "transformer": {
        "Attention": ["tokens away on average", "What “g” looks at"],
        "Layers": ["Layer 2, the model"],
    },
    "ngram": {"Evidence": ["an even guess", "Why “g” had"]},
    "mixture": {"Mixture": ["Who knew “g”", "Together they pay"]},
}


@pytest.mark.parametrize("run", VIEWS)
def test_every_view_of_a_family_opens_on_a_text(workspace, run):
    async def scenario(visitor):
        await visitor.open(f"/inside?run={run}")
        await visitor.sees("Surprise")
        await visitor.choose("Text", TEXT)
        await visitor.press("Read this text")
        for view, said in VIEWS[run].items():
            await visitor.press(view)
            await visitor.sees(*said)

    visit(workspace, scenario)


def test_a_text_branches_and_there_is_a_way_back(workspace):
    async def scenario(visitor):
        await visitor.open("/inside?run=lstm")
        await visitor.sees("Choose a token")
        await visitor.choose("Text", TEXT)
        await visitor.press("Read this text")
        await visitor.trigger(visitor.of("TokenText")[0], "pick", 4)
        await visitor.sees("After “The ”")
        await visitor.trigger(visitor.of("Bars")[0], "pick", 2)
        await visitor.sees("3 versions of the text")
        assert visitor.field("Text").value.startswith("The ")
        await visitor.press("2: “The following”")
        assert visitor.field("Text").value == TEXT

    visit(workspace, scenario)


def test_the_bars_follow_the_settings_and_tokens_are_put(workspace):
    async def scenario(visitor):
        random.seed(1)
        await visitor.open("/inside?run=lstm")
        await visitor.sees("Choose a token")
        await visitor.choose("Text", TEXT)
        await visitor.press("Read this text")
        await visitor.press("Next token")
        await visitor.sees("tokens may be drawn")
        await visitor.choose("Top-k", 2)
        await visitor.sees("2 of ")
        bars = visitor.of("Bars")[0]
        assert [drawn > 0 for _, _, drawn in bars.props["rows"]] == [True] * 2 + [False] * 18
        await visitor.choose("Top-p", 5)
        await visitor.sees("sampling.top_p got 5")
        await visitor.choose("Top-p", 1)
        first = bars.props["rows"][0][0]
        await visitor.trigger(bars, "pick", 0)
        assert visitor.field("Text").value == TEXT + first
        await visitor.press("Draw one")
        assert len(visitor.field("Text").value) == len(TEXT) + 2
        await visitor.press("←")
        await visitor.trigger(visitor.of("Bars")[0], "pick", 1)
        await visitor.press("→")
        await visitor.sees("versions of the text")

    visit(workspace, scenario)


def test_choices_inside_the_views(workspace):
    async def scenario(visitor):
        await visitor.open("/inside?run=transformer")
        await visitor.sees("Choose a token")
        await visitor.choose("Text", TEXT)
        await visitor.press("Read this text")
        await visitor.press("Attention")
        before = visitor.of("HeatMap")[0].props["map"]
        await visitor.choose("Head", "1")
        await visitor.choose("Layer", "1")
        assert visitor.of("HeatMap")[0].props["map"] != before
        await visitor.trigger(visitor.of("HeatMap")[0], "pick", [2, 0])
        await visitor.sees("What “h” looks at")
        await visitor.press("Layers")
        await visitor.trigger(visitor.of("HeatMap")[0], "pick", [0, 3])
        await visitor.sees("After “The” came “⎵”")
        await visitor.choose("Model", "lstm")
        await visitor.press("Gates and units")
        await visitor.choose("Coloured by", "forget")
        await visitor.choose("A telling unit", "1")
        await visitor.choose("Layer", "0")
        await visitor.choose("Unit, 1 to 32", 99)
        assert visitor.field("Unit, 1 to 32").props["complaint"] == "Units go from 1 to 32."
        await visitor.choose("Unit, 1 to 32", 5)
        assert visitor.field("Unit, 1 to 32").props["complaint"] == ""
        for name in ("ngram", "mixture"):
            await visitor.choose("Model", name)
            await visitor.press({"ngram": "Evidence", "mixture": "Mixture"}[name])
            await visitor.trigger(visitor.of("TokenText")[0], "pick", 1)
            await visitor.sees("“h”")

    visit(workspace, scenario)


def test_what_a_model_cannot_read_is_said(workspace):
    async def scenario(visitor):
        await visitor.open("/inside?run=lstm")
        await visitor.sees("Choose a token")
        await visitor.choose("Text", "☃")
        await visitor.press("Read this text")
        await visitor.sees("☃")
        await visitor.choose("Text", "")
        await visitor.press("Read this text")
        await visitor.sees("no text to explain")

    visit(workspace, scenario)


def test_runs_are_listed_the_best_first(workspace):
    async def scenario(visitor):
        await visitor.open("/runs")
        said = visitor.said()
        assert HOSTILE in said
        assert said.index("ngram") < said.index("transformer")
        assert "bits per character" in said

    visit(workspace, scenario)


def test_the_train_page_proposes_names_and_says_what_is_wrong(workspace):
    async def scenario(visitor):
        await visitor.open("/train")
        await visitor.choose("Text", "named:python_docs")
        assert visitor.field("Name of the run").value == "python_docs-lstm"
        await visitor.choose("Model", "ngram")
        assert visitor.field("Name of the run").value == "python_docs-ngram"
        await visitor.choose("Name of the run", "../x")
        await visitor.press("Start the training")
        await visitor.sees("A run cannot be called")
        await visitor.choose("Time", "other")
        await visitor.choose("Seconds", None)
        await visitor.choose("Name of the run", "x")
        await visitor.press("Start the training")
        await visitor.sees("seconds; 0 were asked for")
        await visitor.choose("Or paste one here", "   ")
        await visitor.choose("Name of the run", "lstm")
        await visitor.choose("Seconds", 60)
        await visitor.press("Start the training")
        await visitor.sees("There is a run lstm already")
        await visitor.choose("Or paste one here", "%PDF-1.4")
        await visitor.press("Start the training")
        await visitor.sees("is a PDF")

    visit(workspace, scenario)


def test_a_finished_and_an_interrupted_run_can_be_watched(workspace, workshop, tmp_path):
    runs = tmp_path / "runs"
    shutil.copytree(workshop / "runs" / "lstm", runs / "done")
    shutil.copytree(workshop / "runs" / "lstm", runs / "open")
    (runs / "open" / "evaluation.json").unlink()
    (runs / "open" / "checkpoints" / "last.ckpt").unlink(missing_ok=True)
    workspace.runs = workspace.trainings.runs = runs

    async def scenario(visitor):
        await visitor.open("/train?run=done")
        await visitor.sees("bits per character on unseen text", "Tokens read", "What it writes by now")
        await visitor.open("/train?run=open")
        await visitor.sees("not finished")
        await visitor.press("Go on")
        await visitor.sees("open", "training")
        await visitor.press("Stop and save")
        await visitor.sees("stop")

    visit(workspace, scenario)


def test_where_others_reach_the_server_nobody_trains(workshop, tmp_path):
    workspace = Workspace(Engines([], ServerSettings(host="0.0.0.0")), workshop / "runs", tmp_path / "texts")

    async def scenario(visitor):
        await visitor.open("/train")
        await visitor.sees("it trains for nobody")
        answer = await visitor.user.http_client.post("/studio/texts?name=x.txt", content=b"text " * 100)
        assert answer.status_code == 403

    visit(workspace, scenario)
    assert not (tmp_path / "texts").exists()


def test_files_are_kept_refused_and_reported(workspace, workshop):
    async def scenario(visitor):
        http = visitor.user.http_client
        answer = await http.post("/studio/texts?name=My Text.txt", content=b"Some words to learn from.\n" * 50)
        assert answer.status_code == 200
        assert answer.json()["name"] in workspace.texts.names()
        answer = await http.post("/studio/texts?name=x.exe", content=b"MZ")
        assert (answer.status_code, ".txt" in answer.json()["error"]) == (400, True)
        report = await http.get("/studio/reports/lstm")
        assert report.status_code == 200
        assert report.headers["content-security-policy"].startswith("sandbox;")
        assert str(workshop) not in report.text
        assert (await http.get("/studio/reports/nothing")).status_code == 404
        assert "The server's key" in (await http.get("/studio/key")).text
        assert (await http.post("/studio/key", data={"key": "wrong"})).status_code == 403

    visit(workspace, scenario)
