"""The frame of every report: one HTML page that needs nothing but itself, in light, dark and print.

Templates stand in `templates/` folders: here `page.html.jinja`, the frame with its style, and `parts.html.jinja`, the
pieces that pages share; each page's own one, which extends the frame, beside the code that fills it. All that is put
into them is escaped, but for `Markup`.
"""

import math
from functools import lru_cache

import jinja2


def render(package: str, template: str, **context: object) -> str:
    """The page that a template of a package makes of `context`; a name that the template asks for must be there."""
    return _environment(package).get_template(template).render(context)


def count(value: float | None) -> str:
    """1234567 as `1,234,567`; a dash where there is no number."""
    return "–" if _missing(value) else f"{value:,.0f}"


def decimal(value: float | None, places: int = 4) -> str:
    """1.51634 as `1.5163`; a dash where there is no number."""
    return "–" if _missing(value) else f"{value:,.{places}f}"


def percent(value: float | None) -> str:
    """0.01234 as `1.2 %`, which no line break divides; shares too small for that are not rounded to nothing."""
    if value is None or _missing(value):
        return "–"
    return "<\u00a00.1\u00a0%" if 0 < value < 0.0005 else f"{100 * value:,.1f}\u00a0%"


def duration(seconds: float | None) -> str:
    """75.2 as `1 min 15 s`."""
    if seconds is None or _missing(seconds):
        return "–"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def megabytes(value: float | None) -> str:
    """612345678 bytes as `612 MB`."""
    return "–" if value is None or _missing(value) else f"{value / 1e6:,.0f} MB"


def setting(value: object) -> str:
    """A configuration's value as `-o` takes it; the end of a long list is left out."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        shown = ", ".join(map(str, value[:20]))
        return f"{shown} and {len(value) - 20} more" if len(value) > 20 else shown or "none"
    return str(value)


def _missing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


@lru_cache
def _environment(package: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package), jinja2.PackageLoader("inkloom.pages")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in (count, decimal, percent, duration, megabytes, setting):
        environment.filters[name.__name__] = name
    return environment
