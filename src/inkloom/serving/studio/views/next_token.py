"""Next token: the distribution that a token is drawn from, and what the settings make of it."""

import random

from inkloom.errors import InputError
from inkloom.explain import NextToken, next_token
from inkloom.pages.page import percent
from inkloom.serving.studio.controls import SHAPING, controls
from inkloom.serving.studio.shades import context, of_next
from inkloom.serving.studio.views.stage import Stage
from inkloom.serving.studio.widgets import Bars, Button, Html, note
from inkloom.serving.studio.wording import without_paths

SHOWN = 20


async def next_token_view(stage: Stage) -> None:
    """Bars that follow the controls at once."""
    view = NextTokenView(stage)
    await view.go_to(len(stage.ids) if stage.place is None else stage.place)


class NextTokenView:
    """The view's elements, and the prediction that they show."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.at = len(stage.ids)
        self.found: NextToken | None = None
        with Html("div", classes="with-aside"):
            with Html("div", classes="stack"):
                with Html("div", classes="row"):
                    self.back = Button("←", self._step_back, "small", aria_label="One token back")
                    self.onward = Button("→", self._step_on, "small", aria_label="One token on")
                    self.where = Html("p", classes="written", aria_live="polite")
                self.bars = Bars("The likeliest tokens", self._put)
                self.rest = Html("p", "", "quiet", role="status")
                with Html("div", classes="row"):
                    Button("Draw one", self._draw, "primary")
                    Html("span", "or click a bar to write that token yourself.", "quiet")
                note(
                    "After every token the model gives each token of its vocabulary a probability: the black mark. The "
                    "bar is what is left of it under your settings; from these bars the next token is drawn.",
                    "Temperature flattens or sharpens them. Top-k keeps the K longest; top-p the longest that together "
                    "reach that share; min-p those not too small beside the longest. What is dropped is never drawn.",
                )
            with Html("aside", aria_label="Settings"):
                Html("h2", "Settings")
                controls(SHAPING, stage.session.settings, self._show)

    async def go_to(self, at: int) -> None:
        """Show the prediction after `at` tokens."""
        self.at = at
        ids = self.stage.ids[:at]
        self.found = await self.stage.ask(lambda model, tokenizer: next_token(model, tokenizer, ids, top=SHOWN))
        self.where.text = f"{context(self.stage.tokens.texts, at, 60)}▏"
        self.back.enable(at > 0)
        self.onward.enable(at < len(self.stage.ids))
        self._show()

    def _show(self) -> None:
        found = self._under_settings()
        if found is None:
            return
        bars = of_next(found)
        self.bars.show(bars)
        beyond = max(0.0, 1 - sum(bar.drawn for bar in bars))
        self.rest.text = (
            f"{found.kept:,} of {len(found.ids_V):,} tokens may be drawn. "
            f"Those not shown have {percent(beyond)} together."
        )

    def _under_settings(self) -> NextToken | None:
        """The prediction as the controls have it; None where they say something that is not accepted."""
        if self.found is None:
            return None
        try:
            return self.found.under(self.stage.session.generation_config(num_samples=1))
        except InputError as error:
            self.rest.text = without_paths(str(error))
            return None

    async def _put(self, choice: int) -> None:
        if self.found is not None:
            await self.stage.put(self.at, int(self.found.ids_V[choice]))

    async def _draw(self) -> None:
        found = self._under_settings()
        if found is not None:
            (token,) = random.choices(found.ids_V.tolist(), weights=found.drawn_V.tolist())
            await self.stage.put(self.at, token)

    async def _step_back(self) -> None:
        await self.go_to(self.at - 1)

    async def _step_on(self) -> None:
        await self.go_to(self.at + 1)
