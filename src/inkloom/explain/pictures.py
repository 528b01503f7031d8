"""Every view as figures, by the names of their files."""

from collections.abc import Callable, Mapping

import numpy as np

from inkloom.explain import tints
from inkloom.explain.attention import AttentionMaps
from inkloom.explain.attention_plots import HeadPlot, HeadsPlot
from inkloom.explain.evidence import NGramEvidence
from inkloom.explain.lens import Lens
from inkloom.explain.mixing import MixtureWeights
from inkloom.explain.next_token import NextToken
from inkloom.explain.plots import BarsPlot, ColouredText, LensPlot, SaturationPlot, TextPlot
from inkloom.explain.surprisal import Surprisal
from inkloom.explain.tints import Tint
from inkloom.explain.units import Finding, Units
from inkloom.pages.figures import SERIES, Plot

GATE_COLOURS = dict(zip(("forget", "input", "output", "reset", "update"), SERIES, strict=False))

MASKED_COLOUR, UNMASKED_COLOUR = "--series-1", "--series-2"

Figures = Mapping[str, Plot]


def of_surprisal(shown: Surprisal) -> Figures:
    """The text, coloured by bits."""
    text = ColouredText("", shown.tokens.texts, tints.of_surprisal(shown))
    return {"surprisal": TextPlot([text], tints.surprisal_legend(shown))}


def of_next(shown: NextToken) -> Figures:
    """The likeliest tokens."""
    return {"next": BarsPlot(shown.top_texts, shown.drawn_V[: len(shown.top_texts)], "--series-1")}


def of_units(shown: Units) -> Figures:
    """Each chosen unit's memory and gates over the text, and the saturation of every layer's gates."""
    figures: dict[str, Plot] = {unit_name(unit): _unit_plot(shown, unit) for unit in shown.chosen}
    if shown.gates:
        for layer in range(len(shown.memory_LTH)):
            figures[f"saturation-layer-{layer + 1}"] = saturation_plot(shown, layer)
    return figures


def unit_name(unit: Finding) -> str:
    """How a unit's file is called."""
    return f"unit-layer-{unit.layer + 1}-{unit.unit + 1}"


def saturation_plot(shown: Units, layer: int) -> SaturationPlot:
    """How often each gate of a layer's units is shut and open."""
    shares = {gate: shown.saturation(gate) for gate in shown.gates}
    return SaturationPlot(
        {gate: (shut_LH[layer], open_LH[layer]) for gate, (shut_LH, open_LH) in shares.items()}, GATE_COLOURS
    )


def _unit_plot(shown: Units, unit: Finding) -> TextPlot:
    memory = shown.memory_LTH[unit.layer, :, unit.unit]
    texts = shown.tokens.texts
    name = "tanh of the cell" if shown.memory == "cell" else "hidden value"
    legend = [("-1", Tint("--series-1", 1.0)), ("0", Tint("--series-1", 0.0)), ("1", Tint("--series-2", 1.0))]
    legend += [("open gate", Tint("--series-3", 1.0))] if shown.gates else []
    parts = [ColouredText(f"layer {unit.layer + 1}, unit {unit.unit + 1}: {name}", texts, tints.of_signed(memory))]
    for gate in shown.gates:
        tinted = tints.of_gate(shown.of(gate, unit.layer, unit.unit))
        parts.append(ColouredText(f"{gate} gate", texts, tinted))
    return TextPlot(parts, legend)


def of_attention(shown: AttentionMaps, layer: int | None = None, head: int | None = None) -> Figures:
    """All heads side by side, and one head with the text along its sides: by default the most telling one."""
    stem = "attention" if shown.masked_TT.any() else "attention-unmasked"
    colour = MASKED_COLOUR if shown.masked_TT.any() else UNMASKED_COLOUR
    masked = bool(shown.masked_TT.any())
    layer, head = shown.telling_head(layer, head)
    return {
        stem: HeadsPlot([list(of_layer) for of_layer in shown.weights_LHTT], colour, masked),
        f"{stem}-layer-{layer + 1}-head-{head + 1}": HeadPlot(
            shown.weights_LHTT[layer, head], shown.tokens.texts, colour, masked
        ),
    }


def of_lens(shown: Lens) -> Figures:
    """The likeliest token at every depth."""
    top_texts = [[texts[0] for texts in row] for row in shown.top_texts]
    return {
        "lens": LensPlot(
            shown.tokens.texts, shown.depths, top_texts, shown.top_probs_PTK[..., 0], np.equal(shown.ranks_PT, 1)
        )
    }


def of_evidence(shown: NGramEvidence) -> Figures:
    """The text, coloured by the length of the n-gram that the tables hold."""
    order = shown.known_TL.shape[1]
    legend = [(f"{length}-gram", tints.of_length(length, order)) for length in range(1, order + 1)]
    return {"evidence": TextPlot([ColouredText("", shown.tokens.texts, tints.of_evidence(shown))], legend[:6])}


def of_mixture(shown: MixtureWeights) -> Figures:
    """The text, coloured by the part with most of the credit."""
    legend = [(name, Tint(tints.part_colour(part), 1.0)) for part, name in enumerate(shown.parts)]
    return {"mixture": TextPlot([ColouredText("", shown.tokens.texts, tints.of_mixture(shown))], legend)}


PICTURES: Mapping[str, Callable[..., Figures]] = {
    "surprisal": of_surprisal,
    "next": of_next,
    "units": of_units,
    "attention": of_attention,
    "training_attention": of_attention,
    "lens": of_lens,
    "evidence": of_evidence,
    "mixture": of_mixture,
}
