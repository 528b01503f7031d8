"""The page of the causal-mask experiment."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkloom import __version__
from inkloom.experiments.comparison.tables import Sheet, SheetRow
from inkloom.experiments.history import Course
from inkloom.experiments.mask_evidence import SAMPLES, Evidence, Example, Twin
from inkloom.explain.attention_plots import HeadPlot, HeadsPlot, maps_svg
from inkloom.explain.tokens import visible
from inkloom.files import write_text
from inkloom.pages.figures import Drawing, Line, LinePlot, as_svg
from inkloom.pages.page import count, decimal, duration, percent, render

MASKED, UNMASKED = "with the mask", "without the mask"
EMPTY_LINES = re.compile(r"\n{4,}")

COLOURS = {MASKED: "--series-1", UNMASKED: "--series-2"}


@dataclass(frozen=True)
class Matrix:
    """A square table of the worked example: cells by row; `closed` says which of them the mask shuts."""

    title: str
    note: str
    rows: Sequence[tuple[str, Sequence[tuple[str, bool]]]]


def write_mask_report(evidence: Evidence, file: Path) -> Path:
    """Write the page, whole or not at all. The same evidence makes the same page."""
    twins = {MASKED: evidence.masked, UNMASKED: evidence.unmasked}
    page = render(
        "inkloom.experiments",
        "mask.html.jinja",
        corpus=evidence.corpus,
        version=__version__,
        unmasked=evidence.unmasked,
        masked=evidence.masked,
        facts=_facts(twins),
        train_loss=_curves("train", "Training loss", twins, lambda course: course.train_loss, scores=False),
        val_loss=_curves("val", "Loss on val, scored honestly", twins, lambda course: course.val_loss, scores=True),
        scores=_scores(twins),
        rest=_rest(evidence.unmasked),
        samples={way: {name: _shown(twin.samples[way]) for name, twin in twins.items()} for way in SAMPLES},
        line=evidence.line,
        heads=[
            _head("head-0", MASKED, evidence.masked, -1, evidence.line),
            _head("head-1", UNMASKED, evidence.unmasked, 1, evidence.line),
        ],
        all_heads=[_all_heads(f"heads-{place}", name, twin) for place, (name, twin) in enumerate(twins.items())],
        looking=_looking(twins),
        letters=[visible(character) for character in evidence.example.text],
        example=_matrices(evidence.example),
    )
    write_text(file, page)
    return file


def _facts(twins: dict[str, Twin]) -> list[tuple[str, str]]:
    """What both have in common, and how far each came."""
    summaries = {name: twin.run.summary() for name, twin in twins.items()}
    model = twins[MASKED].run.config.model
    seconds = [summary["seconds"] for summary in summaries.values()]
    return [
        ("Parameters of each", count(summaries[MASKED]["parameters"])),
        ("Layers and heads", f"{model['layers']} × {model['heads']}"),
        ("Window", f"{twins[MASKED].run.config.training['seq_len']} tokens"),
        ("Training time of each", duration(max(seconds))),
        *((f"Steps {name}", count(summary["steps"])) for name, summary in summaries.items()),
    ]


def _curves(
    name: str, title: str, twins: dict[str, Twin], column: Callable[[Course], NDArray[np.float64]], *, scores: bool
) -> Drawing:
    """One column of metrics.csv for both twins."""
    lines = [
        Line(label, twin.course.step, column(twin.course), COLOURS[label], scores=scores)
        for label, twin in twins.items()
    ]
    ends = [f"{line.label} it ends at {decimal(line.y[np.isfinite(line.y)][-1])}" for line in lines]
    plot = LinePlot(lines, x_label="steps", y_label="nats per token")
    return Drawing(title, as_svg(plot, name), f"{title} in nats per token by step: {'; '.join(ends)}.")


def _scores(twins: dict[str, Twin]) -> Sheet:
    """Both twins, in training and on text that they have to write for themselves."""
    scored = "test" if "test" in twins[MASKED].run.summary() else "val"
    rows = []
    for name, twin in twins.items():
        score = twin.run.summary()[scored]
        cells = (
            decimal(twin.final_training_loss),
            decimal(twin.lowest_val),
            decimal(twin.final_val),
            decimal(score["nats_per_token"]),
            decimal(score["perplexity"], 2),
            decimal(score["bits_per_char"], 3),
        )
        rows.append(SheetRow(name, cells, COLOURS[name]))
    columns = (
        "Training loss",
        "Val, lowest",
        "Val, at the end",
        f"Loss on {scored}",
        "Perplexity",
        "Bits per character",
    )
    return Sheet("Losses in nats per token.", "Trained", columns, rows)


def _rest(unmasked: Twin) -> str:
    """Why the loss without the mask is not quite zero; empty where val was too short to tell."""
    if not len(unmasked.loss_T):
        return ""
    places = len(unmasked.loss_T)
    return (
        f"Why is it not zero? The last token of a window is followed by one that is not in the window, so that one "
        f"must be predicted after all. On windows of val it costs {decimal(unmasked.loss_T[-1], 2)} nats, the "
        f"{places - 1} others {decimal(float(unmasked.loss_T[:-1].mean()), 5)} on average. One honest question in "
        f"{places} is all that this model learns from."
    )


def _shown(text: str) -> str:
    """A text in which many empty lines are written as signs, else they would fill the page."""
    return EMPTY_LINES.sub(lambda lines: "\n" + "↵" * (len(lines[0]) - 1) + "\n", text)


def _head(name: str, label: str, twin: Twin, offset: int, line: str) -> Drawing:
    """The head that looks most at the neighbour on one side."""
    layer, head, weight = twin.head_for(offset)
    neighbour = "next" if offset > 0 else "previous"
    plot = HeadPlot(twin.maps_LHTT[layer, head], list(line), COLOURS[label], masked=label == MASKED)
    place = f"layer {layer + 1}, head {head + 1}"
    description = (
        f"Attention {label} while the model reads “{line}”, {place}: "
        f"the {neighbour} character gets {percent(weight)} of it on average."
    )
    return Drawing(f"{label.capitalize()}: {place}", maps_svg(plot, name), description)


def _all_heads(name: str, label: str, twin: Twin) -> Drawing:
    plot = HeadsPlot([list(layer) for layer in twin.maps_LHTT], COLOURS[label], masked=label == MASKED)
    description = f"All heads {label}: {percent(twin.future_share)} of their attention goes to later characters."
    return Drawing(f"{label.capitalize()}: every head", maps_svg(plot, name), description)


def _looking(twins: dict[str, Twin]) -> str:
    layer, head, weight = twins[UNMASKED].head_for(1)
    return (
        f"Without the mask {percent(twins[UNMASKED].future_share)} of all attention goes to later characters; with it "
        f"none can. Head {head + 1} of layer {layer + 1} has found the answer: on average it gives "
        f"{percent(weight)} of its attention to the very next character, the one that is to be predicted."
    )


def _matrices(example: Example) -> list[Matrix]:
    """The steps from scores to weights, and what they would be without the mask."""
    closed_TT = np.isneginf(example.bias_TT)

    def matrix(title: str, note: str, numbers_TT: NDArray[np.float32], places: int) -> Matrix:
        rows = [
            (
                visible(character),
                [(_number(value, places), bool(shut)) for value, shut in zip(row, shuts, strict=True)],
            )
            for character, row, shuts in zip(example.text, numbers_TT, closed_TT, strict=True)
        ]
        return Matrix(title, note, rows)

    return [
        matrix("1. Scores", "How well each position's query fits each key: q·k / √d.", example.scores_TT, 1),
        matrix("2. The mask", "0 where a position may look, −∞ at every later one.", example.bias_TT, 0),
        matrix("3. Their sum", "Minus infinity swallows whatever stood there.", example.scores_TT + example.bias_TT, 1),
        matrix("4. Softmax of each row", "e to the −∞ is 0, so the rest of the row shares 1.", example.masked_TT, 2),
        matrix(
            "Without step 2",
            "The softmax of the scores alone gives weight to the shaded future, too.",
            example.unmasked_TT,
            2,
        ),
    ]


def _number(value: float, places: int) -> str:
    return "−∞" if np.isneginf(value) else f"{value:.{places}f}".replace("-", "−")
