"""Models made equally large."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inkloom.errors import InputError
from inkloom.experiments.comparison.sizes import LARGEST_MISS, count_parameters, size_fields, sized
from inkloom.models import MODELS

VOCAB, WINDOW = 65, 32


@settings(max_examples=10, deadline=None)
@example("transformer", 155_836)  # between two widths, each of which the size of its heads brings over the limit
@given(st.sampled_from(["rnn", "gru", "lstm", "transformer"]), st.integers(120_000, 10_000_000))
def test_the_number_is_met_within_5_per_cent(model, parameters):
    sizes = sized(model, {}, parameters, VOCAB, WINDOW)
    assert set(sizes) == set(size_fields(model))
    assert count_parameters(model, sizes, VOCAB, WINDOW) == pytest.approx(parameters, rel=LARGEST_MISS)
    if model == "transformer":
        assert 16 <= sizes["width"] / sizes["heads"] <= 64  # the family's own heads are 32 wide


@pytest.mark.parametrize("model", ["lstm", "transformer"])
def test_parameters_are_counted_as_the_model_has_them(model):
    family = MODELS.load(model)
    built = family(family.Config().resolve(WINDOW), VOCAB)
    expected = sum(parameter.numel() for parameter in built.parameters())
    assert count_parameters(model, {}, VOCAB, WINDOW) == expected


def test_other_fields_stay_as_they_are():
    wide = sized("lstm", {"embedding_size": 512}, 1_000_000, VOCAB, WINDOW)["hidden_size"]
    narrow = sized("lstm", {"embedding_size": 16}, 1_000_000, VOCAB, WINDOW)["hidden_size"]
    assert wide < narrow
    deep = sized("transformer", {"layers": 8}, 1_000_000, VOCAB, WINDOW)["width"]
    assert deep < sized("transformer", {"layers": 2}, 1_000_000, VOCAB, WINDOW)["width"]


def test_what_cannot_be_so_small_says_how_small_it_can_be():
    with pytest.raises(InputError, match=r"--parameters got 5,000, but lstm comes no nearer than \d\d,\d\d\d"):
        sized("lstm", {}, 5000, VOCAB, WINDOW)


def test_a_counted_family_has_no_size_to_choose():
    with pytest.raises(InputError, match="Leave it out of --models"):
        sized("ngram", {}, 5000, VOCAB, WINDOW)
