"""Gates and units: what a recurrent network keeps of a text, and what its gates do with it."""

from inkloom.explain import Units, units
from inkloom.explain.units import Finding
from inkloom.pages.page import percent
from inkloom.serving.studio.shades import UNIT_VALUES, of_unit, unit_map, unit_value_name
from inkloom.serving.studio.views.stage import Stage
from inkloom.serving.studio.widgets import Field, HeatMap, Html, TokenText, note


async def units_view(stage: Stage) -> None:
    """The text coloured by one value of one unit, and all values of that unit."""
    UnitsView(await stage.ask(lambda model, tokenizer: units(model, tokenizer, stage.ids)))


class UnitsView:
    """The view's elements, and the unit that they show."""

    def __init__(self, found: Units) -> None:
        self.found = found
        self.layer, self.unit, self.value = found.chosen[0].layer, found.chosen[0].unit, found.memory
        self.names = [name for name in UNIT_VALUES if name in found.values]
        L, _, H = found.values["hidden"].shape
        with Html("div", classes="stack"):
            with Html("div", classes="row selects"):
                telling = {str(place): _described(finding) for place, finding in enumerate(found.chosen)}
                Field("select", "A telling unit", "0", self._choose_telling, options=telling).classes("wide")
                self.layers = Field(
                    "select",
                    "Layer",
                    str(self.layer),
                    self._choose_layer,
                    options={str(i): str(i + 1) for i in range(L)},
                )
                self.units = Field(
                    "number", f"Unit, 1 to {H:,}", self.unit + 1, self._choose_unit, min=1, max=H, step=1
                )
                values = {name: unit_value_name(name) for name in self.names}
                Field("select", "Coloured by", self.value, self._choose_value, options=values)
            self.text = TokenText("The text, coloured by what the unit holds after each token")
            with Html("p", classes="scale both"):
                Html("span", "-1")
                Html("i", aria_hidden="true")
                Html("span", "1; gates go from 0 to 1")
            Html("h2", "All that this unit does")
            self.map = HeatMap("The unit's values after each token")
            self.saturation = Html("p", "", "quiet")
            _explain(found)
        self._show()

    def _choose_telling(self, place: str) -> None:
        finding = self.found.chosen[int(place)]
        self.layer, self.unit = finding.layer, finding.unit
        self.layers.set(str(self.layer))
        self.units.set(self.unit + 1)
        self._show()

    def _choose_layer(self, layer: str) -> None:
        self.layer = int(layer)
        self._show()

    def _choose_unit(self, number: float | None) -> None:
        units_of_layer = self.found.values["hidden"].shape[2]
        if number is None or not 1 <= number <= units_of_layer:
            self.units.complain(f"Units go from 1 to {units_of_layer:,}.")
            return
        self.units.complain("")
        self.unit = int(number) - 1
        self._show()

    def _choose_value(self, name: str) -> None:
        self.value = name
        self._show()

    def _show(self) -> None:
        self.text.show(of_unit(self.found, self.value, self.layer, self.unit))
        self.map.show(unit_map(self.found, self.names, self.layer, self.unit))
        self.saturation.text = _saturation(self.found, self.layer, self.unit)


def _described(finding: Finding) -> str:
    unit = f"unit {finding.unit + 1} of layer {finding.layer + 1}"
    if finding.follows is None:
        return f"{unit}, which varies much"
    return f"{unit} follows {finding.follows} (r = {finding.correlation:.2f}; by chance {finding.chance:.2f})"


def _saturation(found: Units, layer: int, unit: int) -> str:
    """How often the unit's gates are shut and open."""
    told = []
    for gate in found.gates:
        shut_LH, open_LH = found.saturation(gate)
        told.append(
            f"{unit_value_name(gate)}: open {percent(float(open_LH[layer, unit]))}, "
            f"shut {percent(float(shut_LH[layer, unit]))} of the text"
        )
    return "; ".join(told) + "." if told else ""


def _explain(found: Units) -> None:
    gates = (
        "Gates multiply: the forget gate keeps the memory (1) or clears it (0), the input gate lets new content in, "
        "the output gate shows the memory to the rest of the network."
        if "forget" in found.values
        else "Gates multiply: where a gate is 0 it shuts something off, where it is 1 it lets it through."
    )
    note(
        "A recurrent network reads one token at a time and keeps a memory of fixed size: some hundred numbers, its "
        "units. Here one unit is shown over the whole text, after each token.",
        *([gates] if found.gates else []),
        "The telling units follow something that can be named, more closely than chance would have it. Most do not: "
        "what a network knows is spread over all of them.",
    )
