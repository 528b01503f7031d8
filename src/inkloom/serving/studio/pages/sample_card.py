"""One text that a model writes, with what can be done with it."""

from collections.abc import Callable, Sequence

from inkloom.generation.rows import Token
from inkloom.pages.page import count
from inkloom.serving.studio.widgets import Button, Html
from inkloom.serving.studio.writing import Pace

ENDS = {"stop": "ended by itself", "length": "length reached"}


class SampleCard:
    """A card that fills as tokens come."""

    def __init__(self, title: str, prompt: str, on_look: Callable[["SampleCard"], None]) -> None:
        self.ids: list[int] = []
        self._text = ""
        self._pace = Pace()
        with Html("article", classes="sample"):
            Html("h3", title)
            with Html("p", classes="written"):
                Html("span", prompt, "prompt")
                self._written = Html("span")
            with Html("div", classes="row"):
                self._state = Html("span", "waiting", "quiet")
                self._look = Button("Look inside", lambda: on_look(self), "small")
                self._look.enable(False)

    def take(self, tokens: Sequence[Token]) -> None:
        """Show what has been written."""
        self.ids += [token.id for token in tokens]
        self._text += "".join(token.text for token in tokens)
        self._pace.count(len(tokens))
        self._written.text = self._text
        self._tell(ENDS.get(tokens[-1].finish_reason or "", "writing"))
        self._look.enable(tokens[-1].finish_reason is not None)

    def end(self) -> None:
        """Nothing more will come."""
        if self._state.text.endswith(("writing", "waiting")):
            self._tell("stopped")
        self._look.enable(bool(self.ids))

    def _tell(self, state: str) -> None:
        pace = self._pace.per_second
        rate = f", {count(pace)} a second" if pace is not None else ""
        self._state.text = f"{count(self._pace.tokens)} tokens{rate}; {state}" if self._pace.tokens else state
