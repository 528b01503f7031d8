"""Copies: what of a text stands word for word in what the model was trained on."""

from collections.abc import Iterator

from inkloom.evaluation.copying import MIN_COPIED, CopyReport
from inkloom.pages.page import percent
from inkloom.serving.studio.views.stage import Stage
from inkloom.serving.studio.widgets import Html, note

MOST_SPANS = 12


async def copies_view(stage: Stage) -> None:
    """The text with its copied spans marked, and where the training text has them."""
    index = await stage.session.workspace.copy_index(stage.engine.name)
    text = stage.tokenizer.decode(stage.ids)
    report = await stage.ask(lambda _model, _tokenizer: index.report(text))
    with Html("div", classes="stack"):
        Html("p", summary(report), role="status")
        with Html("p", classes="written sheet"):
            for piece, copied in pieces(text, report):
                Html("mark" if copied else "span", piece)
        if report.spans:
            _spans(report)
        note(
            "Marked is what stands word for word in the text that the model was trained on, in stretches of "
            f"{MIN_COPIED} characters or more. A model that has learned the text by heart copies; one that has "
            "learned the language writes what nobody wrote.",
            "Short stretches prove nothing: real text of the same kind shares them, too.",
        )


def summary(report: CopyReport) -> str:
    """The report in a sentence or two."""
    longest = f"The longest stretch that the training text has, too, is {report.level.longest:.0f} characters long."
    if not report.spans:
        return f"Nothing is copied. {longest}"
    return f"{percent(report.level.copied_share)} of the text is copied. {longest}"


def pieces(text: str, report: CopyReport) -> Iterator[tuple[str, bool]]:
    """The text in order, cut where copies begin and end; whether each piece is copied."""
    reached = 0
    for start, stop in report.covered:
        if start > reached:
            yield text[reached:start], False
        yield text[start:stop], True
        reached = stop
    if reached < len(text):
        yield text[reached:], False


def _spans(report: CopyReport) -> None:
    Html("h2", "Where it stands")
    with Html("ol", classes="spans"):
        for span in report.spans[:MOST_SPANS]:
            with Html("li"):
                Html("q", span.text.strip())
                times = f", {span.times:,} times in all" if span.times > 1 else ""
                document = f"document {span.document + 1:,}, " if span.document else ""
                Html("span", f"{len(span.text):,} characters: {document}line {span.line:,}{times}", "quiet")
    if len(report.spans) > MOST_SPANS:
        Html("p", f"and {len(report.spans) - MOST_SPANS:,} shorter.", "quiet")
