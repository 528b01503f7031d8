"""The section on n-gram evidence: how long an n-gram the tables hold for each token, and what each length knows."""

import math

import numpy as np

from inkloom.explain import tints, words
from inkloom.explain.evidence import NGramEvidence
from inkloom.explain.page.pieces import Piece, Row, Section
from inkloom.explain.tints import Tint
from inkloom.explain.tokens import END, readable, visible
from inkloom.pages.page import count, decimal, percent

COLUMNS = ("behind", "seen", "then this", "adds", "leaves")


def section(shown: NGramEvidence) -> Section:
    order = shown.known_TL.shape[1]
    pieces = [_piece(shown, place, tint) for place, tint in enumerate(tints.of_evidence(shown))]
    often_L = np.bincount(shown.lengths_T, minlength=order + 1)[1:]
    credit_L = (shown.parts_TL / shown.parts_TL.sum(axis=1, keepdims=True)).mean(axis=0)[1:]
    lengths = [
        (Row(_length(length), percent(often / len(shown.tokens)), often / int(often_L.max())), percent(credit))
        for length, often, credit in zip(range(1, order + 1), often_L.tolist(), credit_L.tolist(), strict=True)
    ]
    remarks = [
        words.evidence_summary(shown),
        "A token's probability is a sum: each length of n-gram adds its share, and leaves a part to the shorter ones. "
        "The longest are counted by how often they stand in the training text, shorter ones by how many different "
        "tokens stand before them (Kneser & Ney).",
    ]
    legend = [(_length(length), tints.of_length(length, order)) for length in range(1, order + 1)]
    return Section(
        "evidence", "What it has seen before", remarks, {"pieces": pieces, "legend": legend, "lengths": lengths}
    )


def _length(length: int) -> str:
    return "1 token" if length == 1 else f"{length} tokens"


def _piece(shown: NGramEvidence, place: int, tint: Tint) -> Piece:
    text, length = shown.tokens.texts[place], int(shown.lengths_T[place])
    prob = math.exp(-float(shown.nats_T[place]))
    title = f"{words.quoted(text)} got {percent(prob)}, by an n-gram of {_length(length)}"
    read = (END, *shown.tokens.texts[:place])
    table = []
    for row in range(int(shown.context_lengths_T[place]), -1, -1):
        cells = (
            visible("".join(read[len(read) - row :])) if row else "anything",
            count(shown.context_counts_TL[place, row]),
            count(shown.counts_TL[place, row]),
            percent(float(shown.parts_TL[place, 1 + row])),
            percent(float(shown.backoffs_TL[place, row])),
        )
        table.append(cells)
    competing = [
        Row(visible(one.text), percent(one.prob), one.prob, marked=one.id == shown.tokens.ids[place])
        for one in shown.continuations[place]
    ]
    likely = ", ".join(f"{row.label} {row.value}" for row in competing[:3])
    said = f"{title}. Cost {decimal(-math.log2(prob), 1)} bits. Likeliest: {likely}"
    return Piece(readable(text), tint, title, said, competing, COLUMNS, table)
