"""The controls of sampling: each is a field of `GenerationConfig`, whose documentation is its hint."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from inkloom.generation import GenerationConfig
from inkloom.serving.studio.session import MOST_SAMPLES
from inkloom.serving.studio.widgets import Field, Html
from inkloom.serving.studio.widgets.field import Kind


class Control(NamedTuple):
    """How a field of GenerationConfig is set on a page."""

    label: str
    kind: Kind
    attributes: Mapping[str, Any] = MappingProxyType({})
    named: Mapping[str, str] = MappingProxyType({})
    """What stands for some of its values."""


CONTROLS = {
    "temperature": Control("Temperature", "range", {"min": 0, "max": 2, "step": 0.05}, {"0": "greedy"}),
    "top_k": Control("Top-k", "range", {"min": 0, "max": 100, "step": 1}, {"0": "all"}),
    "top_p": Control("Top-p", "range", {"min": 0.05, "max": 1, "step": 0.05}, {"1": "all"}),
    "min_p": Control("Min-p", "range", {"min": 0, "max": 0.5, "step": 0.01}, {"0": "all"}),
    "repetition_penalty": Control("Repetition penalty", "range", {"min": 1, "max": 2, "step": 0.05}, {"1": "none"}),
    "max_tokens": Control("Length in tokens", "number", {"min": 1, "max": 8192, "step": 1}),
    "num_samples": Control("Texts of each model", "number", {"min": 1, "max": MOST_SAMPLES, "step": 1}),
    "seed": Control("Seed", "number", {"min": 0, "step": 1, "placeholder": "new each time"}),
    "stop": Control("Stop at", "text", {"placeholder": "nothing", "maxlength": 200}),
    "greedy": Control("Always the likeliest token", "checkbox"),
}

SHAPING = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
"""Those that shape the distribution of the next token."""

HINTS = {
    **{name: text for name, _, text in GenerationConfig.help_lines()},
    "max_tokens": "The most to write after the beginning.",  # the field's own hint is about a setting that is not here
}


def controls(
    names: tuple[str, ...], settings: dict[str, Any], on_change: Callable[[], Any], hints: bool = True
) -> None:
    """A control for each of these fields, which writes what is chosen into `settings`."""
    with Html("div", classes="controls"):
        for name in names:
            _control(name, settings, on_change, hints)


def _control(name: str, settings: dict[str, Any], on_change: Callable[[], Any], hints: bool) -> None:
    control = CONTROLS[name]

    def take(value: Any) -> Any:
        settings[name] = parsed(name, value)
        return on_change()

    Field(
        control.kind,
        control.label,
        shown(name, settings[name]),
        take,
        hint=HINTS[name] if hints else "",
        named=control.named,
        **control.attributes,
    )


def parsed(name: str, value: Any) -> Any:
    """A control's value as `GenerationConfig` takes it: an empty box is the field's default."""
    if name == "stop":
        return (value.replace("\\n", "\n"),) if value else ()
    if value is None:
        return GenerationConfig.model_fields[name].get_default()
    return value


def shown(name: str, value: Any) -> Any:
    """A field's value as its control takes it."""
    if name == "stop":
        return value[0].replace("\n", "\\n") if value else ""
    return value
