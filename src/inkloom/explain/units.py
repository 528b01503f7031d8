"""What the units of a recurrent network do while it reads a text, and which of them do something that can be named.

After A. Karpathy, J. Johnson and L. Fei-Fei, "Visualizing and Understanding Recurrent Networks" (2015,
arXiv:1506.02078): cells coloured over the text, and how often gates are open or shut.

On a text of some hundred tokens a few of some hundred units follow anything by chance. So a correlation is held against
those of all units with the same feature shifted along the text: there they have nothing to do with each other, but
change as slowly as they did, which is what makes chance strong.

Shapes: T tokens of the text, L layers, H units of a layer, F features, S shifts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from inkloom.explain.features import FEATURES, features_of
from inkloom.explain.tokens import Floats, Text, Tokens, check_number, tokens_of
from inkloom.models.base import LanguageModel, ShowsUnits
from inkloom.tokenizers.base import Tokenizer

SHUT, OPEN = 0.1, 0.9
"""A gate below the one or above the other is saturated, as in section 4.2 of the paper."""

GATES = ("forget", "input", "output", "reset", "update")
"""Values between 0 and 1 that multiply others."""

SHIFTS = 64

LEAST_CORRELATION = 0.3
"""What is weaker is no following, however sure it is."""


@dataclass(frozen=True)
class Finding:
    """A unit that is worth looking at, and why."""

    layer: int
    """An index, from 0 on, as `unit` is. People and JSON count both from 1."""

    unit: int
    follows: str | None = None
    """The feature that it follows; None where it was asked for, or is here since it varies much."""

    correlation: float | None = None
    """Pearson's, with the feature."""

    chance: float | None = None
    """The strongest correlation, positive or negative, that any unit has with the feature in any of the shifts."""


@dataclass(frozen=True)
class Units:
    """What every unit held after each token."""

    tokens: Tokens
    values: Mapping[str, Floats]
    """(L, T, H) each: `hidden`, in an LSTM `cell`, the gates, and the new `content`."""

    chosen: tuple[Finding, ...]
    """The units to look at first."""

    @property
    def memory(self) -> str:
        """The values that last from token to token."""
        return "cell" if "cell" in self.values else "hidden"

    @property
    def memory_LTH(self) -> Floats:
        """The memory between -1 and 1: tanh of an LSTM's cells, which is what it shows through the output gate."""
        return np.tanh(self.values["cell"]) if "cell" in self.values else self.values["hidden"]

    @property
    def gates(self) -> tuple[str, ...]:
        """The names of the values that are gates."""
        return tuple(name for name in GATES if name in self.values)

    def saturation(self, gate: str) -> tuple[Floats, Floats]:
        """How much of the text each unit's gate is shut (below 0.1) and open (above 0.9): two shares, (L, H) each."""
        values_LTH = self.values[gate]
        return (values_LTH < SHUT).mean(axis=1, dtype=np.float32), (values_LTH > OPEN).mean(axis=1, dtype=np.float32)

    def of(self, name: str, layer: int, unit: int) -> Floats:
        """One value of one unit along the text, (T,)."""
        return self.values[name][layer, :, unit]

    def as_json(self) -> dict[str, Any]:
        """The chosen units with all their values, and the saturation of every gate, averaged over each layer."""
        return {
            "tokens": list(self.tokens.texts),
            "ids": self.tokens.ids.tolist(),
            "layers": len(self.values["hidden"]),
            "units": self.values["hidden"].shape[2],
            "memory": self.memory,
            "chosen": [
                {
                    "layer": found.layer + 1,
                    "unit": found.unit + 1,
                    "follows": found.follows,
                    "correlation": found.correlation,
                    "chance": found.chance,
                    "values": {name: self.of(name, found.layer, found.unit).tolist() for name in self.values},
                }
                for found in self.chosen
            ],
            "saturation": {
                gate: {"shut": shut_LH.mean(axis=1).tolist(), "open": open_LH.mean(axis=1).tolist()}
                for gate, (shut_LH, open_LH) in ((gate, self.saturation(gate)) for gate in self.gates)
            },
        }


