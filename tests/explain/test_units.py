"""Units against the networks' equations, and findings in networks that are made to have them.

Shapes: T tokens, L layers, H units.
"""

import json

import numpy as np
import pytest
import torch

from inkloom.errors import InputError
from inkloom.explain.features import FEATURES
from inkloom.explain.tokens import tokens_of
from inkloom.explain.units import Units, correlations, telling_units, units
from inkloom.models.gru import GRU, gru_gates
from inkloom.models.lstm import LSTM, lstm_gates
from inkloom.models.rnn import RNN
from tests.explain.models import LINES, TEXT, TOKENIZER, ngram, recurrent
from tests.models.test_recurrent import reference_step

FAMILIES = [RNN, GRU, LSTM]


@pytest.mark.parametrize("family", FAMILIES)
def test_values_are_those_of_the_equations(family):
    model = recurrent(family)
    values = units(model, TOKENIZER, TEXT).values
    states = [tuple(part[:1] for part in state) for state in zip(*model.initial_state(1), strict=True)]
    read = [TOKENIZER.end_id, *TOKENIZER.encode_prompt(TEXT)]
    for place, token in enumerate(read, start=-1):
        x_1I = model.embedding.weight[[token]]
        for depth, layer in enumerate(model.layers):
            before, states[depth] = states[depth], reference_step(family, layer, x_1I, states[depth])
            if place >= 0:
                expected = expected_values(family, layer, x_1I, before, states[depth])
                assert expected.keys() == values.keys()
                for name, value_1H in expected.items():
                    found_H = torch.from_numpy(values[name][depth, place])
                    torch.testing.assert_close(found_H, value_1H[0].detach(), rtol=1e-4, atol=1e-5)
            x_1I = states[depth][0]


def expected_values(family, layer, x_1I, before, after):
    if family is RNN:
        return {"hidden": after[0]}
    if family is GRU:
        return dict(
            zip(("reset", "update", "content"), gru_gates(layer, x_1I, before[0]), strict=True), hidden=after[0]
        )
    names = ("forget", "input", "output", "content")
    gates = dict(zip(names, lstm_gates(layer, x_1I, before[0]), strict=True))
    return {**gates, "hidden": after[0], "cell": after[1]}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_last_values_are_the_state_that_the_model_itself_ends_with(family):
    model = recurrent(family)
    seen = units(model, TOKENIZER, TEXT)
    with torch.no_grad():
        _, state = model(torch.tensor([[TOKENIZER.end_id, *TOKENIZER.encode_prompt(TEXT)]]), model.initial_state(1))
    for name, part_L1H in zip(("hidden", "cell"), state, strict=False):
        np.testing.assert_allclose(seen.values[name][:, -1], part_L1H[:, 0], rtol=1e-4, atol=1e-5)
    assert all(value_LTH.shape == (2, len(TEXT), 9) for value_LTH in seen.values.values())


def test_gates_lie_between_shut_and_open():
    seen = units(recurrent(LSTM), TOKENIZER, TEXT)
    assert seen.gates == ("forget", "input", "output")
    assert units(recurrent(GRU), TOKENIZER, TEXT).gates == ("reset", "update")
    assert units(recurrent(RNN), TOKENIZER, TEXT).gates == ()
    for gate in seen.gates:
        shut_LH, open_LH = seen.saturation(gate)
        values_LTH = seen.values[gate]
        assert shut_LH.shape == open_LH.shape == (2, 9)
        assert shut_LH[1, 4] == pytest.approx(np.mean(values_LTH[1, :, 4] < 0.1))
        assert open_LH[0, 2] == pytest.approx(np.mean(values_LTH[0, :, 2] > 0.9))


def test_memory_is_what_lasts():
    seen = units(recurrent(LSTM), TOKENIZER, TEXT)
    assert seen.memory == "cell"
    np.testing.assert_allclose(seen.memory_LTH, np.tanh(seen.values["cell"]))
    other = units(recurrent(GRU), TOKENIZER, TEXT)
    assert (other.memory, other.memory_LTH is other.values["hidden"]) == ("hidden", True)


LONG = "".join(np.random.default_rng(2).choice([*LINES.split(), "Ann", " ", "\n"], 150))
"""Words without an order: what repeats itself is followed as well some rounds later."""


