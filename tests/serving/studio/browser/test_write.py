"""The playground, used as a person would."""

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; see make test-clients").expect

pytestmark = pytest.mark.clients


def test_a_prompt_is_completed_while_it_is_typed_and_the_arrow_takes_it(visit):
    page = visit("/?run=lstm")
    prompt = page.get_by_label("How the text begins")
    prompt.fill("")
    prompt.type("The ", delay=10)
    expect(page.locator(".take")).to_be_visible()
    prompt.press("ArrowRight")
    taken = prompt.input_value()
    assert taken.startswith("The ")
    assert len(taken) > len("The ")
    page.get_by_label("Complete while I type").uncheck()
    expect(page.locator(".take")).to_have_count(0)


def test_two_models_write_side_by_side_and_the_same_seed_writes_the_same(visit):
    texts = []
    for _ in range(2):  # the page anew, since its old samples would pass for new ones
        page = visit("/?run=lstm")
        page.get_by_label("ngram", exact=True).check()
        page.get_by_label("How the text begins").fill("The ")
        page.get_by_label("Length in tokens").fill("40")
        page.get_by_label("Seed").fill("5")
        page.get_by_role("button", name="Write", exact=True).click()
        samples = page.locator(".sample")
        expect(samples).to_have_count(2)
        expect(samples.first).to_contain_text("40 tokens")
        expect(samples.last).to_contain_text("40 tokens")
        texts.append(samples.locator(".written").all_inner_texts())
    assert texts[0] == texts[1]
    assert texts[0][0] != texts[0][1]
    assert all(text.startswith("The ") for text in texts[0])


def test_text_streams_and_stops(visit):
    page = visit("/?run=transformer")
    page.get_by_label("Length in tokens").fill("8000")
    page.get_by_label("Texts of each model").fill("8")  # together they take a minute: time enough to stop
    page.get_by_label("How the text begins").fill("The ")
    page.get_by_label("How the text begins").press("Control+Enter")
    # One of eight may end by itself at any moment; that all do is out of reach.
    written = "[...document.querySelectorAll('.written')].map((text) => text.innerText).join('').length"
    page.wait_for_function(f"{written} > 200")
    short = page.evaluate(written)
    page.wait_for_function(f"{written} > {short}")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".sample").filter(has_text="stopped").first).to_be_visible()
    assert page.evaluate(written) < 8 * 8000
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()


def test_what_the_model_cannot_read_is_said(visit):
    page = visit("/?run=lstm")
    page.get_by_label("How the text begins").fill("Fjörð ☃")
    page.get_by_role("button", name="Write", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="not among")).to_be_visible()


def test_two_tabs_do_not_mix(visit):
    first, second = visit("/?run=lstm"), visit("/?run=ngram")
    first.get_by_label("How the text begins").fill("First ")
    second.get_by_label("How the text begins").fill("Second ")
    for page in (first, second):
        page.get_by_label("Length in tokens").fill("20")
        page.get_by_role("button", name="Write", exact=True).click()
    expect(first.locator(".sample")).to_contain_text("20 tokens")
    expect(second.locator(".sample")).to_contain_text("20 tokens")
    assert first.locator(".written").inner_text().startswith("First ")
    assert second.locator(".written").inner_text().startswith("Second ")
    expect(first.locator(".sample h3")).to_have_text("lstm")
    expect(second.locator(".sample h3")).to_have_text("ngram")