def units(
    model: LanguageModel,
    tokenizer: Tokenizer,
    text: Text,
    layer: int | None = None,
    chosen: Sequence[int] | None = None,
    top: int = 8,
) -> Units:
    """What every unit of a recurrent network holds after each token of a text.

    chosen: indices of the units to look at, in `layer` (the last where none is given). Where none are given, the `top`
        most telling ones of that layer, or of all.

    Raises InputError for a text that is empty or that the tokenizer does not know, and for units that are not there.
    """
    if not isinstance(model, ShowsUnits):
        raise TypeError(f"{type(model).__name__} shows no units")
    tokens = tokens_of(tokenizer, text)
    read_T = torch.from_numpy(np.concatenate([[tokenizer.end_id], tokens.ids])).to(model.device)
    with torch.inference_mode():
        values = {name: value_LTH[:, 1:].cpu().numpy() for name, value_LTH in model.unit_values(read_T).items()}
    seen = Units(tokens, values, ())
    _check(seen, layer, chosen or ())
    if chosen:
        asked = len(values["hidden"]) - 1 if layer is None else layer
        return Units(tokens, values, tuple(Finding(asked, unit) for unit in chosen))
    return Units(tokens, values, tuple(telling_units(seen, layer, top)))


def telling_units(seen: Units, layer: int | None, top: int) -> list[Finding]:
    """For each feature the unit that follows it best, if by more than chance; then those that vary most. `top` in all.

    layer: the layer to look in; None is all of them.
    """
    layers = range(len(seen.memory_LTH)) if layer is None else [layer]
    memory_TN = np.concatenate([seen.memory_LTH[place] for place in layers], axis=1)  # N units, of all these layers
    places = [(place, unit) for place in layers for unit in range(seen.memory_LTH.shape[2])]
    found: dict[int, Finding] = {}  # a unit stands for one feature alone
    for follows, correlations_N, chance in correlations(memory_TN, seen.tokens.texts):
        strengths_N = abs(correlations_N)
        strengths_N[list(found)] = 0.0
        best = int(strengths_N.argmax())
        if strengths_N[best] > max(chance, LEAST_CORRELATION):
            found[best] = Finding(*places[best], follows, float(correlations_N[best]), chance)
    following = sorted(found.values(), key=lambda finding: -abs(finding.correlation or 0.0))
    varying = [Finding(*places[unit]) for unit in np.argsort(-memory_TN.std(axis=0)).tolist() if unit not in found]
    return [*following, *varying][:top]


def correlations(memory_TN: Floats, texts: Sequence[str]) -> list[tuple[str, Floats, float]]:
    """For each feature that changes in the text: its name, each unit's correlation with it, (N,), and the strongest
    that chance gave one of them."""
    units_TN = _standardised(memory_TN)
    found = []
    for feature, values_T in zip(FEATURES, features_of(texts), strict=True):
        if values_T.std() > 0:
            shifted_ST = _shifted(_standardised(values_T[:, None])[:, 0])
            correlations_SN = shifted_ST @ units_TN / len(values_T)
            chance = float(abs(correlations_SN[1:]).max()) if len(correlations_SN) > 1 else 1.0
            found.append((feature.name, correlations_SN[0], chance))
    return found


def _shifted(values_T: Floats) -> Floats:
    """A feature as it is, then shifted round the text by even steps, none of them close to a whole round: (S, T)."""
    T = len(values_T)
    near = T // 10
    shifts = np.unique(np.linspace(near, T - near, SHIFTS).astype(int)) if T >= 20 else np.array([], int)
    return np.stack([values_T, *(np.roll(values_T, shift) for shift in shifts)])


def _standardised(values_TN: Floats) -> Floats:
    """With mean 0 and standard deviation 1 along the text; 0 where nothing changes."""
    spread_N = values_TN.std(axis=0)
    centred_TN = values_TN - values_TN.mean(axis=0)
    standardised_TN: Floats = np.divide(centred_TN, spread_N, out=np.zeros_like(centred_TN), where=spread_N > 1e-6)
    return standardised_TN


def _check(seen: Units, layer: int | None, chosen: Sequence[int]) -> None:
    L, _, H = seen.values["hidden"].shape
    check_number("layer", layer, L)
    for unit in chosen:
        check_number("unit", unit, H)
