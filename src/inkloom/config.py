"""Typed configurations: frozen, keyword-only, with a documented line a field that is also the help text.

A component nests its own `Config` (a subclass of the one here) and documents each field by the string below it.
Users change fields by dotted overrides, `-o model.hidden_size=512`, which `parse_overrides` and `build` turn into a
checked config or into one line that names the nearest field.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Self, TypeVar

import pydantic

from inkloom.errors import InputError, unknown_name


class Config(pydantic.BaseModel):
    """Base of all configs: immutable, no unknown fields, docs under the fields."""

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True, protected_namespaces=()
    )

    @classmethod
    def help_lines(cls) -> list[tuple[str, str, str]]:
        """(field, default, documentation) for every field, in order: what a help page shows."""
        return [
            (
                name,
                "required" if field.is_required() else str(field.get_default(call_default_factory=True)),
                " ".join((field.description or "").split()),
            )
            for name, field in cls.model_fields.items()
        ]

    def replace(self, **changes: object) -> Self:
        """A checked copy with some fields changed."""
        return type(self).model_validate({**self.model_dump(), **changes})


ConfigT = TypeVar("ConfigT", bound=Config)


def parse_overrides(items: Iterable[str], sections: Iterable[str]) -> dict[str, dict[str, Any]]:
    """`["model.hidden_size=512", …]` as `{"model": {"hidden_size": "512"}, …}`, one key for each of `sections`.

    Values stay text, which the config's types parse; `none` is None. Raises InputError for an item
    without `=` or a section that is not known.
    """
    found: dict[str, dict[str, Any]] = {section: {} for section in sections}
    for item in items:
        dotted, equals, value = item.partition("=")
        section, dot, field = dotted.strip().replace("-", "_").partition(".")
        if not (equals and dot and field):
            example = next(iter(found))
            raise InputError(f"-o got {item!r}; it takes SECTION.FIELD=VALUE, such as -o {example}.FIELD=VALUE.")
        if section not in found:
            raise unknown_name("section of -o", section, found)
        found[section][field] = None if value.strip().lower() in ("none", "null") else value.strip()
    return found


def build(config_class: type[ConfigT], fields: Mapping[str, object], section: str) -> ConfigT:
    """`config_class(**fields)`; a wrong field or value raises InputError with one line that names it.

    `section` is how the user writes the config's place, such as `model` in `-o model.hidden_size=512`.
    """
    unknown = [name for name in fields if name not in config_class.model_fields]
    if unknown:
        raise unknown_name(f"field of {section}", unknown[0], config_class.model_fields)
    try:
        return config_class.model_validate(dict(fields))
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join([section, *(str(part) for part in problem["loc"])])
        reason = problem["msg"].removeprefix("Value error, ").rstrip(".")
        got = f" got {problem['input']!r}:" if problem["loc"] else ""
        raise InputError(f"{where}{got} {reason[:1].lower()}{reason[1:]}.") from error
