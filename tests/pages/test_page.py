"""How numbers and settings are written."""

import jinja2
import pytest

from inkloom.pages import page


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (page.count(1234567), "1,234,567"),
        (page.count(None), "–"),
        (page.decimal(1.51634), "1.5163"),
        (page.decimal(1234.5, 1), "1,234.5"),
        (page.decimal(float("inf")), "–"),
        (page.percent(0.0), "0.0\u00a0%"),
        (page.percent(0.01234), "1.2\u00a0%"),
        (page.percent(0.00001), "<\u00a00.1\u00a0%"),
        (page.percent(float("nan")), "–"),
        (page.duration(2.31), "2.3 s"),
        (page.duration(59.97), "1 min 0 s"),
        (page.duration(75.2), "1 min 15 s"),
        (page.duration(7261), "2 h 1 min"),
        (page.duration(None), "–"),
        (page.setting(None), "none"),
        (page.setting(True), "true"),
        (page.setting(0.004), "0.004"),
        (page.setting(("a.txt", "b.txt")), "a.txt, b.txt"),
        (page.setting([]), "none"),
        (page.setting([*range(25)]).split(", ")[-1], "19 and 5 more"),
    ],
)
def test_values_are_written_for_readers(written, expected):
    assert written == expected


def test_a_name_that_a_template_asks_for_must_be_there():
    with pytest.raises(jinja2.UndefinedError):
        page.render("inkloom.experiments", "report.html.jinja")
