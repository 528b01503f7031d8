"""The report of a translator."""

import shutil

import inkloom
from inkloom.experiments.translation import attention_map, write_report
from tests.experiments.pages import read


def test_the_report_shows_scores_translations_and_attention(translator_run):
    page = read(translator_run / "report.html").html  # every element is closed in its turn
    for words in ("BLEU on test, lower-cased", "nrefs:1|case:lc", "Translations side by side", "Where it looked"):
        assert words in page


def test_the_same_run_makes_the_same_page(translator_run, tmp_path):
    copy = shutil.copytree(translator_run, tmp_path / translator_run.name)
    first = write_report(inkloom.load_run(copy)).read_bytes()
    assert write_report(inkloom.load_run(copy)).read_bytes() == first


def test_a_map_has_a_row_for_each_token_written(translator_run):
    run = inkloom.load_run(translator_run)
    found = attention_map(run, "zwei Hunde", "two dogs")
    assert found.columns[-1] == "end"
    assert found.rows[-1][0] == "end"
    assert "".join(text for text, _ in found.rows[:-1]).replace("\u00a0", " ") == "two dogs"
    assert all(len(cells) == len(found.columns) for _, cells in found.rows)
