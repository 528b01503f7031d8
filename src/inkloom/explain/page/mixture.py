"""The section on a mixture: which part knew each token."""

import math

import numpy as np

from inkloom.explain import tints, words
from inkloom.explain.mixing import MixtureWeights
from inkloom.explain.page.pieces import Piece, Row, Section
from inkloom.explain.tints import Tint
from inkloom.explain.tokens import readable
from inkloom.pages.page import decimal, percent

COLUMNS = ("part", "weight", "gave", "credit")


def section(shown: MixtureWeights) -> Section:
    pieces = [_piece(shown, place, tint) for place, tint in enumerate(tints.of_mixture(shown))]
    bits = {name: float(nats) / math.log(2) for name, nats in zip(shown.parts, shown.nats_TK.mean(axis=0), strict=True)}
    bits["the mixture"] = float(shown.nats_T.mean()) / math.log(2)
    most = max(bits.values())
    colours = [*(tints.part_colour(part) for part in range(len(shown.parts))), "--muted"]
    costs = [
        Row(name, f"{decimal(cost, 2)} bits", cost / most, colour=colour)
        for (name, cost), colour in zip(bits.items(), colours, strict=True)
    ]
    legend = [(name, Tint(colour, 1.0)) for name, colour in zip(shown.parts, colours, strict=False)]
    remarks = [
        words.mixture_summary(shown),
        "Credit is a part's share of the probability that the token got: its weight, before the token is seen, times "
        "what it gave.",
    ]
    return Section("mixture", "Which part knew", remarks, {"pieces": pieces, "legend": legend, "costs": costs})


def _piece(shown: MixtureWeights, place: int, tint: Tint) -> Piece:
    credit_K = shown.responsibilities_TK[place]
    best = int(credit_K.argmax())
    text = shown.tokens.texts[place]
    title = f"{words.quoted(text)}: {percent(float(credit_K[best]))} of the credit is {shown.parts[best]}'s"
    table = [
        (name, percent(float(weight)), percent(float(np.exp(-nats))), percent(float(credit)))
        for name, weight, nats, credit in zip(
            shown.parts, shown.weights_TK[place], shown.nats_TK[place], credit_K, strict=True
        )
    ]
    gave = ", ".join(f"{name} gave {prob}" for name, _, prob, _ in table)
    return Piece(readable(text), tint, title, f"{title}. {gave}", columns=COLUMNS, table=table)
