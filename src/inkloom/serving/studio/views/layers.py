"""Layers: what a Transformer would predict if it ended after each of its layers."""

from inkloom.explain import Lens, lens
from inkloom.models.transformer import Transformer
from inkloom.pages.page import percent
from inkloom.serving.studio.shades import context, depth_map, depth_names
from inkloom.serving.studio.views.attention import MOST_TOKENS
from inkloom.serving.studio.views.stage import Stage
from inkloom.serving.studio.widgets import HeatMap, Html, note
from inkloom.serving.studio.wording import readable


async def layers_view(stage: Stage) -> None:
    """A map of depths and tokens; a token that is picked shows the favourites of each depth."""
    model = stage.model
    assert isinstance(model, Transformer), "the view is offered for this family alone"
    ids = stage.ids[-min(MOST_TOKENS, model.window - 1) :]
    LayersView(await stage.ask(lambda _, tokenizer: lens(model, tokenizer, ids)))


class LayersView:
    """The view's elements."""

    def __init__(self, found: Lens) -> None:
        self.found = found
        with Html("div", classes="stack"):
            self.map = HeatMap("Probability of each token, by depth", self._pick)
            self.panel = Html("section", classes="sheet stack", aria_live="polite")
            note(
                "Every layer adds to what the layers below found. Here the model's own output head reads the sum after "
                "each layer, as if the model ended there: so one sees where a prediction is made.",
                "It is a lens, not a measurement: a layer may hold what the head cannot read.",
            )
        self.map.show(depth_map(found))
        self._show(len(found.tokens) - 1)

    def _pick(self, row: int, column: int) -> None:
        del row
        self._show(column)

    def _show(self, place: int) -> None:
        found = self.found
        self.panel.clear()
        with self.panel:
            Html("h2", f"After “{context(found.tokens.texts, place)}” came “{readable(found.tokens.texts[place])}”")
            with Html("div", classes="scrolls"), Html("table"):
                with Html("thead"), Html("tr"):
                    for title in ("Depth", "Its favourites", "Rank of what came"):
                        Html("th", title, scope="col")
                with Html("tbody"):
                    for depth, name in enumerate(depth_names(len(found.nats_PT))):
                        favourites = zip(found.top_texts[depth][place], found.top_probs_PTK[depth, place], strict=True)
                        with Html("tr"):
                            Html("th", name, scope="row")
                            Html(
                                "td", ", ".join(f"{readable(text)} {percent(float(prob))}" for text, prob in favourites)
                            )
                            Html("td", f"{found.ranks_PT[depth, place]:,}")
