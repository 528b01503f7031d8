import pytest

from inkloom.config import Config, build, parse_overrides
from inkloom.errors import InputError


class Small(Config):
    """A config."""

    hidden_size: int = 512
    """Units in a
    layer."""

    name: str | None = None
    """A name."""

    needed: float
    """No default."""


def test_overrides_become_sections():
    found = parse_overrides(["model.hidden_size=12", "model.name = none", "training.x-y=a=b"], ["model", "training"])
    assert found == {"model": {"hidden_size": "12", "name": None}, "training": {"x_y": "a=b"}}


@pytest.mark.parametrize("item", ["hidden_size=3", "model.hidden_size", "model.=3", "=", "", "model"])
def test_what_is_no_override_is_refused(item):
    with pytest.raises(InputError, match=r"takes SECTION\.FIELD=VALUE"):
        parse_overrides([item], ["model"])


def test_an_unknown_section_names_the_nearest():
    with pytest.raises(InputError, match="Did you mean model"):
        parse_overrides(["modle.x=1"], ["model", "training"])


def test_build_parses_text():
    assert build(Small, {"hidden_size": "7", "needed": "0.5"}, "model") == Small(hidden_size=7, needed=0.5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"needed": 1, "hidden_sise": 3}, "Did you mean hidden_size"),
        ({"needed": 1, "hidden_size": "many"}, r"model\.hidden_size got 'many'"),
        ({}, r"model\.needed.* required"),
    ],
)
def test_build_says_in_one_line_what_is_wrong(fields, message):
    with pytest.raises(InputError, match=message) as caught:
        build(Small, fields, "model")
    assert "\n" not in str(caught.value)


def test_help_lines_are_the_documentation_of_the_fields():
    assert Small.help_lines() == [
        ("hidden_size", "512", "Units in a layer."),
        ("name", "None", "A name."),
        ("needed", "required", "No default."),
    ]


def test_configs_are_frozen_and_replaced_by_checked_copies():
    small = Small(needed=1)
    with pytest.raises(ValueError, match="frozen"):
        small.needed = 2
    assert small.replace(hidden_size=3).hidden_size == 3
    with pytest.raises(ValueError, match="hidden_size"):
        small.replace(hidden_size="many")
