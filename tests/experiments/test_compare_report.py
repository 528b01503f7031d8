"""report.html, report.md and the pictures of a comparison: whole, self-contained, safe, and true to its rows."""

import dataclasses
import re
import struct
from pathlib import Path

import pytest

from inkloom.experiments.comparison.report import write_comparison_report
from inkloom.experiments.writing import Writings, write_texts
from inkloom.runs.run import load_run
from tests.experiments.pages import Page, read

HOSTILE = '<script>alert("1")</script>|`*_[x](y)'


@pytest.fixture(scope="session")
def page(league) -> Page:
    return read(league.comparison.report)


@pytest.fixture(scope="session")
def writings(league) -> Writings:
    """What the models of the league write, as its report shows it."""
    rows = league.comparison.tables[0].best_of(league.comparison.request.models)
    runs = {row.model: load_run(row.entry.cells[0].directory.path) for row in rows}
    parts = next(iter(runs.values())).parts()
    return write_texts(runs, parts["train"], parts["test"])


def test_the_headline_is_the_first_row(page, league):
    best = league.comparison.rows[0]
    assert page.text("strong") == f"{best.bits_per_char.mean:.3f}"
    assert f"by {best.model}" in page.text("span")


def test_the_table_holds_the_rows_in_their_order(page, league):
    text = page.text()
    places = []
    for place, row in enumerate(league.comparison.rows, start=1):
        places.append(text.index(f"{place}. {row.model}"))
        for cell in (f"{row.bits_per_char.mean:.4f}", f"{row.parameters:,}", f"{row.tokens_seen:,.0f}"):
            assert cell in text
    assert places == sorted(places)


def test_links_lead_to_the_reports_of_the_runs(page, league):
    links = [attributes["href"] for attributes in page.all("a")]
    assert len(links) == 5
    for link in links:
        assert (league.comparison.folder / link).resolve().is_file()


def test_nothing_is_loaded_and_nothing_runs(page):
    for name, attributes in page.elements:
        assert name not in {"script", "iframe", "object", "embed", "img", "base", "form"}
        assert not any(attribute.startswith("on") for attribute in attributes)
    assert "://" not in page.html
    assert set(re.findall(r"url\((.)", page.html)) == {"#"}


def test_ids_are_unique_and_references_find_theirs(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = re.findall(r'url\(#([^)]+)\)|aria-labelledby="([^"]+)"', page.html)
    assert {"".join(names) for names in named} <= set(ids)


def test_every_colour_is_defined_for_light_and_dark(page):
    light, dark = page.text("style").split("prefers-color-scheme: dark", 1)
    body = page.html.split("</style>", 1)[1]
    used = set(re.findall(r"var\((--[\w-]+)\)", body))
    assert {"--series-1", "--series-2", "--series-3"} <= used
    for variable in used - {"--colour"}:
        assert f"{variable}: #" in light
        assert f"{variable}: #" in dark


def test_figures_can_be_read_without_seeing(page):
    drawings = [attributes["aria-label"] for _, attributes in page.elements if attributes.get("role") == "img"]
    assert len(drawings) == len(page.all("svg")) == 3
    assert all("rnn" in drawing and "gru" in drawing and "ngram" in drawing for drawing in drawings)


def test_a_sweep_is_a_table_and_a_figure_for_every_length(sweep):
    page = read(sweep.comparison.report)
    drawings = [attributes["aria-label"] for _, attributes in page.elements if attributes.get("role") == "img"]
    assert len([drawing for drawing in drawings if "sequence lengths 4, 16" in drawing]) == 2
    assert page.text().count("Peak memory") >= 2
    assert "rnn 16" in page.text("th")
    assert {file.name for file in (sweep.comparison.folder / "figures").iterdir()} == {
        f"{figure}-{length}.png"
        for figure in ("intervals", "loss-by-time", "loss-by-tokens", "sequence-length")
        for length in ("640tokens", "0.02epochs")
    }


def png_size(file: Path) -> tuple[int, int, int]:
    """Width and height in pixels, and pixels in a metre, from a PNG's chunks."""
    data = file.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert data.endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", data[16:24])
    at = data.index(b"pHYs") + 4
    return width, height, struct.unpack(">I", data[at : at + 4])[0]


def test_pictures_are_fine_enough_for_print(league):
    files = sorted((league.comparison.folder / "figures").iterdir())
    assert [file.name.rsplit("-", 1)[0] for file in files] == ["intervals", "loss-by-time", "loss-by-tokens"]
    for file in files:
        width, _, per_metre = png_size(file)
        assert per_metre == pytest.approx(200 / 0.0254, rel=0.001)
        assert width > 1200


def test_markdown_has_the_same_rows_and_its_pictures_exist(league):
    markdown = (league.comparison.folder / "report.md").read_text(encoding="utf-8")
    for place, row in enumerate(league.comparison.rows, start=1):
        assert f"| {place}. {row.model} | {row.bits_per_char.mean:.4f} |" in markdown
    pictures = re.findall(r"^!\[[^\]]+\]\(([^)]+)\)$", markdown, re.MULTILINE)
    assert len(pictures) == 3
    links = re.findall(r"(?<!!)\[[^\]]+\]\(([^)]+)\)", markdown)
    for address in (*pictures, *links):
        assert (league.comparison.folder / address).is_file()
    for table in re.findall(r"(?:^\|.*\|\n)+", markdown, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_samples_of_all_models_begin_with_the_same_words(league, page, writings):
    assert set(writings.by_setting) == {"Greedy", "Temperature 0.8", "Top-k 10"}
    assert page.text("pre").count(writings.by_setting["Greedy"][0].texts[0]) >= 1
    prompts = [text for inside, text in page.texts if inside == "span" and text == writings.prompts[0]]
    assert len(prompts) == 9


def written_anew(comparison, writings, folder):
    moved = dataclasses.replace(comparison, folder=folder)
    folder.mkdir()
    write_comparison_report(moved, writings)
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_same_comparison_makes_the_same_files(league, writings, tmp_path):
    one = written_anew(league.comparison, writings, tmp_path / "one")
    assert one == written_anew(league.comparison, writings, tmp_path / "two")
    report = league.comparison.report.read_bytes()
    assert one[Path("report.html")] == report


def test_whatever_stands_in_the_text_is_only_text(league, writings, tmp_path):
    hostile = dataclasses.replace(league.comparison, corpus=HOSTILE)
    spoken = dataclasses.replace(
        writings,
        prompts=("</pre>```` <b>", *writings.prompts[1:]),
        by_setting={
            setting: tuple(dataclasses.replace(one, texts=(HOSTILE, *one.texts[1:])) for one in of_setting)
            for setting, of_setting in writings.by_setting.items()
        },
    )
    written_anew(hostile, spoken, tmp_path / "out")
    page = read(tmp_path / "out" / "report.html")
    assert not page.all("script")
    assert HOSTILE in page.text("h1")
    assert page.text("pre").count(HOSTILE) == 9
    markdown = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    outside_fences = re.sub(r"^(`{3,})text\n.*?^\1$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    assert "<script>" not in outside_fences
    assert r"\<script\>" in outside_fences
    assert markdown.count("`````text\n</pre>```` <b>" + HOSTILE) == 9


def test_old_pictures_do_not_stay(league, writings, tmp_path):
    (tmp_path / "out" / "figures").mkdir(parents=True)
    (tmp_path / "out" / "figures" / "intervals-5s.png").write_bytes(b"old")
    write_comparison_report(dataclasses.replace(league.comparison, folder=tmp_path / "out"), writings)
    assert not (tmp_path / "out" / "figures" / "intervals-5s.png").exists()
