"""The table of views: which models have which, and all of them at once."""

import pytest

from inkloom.errors import InputError
from inkloom.explain import VIEWS, explain, views_of
from inkloom.explain.views import check_views
from inkloom.models import LANGUAGE_MODELS
from inkloom.runs.run import Run, load_run
from tests.explain.models import MODELS, TEXT, TOKENIZER

OWN = {
    "rnn": {"units"},
    "gru": {"units"},
    "lstm": {"units"},
    "transformer": {"attention", "lens"},
    "unmasked": {"attention", "training_attention", "lens"},
    "ngram": {"evidence"},
    "mixture": {"mixture"},
}


@pytest.mark.parametrize("family", MODELS)
def test_every_family_has_its_views(family):
    assert set(views_of(MODELS[family]())) == {"surprisal", "next", *OWN[family]}


def test_every_family_is_tried():
    assert set(LANGUAGE_MODELS) == set(MODELS)


@pytest.mark.parametrize("family", MODELS)
def test_every_view_of_a_model_can_be_had(family):
    model = MODELS[family]()
    for name in views_of(model):
        assert VIEWS[name].function(model, TOKENIZER, TEXT).as_json()["tokens"]


def test_a_run_is_explained_as_its_model_is(finished_run):
    run = load_run(finished_run)
    found = explain(run, "The text", units={"chosen": [3]})
    assert list(found) == ["surprisal", "next", "units"]
    assert [one.unit for one in found["units"].chosen] == [3]
    assert list(explain(run, "The text", ["Units"])) == ["units"]
    assert isinstance(run, Run)


def test_a_view_that_a_model_lacks_is_named_with_those_it_has():
    with pytest.raises(InputError, match=r"'attention' is no view of this model \(LSTM\)\. Known: next, surpr"):
        check_views(MODELS["lstm"](), ["surprisal", "attention"])
