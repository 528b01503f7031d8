"""From what a model does with a text to how its tokens look: plain functions from arrays to shades, maps and bars.

Shapes: T tokens, K alternatives or parts, L layers, H heads or units, P depths, V vocabulary.
"""

from collections.abc import Sequence

import numpy as np

from inkloom.explain import AttentionMaps, Lens, MixtureWeights, NextToken, NGramEvidence, Surprisal, Units
from inkloom.explain.tokens import Floats
from inkloom.pages.page import percent
from inkloom.serving.studio.widgets.bars import Bar
from inkloom.serving.studio.widgets.heat_map import Map
from inkloom.serving.studio.widgets.token_text import Shade
from inkloom.serving.studio.wording import readable

MOST_BITS = 8.0
"""The surprisal with the strongest colour: one in 256."""

TINTS = tuple(f"tint-{number}" for number in range(1, 7))


def of_surprisal(found: Surprisal, alternatives: int = 8) -> list[Shade]:
    """The more a token surprised, the stronger its colour; with what was expected instead."""
    return [
        Shade(
            text,
            strength=min(1.0, bits / MOST_BITS),
            said=f"{bits:.1f} bits, {percent(float(np.exp(-nats)))}, {ordinal(rank)} of the model's choices",
            rows=tuple(zip(texts[:alternatives], probs[:alternatives], strict=True)),
            came=ids[:alternatives].index(token) if token in ids[:alternatives] else None,
        )
        for text, token, bits, nats, rank, texts, probs, ids in zip(
            found.tokens.texts,
            found.tokens.ids.tolist(),
            found.bits_T.tolist(),
            found.nats_T.tolist(),
            found.ranks_T.tolist(),
            found.top_texts,
            found.top_probs_TK.tolist(),
            found.top_ids_TK.tolist(),
            strict=True,
        )
    ]


def of_next(found: NextToken) -> list[Bar]:
    """The likeliest tokens, as the model gives them and as they are drawn."""
    K = len(found.top_texts)
    columns = (found.top_texts, found.probs_V[:K].tolist(), found.drawn_V[:K].tolist())
    return [Bar(text, own, drawn) for text, own, drawn in zip(*columns, strict=True)]


def of_attention(found: AttentionMaps, layer: int, head: int, place: int) -> list[Shade]:
    """What one position of a text gathers from every other."""
    weights_T = found.weights_LHTT[layer, head, place]
    strongest = max(float(weights_T.max()), 1e-9)
    return [
        Shade(text, said="masked: it comes later")
        if masked
        else Shade(text, strength=weight / strongest, said=f"gets {percent(weight)} of the attention")
        for text, weight, masked in zip(
            found.tokens.texts, weights_T.tolist(), found.masked_TT[place].tolist(), strict=True
        )
    ]


def attention_map(found: AttentionMaps, layer: int, head: int) -> Map:
    """One head's map: who looks is a row, what is looked at a column."""
    texts = found.tokens.texts
    return Map(
        values_RC=found.weights_LHTT[layer, head],
        rows=texts,
        columns=texts,
        said="{row} gives {column} {value} % of its attention.",
        masked_RC=found.masked_TT,
        square=True,
    )


def head_habit(found: AttentionMaps, layer: int, head: int) -> str:
    """What a head does most, in a sentence."""
    shares = {
        "the token before": found.previous_LH[layer, head],
        "the token itself": found.itself_LH[layer, head],
        "the end token before the text, which many heads use as a place to rest": found.first_LH[layer, head],
        "the token after, which it is to predict": found.next_LH[layer, head],
    }
    most = max(shares, key=lambda name: shares[name])
    distance = f"It looks {found.distance_LH[layer, head]:.1f} tokens away on average"
    return f"{distance}; {percent(float(shares[most]))} goes to {most}."


def depth_map(found: Lens) -> Map:
    """What each depth would have given the token that came."""
    return Map(
        values_RC=np.exp(-found.nats_PT),
        rows=depth_names(len(found.nats_PT)),
        columns=found.tokens.texts,
        said="{row} gives {column} {value} %.",
    )


def depth_names(depths: int) -> list[str]:
    """What the rows of a lens stand for."""
    return ["Embedding", *(f"Layer {layer}" for layer in range(1, depths - 1)), f"Layer {depths - 1}, the model"]


def of_unit(found: Units, name: str, layer: int, unit: int) -> list[Shade]:
    """One value of one unit over the text: gates from 0 to 1, the others from -1 to 1 by two colours."""
    values_T = unit_values(found, name, layer, unit)
    return [
        Shade(text, strength=min(1.0, abs(value)), colour="cold" if value < 0 else "heat", said=f"{value:.2f}")
        for text, value in zip(found.tokens.texts, values_T.tolist(), strict=True)
    ]


def unit_values(found: Units, name: str, layer: int, unit: int) -> Floats:
    """A value that fits between -1 and 1: an LSTM's cell as it shows it, by tanh."""
    values_T = found.of(name, layer, unit)
    return np.tanh(values_T) if name == "cell" else values_T


def unit_map(found: Units, names: Sequence[str], layer: int, unit: int) -> Map:
    """All values of one unit, one below the other."""
    return Map(
        values_RC=np.stack([unit_values(found, name, layer, unit) for name in names]),
        rows=[unit_value_name(name) for name in names],
        columns=found.tokens.texts,
        said="{row} after {column}: {value}",
        signed=True,
    )


UNIT_VALUES = {
    "hidden": "Shown (h)",
    "cell": "Memory (c)",
    "forget": "Forget gate (f)",
    "input": "Input gate (i)",
    "output": "Output gate (o)",
    "reset": "Reset gate (r)",
    "update": "Update gate (z)",
    "content": "New content (g)",
}


def unit_value_name(name: str) -> str:
    """A value's name, with its letter in the equations."""
    return UNIT_VALUES.get(name, name)


def of_evidence(found: NGramEvidence) -> list[Shade]:
    """The longer the n-gram that the tables hold, the stronger the colour."""
    order = found.known_TL.shape[1]
    return [
        Shade(
            text,
            strength=length / order,
            colour="tint-3",
            said=f"{length} tokens of it stand in the training text; {bits:.1f} bits",
            rows=tuple((one.text, one.prob) for one in continuations),
            came=next((row for row, one in enumerate(continuations) if one.id == token), None),
        )
        for text, token, length, bits, continuations in zip(
            found.tokens.texts,
            found.tokens.ids.tolist(),
            found.lengths_T.tolist(),
            (found.nats_T / np.log(2)).tolist(),
            found.continuations,
            strict=True,
        )
    ]


def of_mixture(found: MixtureWeights) -> list[Shade]:
    """Each token in the colour of the part that brought most of its probability."""
    return [
        Shade(
            text,
            strength=max(shares),
            colour=TINTS[int(np.argmax(shares)) % len(TINTS)],
            said="; ".join(f"{part} {percent(share)}" for part, share in zip(found.parts, shares, strict=True)),
        )
        for text, shares in zip(found.tokens.texts, found.responsibilities_TK.tolist(), strict=True)
    ]


def ordinal(rank: int) -> str:
    """1 as `first`, 2 as `2nd`, 13 as `13th`."""
    if rank == 1:
        return "first"
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{ending}"


def context(texts: Sequence[str], place: int, most: int = 24) -> str:
    """The text before a place, its end at most."""
    before = "".join(readable(text) if text.isspace() and text != " " else text for text in texts[:place])
    return f"…{before[-most:]}" if len(before) > most else before