def planted(**columns):
    """Units of one layer that do nothing but drift at random, except those that are given: (T,) each."""
    T = len(LONG)
    values_LTH = np.cumsum(np.random.default_rng(0).normal(size=(1, T, 30)), axis=1).astype(np.float32)
    values_LTH = 0.1 * (values_LTH - values_LTH.mean(axis=1)) / values_LTH.std(axis=1)
    for unit, column in columns.items():
        values_LTH[0, :, int(unit.removeprefix("unit_"))] = column
    return Units(tokens_of(TOKENIZER, LONG), {"hidden": values_LTH}, ())


def position_in_line(text):
    return np.array([len(text[: place + 1]) - 1 - text[: place + 1].rfind("\n") for place in range(len(text))])


def test_a_unit_that_follows_something_is_found_and_named():
    line = position_in_line(LONG) / 30
    capitals = np.array([-0.8 if char.isupper() else 0.1 for char in LONG])
    found = telling_units(planted(unit_7=line, unit_3=capitals), layer=None, top=4)
    named = {finding.follows: finding for finding in found if finding.follows}
    assert named["the position in the line"].unit == 7
    assert named["the position in the line"].correlation == pytest.approx(1)
    assert named["capital letters"].unit == 3
    assert named["capital letters"].correlation == pytest.approx(-1, abs=1e-4)
    assert all(abs(finding.correlation) > finding.chance > 0 for finding in named.values())
    assert len(found) == 4
    assert len({finding.unit for finding in found}) == 4


def test_what_drifts_at_random_follows_nothing():
    assert not any(finding.follows for finding in telling_units(planted(), layer=None, top=10))


def test_the_rest_is_chosen_by_how_much_it_varies():
    noise = np.random.default_rng(1).normal(size=len(LONG))
    found = telling_units(planted(unit_12=noise), layer=0, top=10)
    assert next(finding.unit for finding in found if not finding.follows) == 12


def test_units_that_never_change_correlate_with_nothing():
    memory_TN = np.zeros((len(LINES), 3), np.float32)
    for _, correlations_N, _ in correlations(memory_TN, list(LINES)):
        assert not correlations_N.any()


def test_only_features_that_change_are_looked_for():
    names = [name for name, _, _ in correlations(np.eye(8, dtype=np.float32), list("abcdefgh"))]
    assert "capital letters" not in names
    assert "the position in the line" in names
    assert {feature.name for feature in FEATURES} > set(names)


def test_fewer_units_than_features_are_enough():
    line, capitals = position_in_line(LONG) / 30, np.array([float(char.isupper()) for char in LONG])
    values_LTH = np.stack([line, capitals], axis=1)[None].astype(np.float32)
    found = telling_units(Units(tokens_of(TOKENIZER, LONG), {"hidden": values_LTH}, ()), layer=None, top=9)
    assert {(one.unit, one.follows) for one in found} == {(0, "the position in the line"), (1, "capital letters")}


def test_units_may_be_chosen():
    model = recurrent(LSTM)
    assert [(one.layer, one.unit) for one in units(model, TOKENIZER, TEXT, chosen=[4, 0]).chosen] == [(1, 4), (1, 0)]
    assert [(one.layer, one.unit) for one in units(model, TOKENIZER, TEXT, layer=0, chosen=[4]).chosen] == [(0, 4)]
    assert {one.layer for one in units(model, TOKENIZER, TEXT, layer=0).chosen} == {0}
    assert len(units(model, TOKENIZER, TEXT, top=5).chosen) == 5
    with pytest.raises(InputError, match=r"There is no unit 10\. Give one of 1 to 9\."):
        units(model, TOKENIZER, TEXT, chosen=[9])
    with pytest.raises(InputError, match=r"There is no layer 3\. Give one of 1 to 2\."):
        units(model, TOKENIZER, TEXT, layer=2)


def test_a_short_text_has_units_too():
    assert len(units(recurrent(LSTM), TOKENIZER, "a").chosen) == 8


def test_a_model_without_units_is_refused():
    with pytest.raises(TypeError, match="NGram shows no units"):
        units(ngram(), TOKENIZER, TEXT)


def test_json_holds_the_chosen_units():
    seen = units(recurrent(LSTM), TOKENIZER, TEXT, layer=1, chosen=[4])
    data = json.loads(json.dumps(seen.as_json(), allow_nan=False))
    (one,) = data["chosen"]
    assert (one["layer"], one["unit"]) == (2, 5)
    assert one["values"]["forget"] == seen.values["forget"][1, :, 4].tolist()
    assert data["saturation"]["input"]["open"][0] == pytest.approx(seen.saturation("input")[1][0].mean())
    assert (data["layers"], data["units"]) == (2, 9)
