"""Surprise: how much each token cost the model, what it had expected, and what would have come of that."""

import numpy as np

from inkloom.explain import Surprisal, surprisal
from inkloom.pages.page import decimal, percent
from inkloom.serving.studio.shades import context, of_surprisal
from inkloom.serving.studio.views.stage import Stage
from inkloom.serving.studio.widgets import Bar, Bars, Button, Html, TokenText, note
from inkloom.serving.studio.wording import readable


async def surprise_view(stage: Stage) -> None:
    """The text coloured by surprisal; a token that is picked shows its alternatives, from which to branch."""
    found = await stage.ask(lambda model, tokenizer: surprisal(model, tokenizer, stage.ids))
    SurpriseView(stage, found)


class SurpriseView:
    """The view's elements."""

    def __init__(self, stage: Stage, found: Surprisal) -> None:
        self.stage = stage
        self.found = found
        with Html("div", classes="with-aside wide-aside"):
            with Html("div", classes="stack"):
                _summary(found)
                self.text = TokenText("The text, coloured by surprise", self._pick)
                self.text.show(of_surprisal(found), stage.place)
                _scale()
                note(
                    "Each token is coloured by its surprise: -log2 of the probability that the model gave it, given "
                    "all that stands before. 1 bit is a coin toss, 8 bits one in 256.",
                    "The mean over a text that the model has never seen is its score, bits per character. Beginnings "
                    "of words surprise most; their ends hardly do.",
                    "Point at a token to see what was expected. Click it, choose another one, and the model writes on "
                    "from there: the text branches, and every version is kept.",
                )
            with Html("aside", classes="stack", aria_label="The chosen token"):
                self.panel = Html("section", classes="sheet stack", aria_live="polite")
        self._show_place(stage.place)

    def _pick(self, place: int) -> None:
        self.stage.session.place = place
        self._show_place(place)

    def _show_place(self, place: int | None) -> None:
        self.panel.clear()
        with self.panel:
            if place is None:
                Html("h2", "Choose a token")
                Html("p", "Click one in the text, or reach it with Tab and the arrow keys and press Enter.", "quiet")
            else:
                self._alternatives(place)

    def _alternatives(self, place: int) -> None:
        found = self.found
        came = found.tokens.texts[place]
        Html("h2", f"After “{context(found.tokens.texts, place)}”")
        Html(
            "p",
            f"came “{readable(came)}”, which had {percent(float(np.exp(-found.nats_T[place])))}: "
            f"{found.bits_T[place]:.1f} bits. The model expected to pay {found.entropies_T[place] / np.log(2):.1f}.",
        )
        Html("h3", "Write on with another token")
        probs = found.top_probs_TK[place].tolist()
        bars = Bars("Alternatives", lambda choice: self._branch(place, choice))
        bars.show([Bar(text, prob, prob) for text, prob in zip(found.top_texts[place], probs, strict=True)])
        Button("Write on from here", lambda: self.stage.write_on(place, None))

    async def _branch(self, place: int, choice: int) -> None:
        await self.stage.write_on(place, int(self.found.top_ids_TK[place, choice]))


def _summary(found: Surprisal) -> None:
    bits_T = found.bits_T
    facts = {
        "Tokens": f"{len(bits_T):,}",
        "Mean surprise": f"{decimal(float(bits_T.mean()), 2)} bits",
        "Perplexity": decimal(float(np.exp(found.nats_T.mean())), 2),
        "Likeliest token came": percent(float((found.ranks_T == 1).mean())),
    }
    with Html("dl", classes="facts"):
        for name, value in facts.items():
            with Html("div"):
                Html("dt", name)
                Html("dd", value)


def _scale() -> None:
    with Html("p", classes="scale"):
        Html("span", "expected, 0 bits")
        Html("i", aria_hidden="true")
        Html("span", "surprising, 8 bits and more")
