import pytest

from inkloom.config import build
from inkloom.errors import InputError
from inkloom.generation import GenerationConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_tokens", 0),
        ("max_words", 0),
        ("temperature", -0.1),
        ("temperature", "nan"),
        ("temperature", "inf"),
        ("top_k", -1),
        ("top_k", 1.5),
        ("top_p", 0),
        ("top_p", 1.01),
        ("top_p", "nan"),
        ("min_p", -0.01),
        ("min_p", 2),
        ("repetition_penalty", 0),
        ("num_samples", 0),
        ("seed", -1),
        ("stop", ["a", ""]),
        ("stop", ""),
    ],
)
def test_a_value_out_of_range_is_one_line_that_names_it(field, value):
    with pytest.raises(InputError) as raised:
        build(GenerationConfig, {field: value}, "generation")
    assert str(raised.value).startswith(f"generation.{field} got ")
    assert len(str(raised.value).splitlines()) == 1


def test_values_may_be_text_from_the_command_line():
    config = build(GenerationConfig, {"temperature": "0.8", "top_k": "40", "seed": "7"}, "generation")
    assert (config.temperature, config.top_k, config.seed) == (0.8, 40, 7)


def test_a_number_of_words_is_not_cut_short_by_tokens_that_nobody_asked_for():
    assert GenerationConfig(max_words=50).max_tokens == 2000
    assert GenerationConfig(max_words=50, max_tokens=7).max_tokens == 7
    assert GenerationConfig().max_tokens == 200
    assert build(GenerationConfig, {"max_words": "50"}, "generation").max_tokens == 2000


def test_one_stop_text_needs_no_list():
    assert GenerationConfig(stop="\n\n").stop == ("\n\n",)
    assert GenerationConfig(stop=["a", "b"]).stop == ("a", "b")


@pytest.mark.parametrize(
    ("settings", "greedy"),
    [({}, False), ({"greedy": True}, True), ({"temperature": 0}, True), ({"temperature": 1e-9}, True)],
)
def test_no_temperature_is_greedy(settings, greedy):
    assert GenerationConfig(**settings).is_greedy is greedy


def test_every_field_has_a_line_of_help():
    for name, _, documentation in GenerationConfig.help_lines():
        assert documentation, name
