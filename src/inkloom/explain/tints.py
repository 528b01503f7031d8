"""What a view looks like as colour over the text: one tint for each token, for pages, pictures and the terminal."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from inkloom.explain.evidence import NGramEvidence
from inkloom.explain.mixing import MixtureWeights
from inkloom.explain.surprisal import Surprisal
from inkloom.explain.tokens import Floats
from inkloom.pages.figures import SERIES


class Tint(NamedTuple):
    """A colour of the page and its strength, from 0 (none) to 1."""

    colour: str
    strength: float


def of_surprisal(shown: Surprisal) -> list[Tint]:
    """The more a token surprised, the stronger."""
    return [Tint("--series-2", min(1.0, bits / shown.full_bits)) for bits in shown.bits_T.tolist()]


def surprisal_legend(shown: Surprisal) -> list[tuple[str, Tint]]:
    """What the colours of a few costs are."""
    return [(f"{share * shown.full_bits:g} bits", Tint("--series-2", share)) for share in (0.0, 0.25, 0.5, 1.0)]


def of_signed(values_T: Floats) -> list[Tint]:
    """Values from -1 (blue) over 0 (none) to 1 (orange)."""
    return [Tint("--series-2" if value > 0 else "--series-1", min(1.0, abs(value))) for value in values_T.tolist()]


def of_gate(values_T: Floats) -> list[Tint]:
    """A gate from 0, shut, to 1, open."""
    return [Tint("--series-3", value) for value in values_T.tolist()]


def of_evidence(shown: NGramEvidence) -> list[Tint]:
    """The longer the n-gram that the tables hold, the stronger."""
    return [of_length(length, shown.known_TL.shape[1]) for length in shown.lengths_T.tolist()]


def of_length(length: int, order: int) -> Tint:
    """The tint of n-grams of a length; those of one token have none."""
    return Tint("--series-4", (length - 1) / max(1, order - 1))


def of_mixture(shown: MixtureWeights) -> list[Tint]:
    """The part with most of the credit, the stronger the more of it."""
    most_T = shown.responsibilities_TK.argmax(axis=1)
    shares_T = np.take_along_axis(shown.responsibilities_TK, most_T[:, None], axis=1)[:, 0]
    even = 1 / len(shown.parts)
    strengths_T = (shares_T - even) / (1 - even)
    return [Tint(part_colour(part), float(strength)) for part, strength in zip(most_T, strengths_T, strict=True)]


def part_colour(part: int) -> str:
    """The colour of a mixture's part."""
    return SERIES[part % len(SERIES)]


def merged(texts: Sequence[str], tints: Sequence[Tint], steps: int) -> list[tuple[str, Tint]]:
    """The text in pieces of one tint each, with strengths in `steps` steps, so that long texts make short pages."""
    pieces: list[tuple[str, Tint]] = []
    for text, tint in zip(texts, tints, strict=True):
        stepped = Tint(tint.colour, round(tint.strength * steps) / steps)
        if pieces and pieces[-1][1] == stepped:
            pieces[-1] = (pieces[-1][0] + text, stepped)
        else:
            pieces.append((text, stepped))
    return pieces
