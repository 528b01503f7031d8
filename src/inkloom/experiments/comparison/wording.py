"""What a comparison says, in sentences that its page and its Markdown share."""

import math
from collections.abc import Sequence

from inkloom.experiments.comparison.contestants import is_counted
from inkloom.experiments.comparison.results import Comparison, Row, Table
from inkloom.experiments.writing import Writings
from inkloom.pages.page import count, decimal


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def p_value(value: float) -> str:
    """0.0312 as `p = 0.031`."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def mark(row: Row) -> str:
    """How a row stands to the one above it; empty in the first."""
    if row.p_value is None:
        return ""
    return f"{'worse' if row.significant else 'not clear'}, {p_value(row.p_value)}"


def held_equal(comparison: Comparison, table: Table) -> str:
    """What every model of a table had the same of."""
    parameters = comparison.request.parameters
    size = "" if parameters is None else f", {count(parameters)} parameters"
    return f"{table.length} of training each{size}" if table.length.unit == "seconds" else f"{table.length} each{size}"


def verdict(comparison: Comparison, table: Table) -> str:
    """Which model leads, by how much, and whether that is more than chance."""
    first, *others = table.rows
    leader, equal = comparison.label(first), held_equal(comparison, table)
    if not others:
        return f"At {equal}, {leader} needs {decimal(first.bits_per_char.mean, 3)} bits per character."
    second = others[0]
    assert second.p_value is not None  # every row but the first has one
    distance, chance = decimal(second.bits_per_char.mean - first.bits_per_char.mean, 3), p_value(second.p_value)
    if second.significant:
        return (
            f"At {equal}, {leader} is best: {comparison.label(second)}, the next, needs {distance} bits more per "
            f"character, which is more than chance explains ({chance})."
        )
    return (
        f"At {equal}, {leader} is first, but only {distance} bits ahead of {comparison.label(second)}: chance alone "
        f"sets equal models so far apart often enough ({chance}) that these two cannot be told apart here."
    )


def reading(comparison: Comparison) -> list[str]:
    """How to read intervals and marks."""
    rows, seeds, split = comparison.rows, comparison.request.seeds, comparison.split.name
    blocks = min(row.bits_per_char.blocks for row in rows)
    correlation = max(row.bits_per_char.correlation for row in rows)
    if seeds > 1:
        sentences = [
            "In 95 of 100 cases, an interval holds the score that the model would have on other text of the same kind "
            f"and with other seeds: a bootstrap over {blocks} or more blocks of {split} and over {seeds} seeds."
            + (
                " Two seeds tell little about a third, so the intervals are wide; --seeds 3 helps."
                if seeds == 2
                else ""
            )
        ]
    else:
        sentences = [
            "In 95 of 100 cases, an interval holds the score that this very run would have on other text of the same "
            f"kind: a bootstrap over {blocks} or more blocks of {split}. Another seed may score otherwise; --seeds 3 "
            "tells."
        ]
    if correlation > 2 / math.sqrt(blocks):
        sentences.append(
            f"Neighbouring blocks resemble each other (their scores correlate by {decimal(correlation, 2)}): the text "
            "changes its character on the way, so the intervals are rather too narrow."
        )
    if len(rows) > 1:
        sentences.append(
            "Each row is tested against the one above it, by what both pay for the same text. “Worse” is a distance "
            "that chance alone makes in fewer than 5 of 100 cases; every such test stands for itself."
        )
    return sentences


def method(comparison: Comparison) -> list[str]:
    """How the numbers came about."""
    split = comparison.split.name
    chars = count(comparison.held_out.chars)
    read = "Val guided each training; test was read once, at its end." if split == "test" else "There is no test split."
    one = "with one tokenizer that was fitted on it alone"
    several = "with tokenizers that were fitted on it alone"
    sentences = [
        f"All models read the same train split, {several if comparison.request.compares_tokenizers else one}. A score "
        f"covers every token of {split} once, {chars} characters. {read}"
    ]
    if comparison.request.compares_tokenizers:
        sentences.append(
            "The charge is for what a tokenizer's ids do not tell: unknown words are spelt by a model of characters, "
            "white space and capital letters by models of the layout, all fitted on train. It is part of the score."
        )
    counted = sorted({row.model for row in comparison.rows if is_counted(row.model)})
    if counted:
        sentences.append(
            f"{listed(counted)} {'is' if len(counted) == 1 else 'are'} counted, not trained: the train split is read "
            "once, whatever the length of the others' training, and nothing is random."
        )
    sentences.append(f"Leak check: {comparison.leaks.summary()}")
    without = [
        f"{comparison.label(row)} {decimal(row.bits_without_leaks)}"
        for row in comparison.tables[0].rows
        if row.bits_without_leaks is not None
    ]
    if without:
        sentences.append(f"Without that text the scores are: {', '.join(without)} bits per character.")
    return sentences


CURVES_NOTE = (
    "Of each model its best row. A part of val is scored on the way, so each curve is moved until its best point is "
    "the score of all of val. With several seeds, the line is their mean and the shade their range."
)

SWEEP_NOTE = (
    "Losses are in nats per token, by the protocol, on the whole split; of train the beginning is scored. A "
    "longer window costs a Transformer more time per token, and gives every prediction more context; a recurrent model "
    "carries its state through the text in any case, so the window is only how far back its errors are traced. Peak "
    "memory is the whole process's, libraries included."
)


def samples_note(writings: Writings) -> str:
    """What stands in the samples."""
    return (
        "All models go on from the same words of the held-out text, with the same random numbers. Shown is the first "
        f"of {len(writings.prompts)} places."
    )


def text_notes(writings: Writings) -> list[str]:
    """How to read the measures of the texts."""
    texts = writings.yardstick.metrics.texts
    return [
        f"Over {texts} texts of each kind. No figure is good or bad by itself: the yardstick is held-out text in "
        "pieces as long as the samples.",
        "Different word pairs: of all pairs of neighbouring words, how many are different ones. Repeated fours: the "
        "share of a text's runs of four words that stand earlier in it. Self-BLEU: how alike the texts are to each "
        "other, from 0 to 1. Known words: the share of words that stand in train. Longest copy: the characters of the "
        "longest span of a text that stands in train word for word, on average. Character distance: from the shares "
        "that characters have in train, 0 for the same.",
    ]
