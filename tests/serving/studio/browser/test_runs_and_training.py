"""Runs, their reports, and a training that is started, watched and stopped in the browser."""

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; see make test-clients").expect

pytestmark = pytest.mark.clients


def test_runs_are_listed_with_their_scores_and_reports(visit, workshop):
    page = visit("/runs")
    for name in ("lstm", "ngram", "transformer", "mixture"):
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Report of lstm, in a new tab").click()
    report = opened.value
    expect(report.get_by_role("heading", level=1)).to_be_visible()
    assert str(workshop) not in report.content()
    assert report.evaluate("window.origin") == "null"


def test_a_training_is_started_watched_stopped_and_goes_on(visit, story):
    page = visit("/train")
    page.get_by_label("Give a text of your own").set_input_files(
        {"name": "The Mill <b>.txt", "mimeType": "text/plain", "buffer": story.encode()}
    )
    expect(page.get_by_text("characters kept as the-mill-b-")).to_be_visible()
    page.get_by_label("Time", exact=True).select_option("another time")
    page.get_by_label("Seconds").fill("600")
    page.get_by_label("Name of the run").fill("mill")
    page.get_by_role("button", name="Start the training").click()
    watch = page.get_by_label("Trainings", exact=True)
    expect(watch.get_by_role("heading", name="mill")).to_be_visible()
    expect(watch.locator("svg")).to_be_visible()
    expect(watch).to_contain_text("Tokens read")
    page.get_by_label("Name of the run").fill("next")
    page.get_by_role("button", name="Start the training").click()
    expect(watch).to_contain_text("waiting for its turn")
    page.get_by_role("button", name="Stop and save").click()
    expect(watch.locator(".queue")).to_contain_text("stopped")
    watch.get_by_role("button", name="mill").click()
    page.get_by_role("button", name="Stop and save").click()
    expect(watch.locator("p[role=status]")).to_have_text("stopped")
    page.get_by_role("button", name="Go on").click()
    expect(watch.locator("p[role=status]")).to_contain_text("training")
    page.get_by_role("button", name="Stop and save").click()
    expect(watch.locator("p[role=status]")).to_have_text("stopped")


def test_what_is_no_text_is_refused(visit):
    page = visit("/train")
    box = page.get_by_label("Give a text of your own")
    box.set_input_files({"name": "run.sh", "mimeType": "text/plain", "buffer": b"echo"})
    expect(page.get_by_text("The file ends in .sh")).to_be_visible()


def test_a_name_that_leads_elsewhere_is_refused(visit):
    page = visit("/train")
    page.get_by_label("Name of the run").fill("../../elsewhere")
    page.get_by_role("button", name="Start the training").click()
    expect(page.get_by_text("A run cannot be called")).to_be_visible()
