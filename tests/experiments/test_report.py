"""report.html: whole, self-contained, safe, the same each time, and true to the run's files."""

import math
import re

import pytest

from inkloom.errors import InputError
from inkloom.experiments.report import MOST_SAMPLES, write_report
from tests.experiments.pages import HEADER, SCORES, Page, evaluation_of, make_run, metrics, read, samples

MACHINE = {"device": "cpu", "precision": "bfloat16", "threads": 2, "float32_rate": 212.4, "bfloat16_rate": 0.0}

FULL = {
    "metrics_csv": metrics(),
    "samples_txt": samples("First of all,\n  an indented line", "Second", "Third"),
    "machine": MACHINE,
    "steps": 400,
    "tokens_seen": 25600,
    "seconds": 75.2,
    "tokens_per_second": 340.4,
}


@pytest.fixture
def full(tmp_path):
    return make_run(tmp_path / "plays-lstm", **FULL)


@pytest.fixture
def page(full) -> Page:
    return read(write_report(full))


def test_the_report_stands_whole_in_the_run(full):
    files = {file.name for file in full.directory.path.iterdir()}
    assert write_report(full) == full.directory.report_file
    assert {file.name for file in full.directory.path.iterdir()} == files | {"report.html"}
    assert full.directory.report_file.read_text(encoding="utf-8").startswith("<!doctype html>\n<html")


def test_headline_is_the_test_score(page):
    bits = SCORES["test"].bits_per_char
    assert page.text("strong") == f"{bits:.3f}"
    assert "bits per character on test" in page.text()
    assert f"{bits:.4f}" in page.text("title")
    assert f"needs {bits:.2f} yes-or-no answers" in page.text()


def test_an_even_guess_is_the_logarithm_of_the_vocabulary_and_the_charge(page):
    charge = 50 / math.log(2) / 2000
    assert f"{6 + charge:.2f} bits" in page.text("b")
    assert f"{8 * 2060 / 2000:.2f} bits" in page.text("b")


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_the_table_holds_the_numbers_of_evaluation_json(page, full, split):
    score = evaluation_of(full)[split]
    assert page.score_row(split) == {
        "Tokens": f"{score['tokens']:,}",
        "Characters": f"{score['chars']:,}",
        "Nats per token": f"{score['nats_per_token']:.4f}",
        "Closed-vocabulary perplexity": f"{score['perplexity']:.3f}",
        "Nats per character": f"{score['nats_per_char']:.4f}",
        "Bits per character": f"{score['bits_per_char']:.4f}",
        "Bits per byte": f"{score['bits_per_byte']:.4f}",
        "Unknown tokens": str(score["unknown_tokens"]),
        "Charge, of the score": f"{100 * score['charge_share']:.1f}\u00a0%",
    }


def test_size_and_duration_of_the_training_are_named(page):
    for fact in ("1,234,567", "400", "25,600", "1 min 15 s", "340"):
        assert fact in page.text("dd")


def test_samples_stand_in_order_and_keep_their_lines(page):
    text = page.text("pre")
    assert "First of all,\n  an indented line" in text
    assert text.index("First") < text.index("Second") < text.index("Third")


def test_settings_are_those_of_config_and_machine(page):
    rows = dict(re.findall(r'<th scope="row">(\w[^<]*)</th><td>([^<]*)</td>', page.html))
    assert rows["hidden_size"] == "512"
    assert rows["patience"] == "none"
    assert rows["tensorboard"] == "false"
    assert rows["precision"] == "bfloat16"
    assert rows["float32_rate"] == "212 GFLOP/s"
    assert rows["bfloat16_rate"] == "not measured"
    assert rows["python"] == "3.11.7"


def test_commands_name_the_run(full, page):
    run = str(full.directory.path)
    assert page.text("code").startswith(f"inkloom evaluate {run}inkloom generate {run}inkloom train --resume {run}")


def test_commands_survive_a_folder_with_a_space(tmp_path):
    page = read(write_report(make_run(tmp_path / "my run")))
    assert f"inkloom evaluate '{tmp_path}/my run'" in page.text("code")


def test_nothing_is_loaded_and_nothing_runs(page):
    for name, attributes in page.elements:
        assert name not in {"script", "iframe", "object", "embed", "img", "base", "form"}
        for attribute, value in attributes.items():
            assert not attribute.startswith("on"), f"<{name} {attribute}>"
            assert attribute not in {"src", "srcset", "action", "data"}
            if attribute == "href":
                assert value.startswith(("#", "data:,"))
    assert "://" not in page.html
    assert "@import" not in page.html
    assert set(re.findall(r"url\((.)", page.html)) == {"#"}
    (policy,) = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'")


