"""What the views show, in sentences: for the page, its screen readers and the terminal."""

from collections.abc import Sequence

import numpy as np

from inkloom.explain.attention import AttentionMaps
from inkloom.explain.evidence import NGramEvidence
from inkloom.explain.lens import Lens
from inkloom.explain.mixing import MixtureWeights
from inkloom.explain.surprisal import Surprisal
from inkloom.explain.tokens import END, visible
from inkloom.explain.units import Finding, Units
from inkloom.pages.page import decimal, percent

BEFORE = 12
"""Characters that are quoted before a token."""


def quoted(text: str) -> str:
    """A text in quotation marks, white space as signs."""
    return f"“{visible(text)}”"


def ordinal(number: int) -> str:
    """1 as `1st`, 2 as `2nd`, 11 as `11th`."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def before(texts: Sequence[str], place: int) -> str:
    """The text's last characters before a token; the end token's name where there are none."""
    return "".join(texts[:place])[-BEFORE:] or END


def most_surprising(shown: Surprisal) -> str:
    """The token that cost most, and what was expected in its place."""
    place = int(shown.nats_T.argmax())
    return (
        f"Most surprising: {quoted(shown.tokens.texts[place])} behind {quoted(before(shown.tokens.texts, place))} cost "
        f"{decimal(float(shown.bits_T[place]), 1)} bits; {quoted(shown.top_texts[place][0])} was expected "
        f"with {percent(float(shown.top_probs_TK[place, 0]))}."
    )


def first_choices(shown: Surprisal) -> str:
    """How often the model was right."""
    return (
        f"{percent(float((shown.ranks_T == 1).mean()))} of the tokens were the model's first choice, "
        f"{percent(float((shown.ranks_T <= 5).mean()))} among its first five."
    )


def expectation(shown: Surprisal) -> str:
    """What the model paid beside what it expected to pay."""
    paid, expected = shown.bits_T.mean(), shown.entropies_T.mean() / np.log(2)
    return (
        f"It expected to pay {decimal(float(expected), 2)} bits a token (the mean entropy of its predictions) and paid "
        f"{decimal(float(paid), 2)}."
    )


def unit_title(unit: Finding) -> str:
    """A unit by its numbers, which count from 1."""
    return f"Layer {unit.layer + 1}, unit {unit.unit + 1}"


def unit_finding(unit: Finding) -> str:
    """Why a unit is shown."""
    if unit.follows is None or unit.correlation is None or unit.chance is None:
        return "It follows none of the features that are looked for, but it varies much."
    upside_down = "" if unit.correlation > 0 else " upside down"
    return (
        f"It follows {unit.follows}{upside_down}: correlation {signed(unit.correlation)}, by chance at most "
        f"{decimal(unit.chance, 2)}."
    )


def signed(correlation: float) -> str:
    """A correlation with a real minus sign."""
    return decimal(correlation, 2).replace("-", "−")


def head_title(layer: int, head: int) -> str:
    """A head by its numbers, which count from 1."""
    return f"Layer {layer + 1}, head {head + 1}"


def head_habit(shown: AttentionMaps, layer: int, head: int) -> str:
    """Where a head looks most."""
    place, share = shown.habit(layer, head)
    distance = decimal(float(shown.distance_LH[layer, head]), 1)
    return f"{percent(share)} goes to {place}; on average it looks {distance} tokens away."


def lens_summary(shown: Lens) -> str:
    """What the depths would pay, from the embedding to the last layer."""
    bits = [decimal(float(nats_T.mean() / np.log(2)), 2) for nats_T in shown.nats_PT]
    return f"Bits per token after the embedding and after each layer: {', '.join(bits)}."


def evidence_summary(shown: NGramEvidence) -> str:
    """How far the tables reach."""
    order = shown.known_TL.shape[1]
    longest = float((shown.lengths_T == order).mean())
    return (
        f"The tables hold the longest possible n-gram, of {order} tokens, for {percent(longest)} of the tokens; the "
        f"mean is {decimal(float(shown.lengths_T.mean()), 1)}. For the others the model backs off to shorter ones."
    )


def mixture_summary(shown: MixtureWeights) -> str:
    """Who pays what, and who deserves the credit."""
    credit_K = shown.responsibilities_TK.mean(axis=0)
    shares = [f"{name} {percent(float(credit))}" for name, credit in zip(shown.parts, credit_K, strict=True)]
    return f"The credit for the text: {', '.join(shares)}."


def saturation_summary(shown: Units, layer: int) -> str:
    """How much each gate of a layer is shut and open, on average."""
    said = []
    for gate in shown.gates:
        shut_LH, open_LH = shown.saturation(gate)
        said.append(
            f"{gate} gates are shut in {percent(float(shut_LH[layer].mean()))} and open in "
            f"{percent(float(open_LH[layer].mean()))} of the text"
        )
    return f"Layer {layer + 1}: {'; '.join(said)}."
