"""Attention: where each head of a Transformer looks, and what the causal mask hides from it."""

from inkloom.explain import AttentionMaps, attention
from inkloom.models.transformer import Transformer
from inkloom.models.unmasked import Unmasked
from inkloom.serving.studio.shades import attention_map, head_habit, of_attention
from inkloom.serving.studio.views.stage import Stage
from inkloom.serving.studio.widgets import Field, HeatMap, Html, TokenText, note
from inkloom.serving.studio.wording import readable

MOST_TOKENS = 120
"""Of a map, at the end of the text: more would be smaller than a pixel on a phone."""


async def attention_view(stage: Stage) -> None:
    """A map of one head, and the text as one of its tokens sees it."""
    view = AttentionView(stage)
    await view.read(as_trained=False)


class AttentionView:
    """The view's elements, and the maps of the text's last tokens."""

    def __init__(self, stage: Stage) -> None:
        assert isinstance(stage.model, Transformer), "the view is offered for this family alone"
        self.stage = stage
        self.ids = stage.ids[-min(MOST_TOKENS, stage.model.window - 1) :]
        self.layer = self.head = 0
        self.place = len(self.ids)
        self.found: AttentionMaps | None = None
        with Html("div", classes="stack"):
            with Html("div", classes="row selects"):
                self.layers = Field("select", "Layer", "0", lambda value: self._choose(layer=int(value)))
                self.heads = Field("select", "Head", "0", lambda value: self._choose(head=int(value)))
                if isinstance(stage.model, Unmasked):
                    Field("checkbox", "As in training, without the mask", False, self.read)
            if len(self.ids) < len(stage.ids):
                Html("p", f"The last {len(self.ids)} tokens are shown.", "quiet")
            self.habit = Html("p", role="status")
            with Html("div", classes="pair"):
                with Html("div", classes="stack tight"):
                    Html("h2", "Every row is a token that looks, every column one that it looks at")
                    self.map = HeatMap("Attention of this head: rows look at columns", self._pick)
                with Html("div", classes="stack"):
                    self.seen_from = Html("h2")
                    self.text = TokenText("The text, coloured by the attention that it gets", self._look_from)
            note(
                "To predict the next token, each position gathers from the positions before it. A row of the map says "
                "where one position looks: the stronger the colour, the more it takes from there.",
                "The grey corner is the causal mask: what comes later is hidden, or the model would only have to copy "
                "the token that it is to predict. A row sums to 100 % over what is left.",
                "Click a cell or a token to see the text from there.",
            )

    async def read(self, as_trained: bool) -> None:
        """Let the model read the text, with the mask or as it was trained."""
        model = self.stage.model
        assert isinstance(model, Transformer), "the view is offered for this family alone"
        self.found = await self.stage.ask(lambda _, tokenizer: attention(model, tokenizer, self.ids, as_trained))
        layers, heads = self.found.weights_LHTT.shape[:2]
        self.layers.offer({str(layer): str(layer + 1) for layer in range(layers)})
        self.heads.offer({str(head): str(head + 1) for head in range(heads)})
        self._show()

    def _choose(self, layer: int | None = None, head: int | None = None) -> None:
        self.layer = self.layer if layer is None else layer
        self.head = self.head if head is None else head
        self._show()

    def _pick(self, row: int, column: int) -> None:
        del column
        self._look_from(row)

    def _look_from(self, place: int) -> None:
        self.place = place
        self._show_text()

    def _show(self) -> None:
        if self.found is not None:
            self.map.show(attention_map(self.found, self.layer, self.head))
            self.habit.text = head_habit(self.found, self.layer, self.head)
            self._show_text()

    def _show_text(self) -> None:
        if self.found is not None:
            self.seen_from.text = f"What “{readable(self.found.tokens.texts[self.place])}” looks at"
            self.text.show(of_attention(self.found, self.layer, self.head, self.place), self.place)