def test_ids_are_unique_and_references_find_theirs(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"|aria-labelledby="([^"]+)"', page.html)
    assert {"".join(names) for names in named} <= set(ids)
    assert named


def test_figures_and_tables_can_be_read_without_seeing(page):
    drawings = [attributes for _, attributes in page.elements if attributes.get("role") == "img"]
    assert len(drawings) == len(page.all("svg")) == 3
    assert all(drawing["aria-label"] for drawing in drawings)
    assert "val goes from 2.1730 to 1.6135" in drawings[0]["aria-label"]
    assert all(header.get("scope") for header in page.all("th"))
    assert page.all("html")[0]["lang"] == "en"


def test_every_colour_of_a_figure_is_defined_for_light_and_dark(page):
    css = page.text("style")
    light, dark = css.split("prefers-color-scheme: dark", 1)
    for variable in set(re.findall(r"var\((--[\w-]+)\)", "".join(page.html.split("<svg")[1:]))):
        assert f"{variable}: #" in light
        assert f"{variable}: #" in dark


HOSTILE = '<script>alert("1")</script><!-- <b>&amp;\''


def test_whatever_stands_in_the_text_is_only_text(tmp_path):
    run = make_run(
        tmp_path / "a<b>'run",
        **{**FULL, "samples_txt": samples(HOSTILE, "</pre></article>")},
        corpus=HOSTILE,
        model="<i>lstm",
    )
    page = read(write_report(run))
    assert not page.all("script")
    assert page.text("pre").count(HOSTILE) == 1
    assert "</pre></article>" in page.text("pre")
    for tag in ("title", "h1", "td"):
        assert HOSTILE in page.text(tag)
    assert "a<b>" in page.text("code")


def test_the_same_run_makes_the_same_page(full):
    first = write_report(full).read_bytes()
    assert write_report(full).read_bytes() == first


def test_a_counted_model_needs_no_course_and_no_samples(tmp_path):
    page = read(write_report(make_run(tmp_path / "plays-ngram", model="ngram", seconds=2.3)))
    assert not page.all("svg")
    assert not page.all("pre")
    assert "What it wrote" not in page.text()
    assert "Steps" not in page.text("dt")
    assert "2.3 s" in page.text("dd")
    assert "Machine" not in page.text("summary")


@pytest.mark.parametrize("metrics_csv", ["", HEADER, HEADER + "10,0.5"], ids=["empty", "header", "cut"])
def test_a_course_without_rows_is_left_out(tmp_path, metrics_csv):
    page = read(write_report(make_run(tmp_path / "run", metrics_csv=metrics_csv)))
    assert len(page.all("svg")) == len(page.all("pre")) == 0


def test_empty_and_foreign_cells_leave_gaps(tmp_path):
    rows = "10,1,640,nan,,\n20,2,640,2.5,inf,0.001\n30,3,640,2.25,2.75,\n40,,640,1.0,1.0,1\n50,5,640,2.0,nan,x\n60,6,64"
    page = read(write_report(make_run(tmp_path / "run", metrics_csv=HEADER + rows)))
    label = next(attributes["aria-label"] for _, attributes in page.elements if attributes.get("role") == "img")
    assert "train goes from 2.5000 to 2.0000" in label
    assert "val goes from 2.7500 to 2.7500" in label


def test_a_diverged_course_says_so(tmp_path):
    rows = "10,1,640,2.5,2.5,0.1\n20,2,1280,nan,nan,0.1\n"
    assert "diverged" in read(write_report(make_run(tmp_path / "run", metrics_csv=HEADER + rows))).text("p")


def test_without_test_val_is_the_headline(tmp_path):
    page = read(write_report(make_run(tmp_path / "run", splits=("train", "val"))))
    assert page.text("strong") == f"{SCORES['val'].bits_per_char:.3f}"
    assert "bits per character on val" in page.text()
    assert "there is no test" in page.text()


def test_a_perplexity_beyond_numbers_is_a_dash(tmp_path):
    run = make_run(tmp_path / "run")
    path = run.directory.evaluation_file
    path.write_text(re.sub(r'"perplexity": [\d.]+', '"perplexity": null', path.read_text()), encoding="utf-8")
    assert read(write_report(run)).score_row("test")["Closed-vocabulary perplexity"] == "–"


def test_a_long_training_stays_a_small_page(tmp_path):
    many = samples(*(f"sample number {n}. " + "and so on " * 40 for n in range(1000)))
    run = make_run(tmp_path / "run", metrics_csv=metrics(rows=1000), samples_txt=many)
    page = read(write_report(run))
    assert len(page.html.encode()) < 500_000
    assert len(page.all("pre")) == MOST_SAMPLES
    assert "sample number 0." in page.text("pre")
    assert "sample number 999." in page.text("pre")
    assert f"{MOST_SAMPLES} of 1000 samples" in page.text()


def test_a_run_that_is_not_scored_is_refused(full):
    full.directory.evaluation_file.unlink()
    with pytest.raises(InputError, match=r"not been scored yet.*inkloom train --resume"):
        write_report(full)
    assert not full.directory.report_file.exists()
