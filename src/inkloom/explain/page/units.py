"""The section on units: their memory and gates over the text, and how often gates are shut and open."""

from inkloom.explain import tints, words
from inkloom.explain.page.pieces import Section, Stained
from inkloom.explain.pictures import saturation_plot
from inkloom.explain.tints import Tint
from inkloom.explain.units import Finding, Units
from inkloom.pages.figures import Drawing, as_svg


def section(shown: Units) -> Section:
    layers = range(len(shown.memory_LTH)) if shown.gates else ()
    drawings = [
        Drawing(
            f"Layer {layer + 1}",
            as_svg(saturation_plot(shown, layer), f"saturation-{layer + 1}"),
            words.saturation_summary(shown, layer),
        )
        for layer in layers
    ]
    memory = "the cell, as it shows it (tanh)" if shown.memory == "cell" else "the hidden value"
    legend = [("−1", Tint("--series-1", 1.0)), ("0", Tint("--series-1", 0.0)), ("1", Tint("--series-2", 1.0))]
    return Section(
        "units",
        "What its units do",
        [
            f"The text is coloured by {memory} after each token. Units that follow something stand first: the one that "
            "follows it best, where that is better than any unit does on the text shifted against itself.",
        ],
        {
            "legend": legend,
            "units": [
                (words.unit_title(unit), words.unit_finding(unit), *_texts(shown, unit)) for unit in shown.chosen
            ],
            "drawings": drawings,
        },
    )


def _texts(shown: Units, unit: Finding) -> tuple[Stained, list[Stained]]:
    """The unit's memory over the text, and its gates."""
    texts = shown.tokens.texts
    memory = Stained.of("memory", texts, tints.of_signed(shown.memory_LTH[unit.layer, :, unit.unit]))
    gates = [
        Stained.of(f"{gate} gate", texts, tints.of_gate(shown.of(gate, unit.layer, unit.unit))) for gate in shown.gates
    ]
    return memory, gates
