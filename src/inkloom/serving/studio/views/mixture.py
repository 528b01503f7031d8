"""Mixture: which of several models knew a token, and how much each counts."""

import numpy as np

from inkloom.explain import MixtureWeights, mixture_weights
from inkloom.models.mixture import Mixture
from inkloom.pages.page import percent
from inkloom.serving.studio.shades import TINTS, of_mixture
from inkloom.serving.studio.views.stage import Stage
from inkloom.serving.studio.widgets import Html, TokenText, note
from inkloom.serving.studio.wording import family, readable


async def mixture_view(stage: Stage) -> None:
    """The text in the colours of the parts that knew it; a token that is picked shows what each part said."""
    model = stage.model
    assert isinstance(model, Mixture), "the view is offered for this family alone"
    MixtureView(stage, await stage.ask(lambda _, tokenizer: mixture_weights(model, tokenizer, stage.ids)))


class MixtureView:
    """The view's elements."""

    def __init__(self, stage: Stage, found: MixtureWeights) -> None:
        self.stage = stage
        self.found = found
        with Html("div", classes="with-aside wide-aside"):
            with Html("div", classes="stack"):
                self._legend()
                self.text = TokenText("The text, in the colour of the part that knew each token best", self._pick)
                note(
                    "A mixture asks all its parts and averages their probabilities by weights, which were learned on "
                    "text that no part was trained on.",
                    "Each token has the colour of the part that brought most of its probability. A part that counts "
                    "little can still deserve most of the credit, where it alone was sure.",
                )
            with Html("aside", classes="stack", aria_label="The chosen token"):
                self.panel = Html("section", classes="sheet stack", aria_live="polite")
        place = len(found.tokens) - 1 if stage.place is None else stage.place
        self.text.show(of_mixture(found), place)
        self._show(place)

    def _pick(self, place: int) -> None:
        self.stage.session.place = place
        self._show(place)

    def _legend(self) -> None:
        shares = self.found.responsibilities_TK.mean(axis=0).tolist()
        bits = (self.found.nats_TK.mean(axis=0) / np.log(2)).tolist()
        own = self.found.nats_T.mean() / np.log(2)
        with Html("ul", classes="stack tight"):
            for number, (part, share, cost) in enumerate(zip(self.found.parts, shares, bits, strict=True)):
                said = f"{family(part)}: {percent(share)} of the credit; alone it would pay {cost:.2f} bits a token"
                Html("li", said, "swatch", style=f"--c: var(--{TINTS[number % len(TINTS)]})")
            Html("li", f"Together they pay {own:.2f} bits a token.")

    def _show(self, place: int) -> None:
        found = self.found
        self.panel.clear()
        with self.panel:
            Html("h2", f"Who knew “{readable(found.tokens.texts[place])}”")
            with Html("div", classes="scrolls"), Html("table"):
                with Html("thead"), Html("tr"):
                    for title in ("Part", "Its weight", "It gave", "Its credit"):
                        Html("th", title, "" if title == "Part" else "number", scope="col")
                with Html("tbody"):
                    for part, weight, nats, credit in zip(
                        found.parts,
                        found.weights_TK[place].tolist(),
                        found.nats_TK[place].tolist(),
                        found.responsibilities_TK[place].tolist(),
                        strict=True,
                    ):
                        with Html("tr"):
                            Html("th", family(part), scope="row")
                            for share in (weight, float(np.exp(-nats)), credit):
                                Html("td", percent(share), "number")
