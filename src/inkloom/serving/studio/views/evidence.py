"""N-gram evidence: what an n-gram model has counted, and how it backs off to shorter contexts."""

from collections.abc import Sequence

from inkloom.explain import NGramEvidence, evidence
from inkloom.models.ngram import NGram
from inkloom.pages.page import count, decimal, percent
from inkloom.serving.studio.shades import of_evidence
from inkloom.serving.studio.views.stage import Stage
from inkloom.serving.studio.widgets import Html, TokenText, note
from inkloom.serving.studio.wording import readable


async def evidence_view(stage: Stage) -> None:
    """The text coloured by how long its n-grams are; a token that is picked shows what each length knows."""
    model = stage.model
    assert isinstance(model, NGram), "the view is offered for this family alone"
    EvidenceView(stage, await stage.ask(lambda _, tokenizer: evidence(model, tokenizer, stage.ids)))


class EvidenceView:
    """The view's elements."""

    def __init__(self, stage: Stage, found: NGramEvidence) -> None:
        self.stage = stage
        self.found = found
        with Html("div", classes="with-aside wide-aside"):
            with Html("div", classes="stack"):
                self.text = TokenText("The text, coloured by the length of its n-grams", self._pick)
                with Html("p", classes="scale"):
                    Html("span", "no context knows it")
                    Html("i", classes="green", aria_hidden="true")
                    Html("span", f"{found.known_TL.shape[1]} tokens in a row stand in the training text")
                note(
                    "An n-gram model only counts. It looks for the last few tokens in the training text and asks what "
                    "came after them there; the longer the context it finds, the surer it is.",
                    "A context seen a few times says little, so a part of its say (the back-off) is left to the "
                    "context that is one token shorter, and so on down to an even guess. "
                    "The parts add up to the probability.",
                )
            with Html("aside", classes="stack", aria_label="The chosen token"):
                self.panel = Html("section", classes="sheet stack", aria_live="polite")
        place = len(found.tokens) - 1 if stage.place is None else stage.place
        self.text.show(of_evidence(found), place)
        self._show(place)

    def _pick(self, place: int) -> None:
        self.stage.session.place = place
        self._show(place)

    def _show(self, place: int) -> None:
        found = self.found
        self.panel.clear()
        with self.panel:
            Html("h2", f"Why “{readable(found.tokens.texts[place])}” had {percent(float(found.parts_TL[place].sum()))}")
            rows = rows_of(found, place)
            _table(("After", "Seen", "So", "Left over", "Adds"), rows)
            Html(
                "p",
                "Seen: how often this context was followed by anything. So: by this token. Left over: the share of the "
                "next shorter context. Adds: what this one brings to the probability.",
                "quiet",
            )


def rows_of(found: NGramEvidence, place: int) -> list[tuple[str, ...]]:
    """What each length of context says about a token, the longest first, and the even guess below all."""
    texts = found.tokens.texts
    rows: list[tuple[str, ...]] = [("an even guess", "", "", "", percent(float(found.parts_TL[place, 0])))]
    for length in range(int(found.context_lengths_T[place]) + 1):
        known = "".join(map(readable, texts[max(0, place - length) : place]))
        before_text = "⟨end⟩" if length > place else ""
        rows.append(
            (
                f"“{before_text}{known}”" if length else "anything",
                count(int(found.context_counts_TL[place, length])),
                count(int(found.counts_TL[place, length])),
                decimal(float(found.backoffs_TL[place, length]), 2),
                percent(float(found.parts_TL[place, 1 + length])),
            )
        )
    return rows[::-1]


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with Html("div", classes="scrolls"), Html("table"):
        with Html("thead"), Html("tr"):
            for number, title in enumerate(titles):
                Html("th", title, "number" if number else "", scope="col")
        with Html("tbody"):
            for row in rows:
                with Html("tr"):
                    for number, cell in enumerate(row):
                        Html("td", cell, "number" if number else "")
