"""The inside views, used as a person would."""

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; see make test-clients").expect

pytestmark = pytest.mark.clients

TEXT = "The following sections describe"


def look(visit, run, view, text=TEXT):
    """A page with one view of a run that reads a text."""
    page = visit(f"/inside?run={run}")
    page.wait_for_selector("[role=tab]")
    settled = page.locator("#content [role=status]").first  # says what the page is busy with
    page.get_by_role("tab", name=view).click()
    expect(page.get_by_role("tab", name=view)).to_have_attribute("aria-selected", "true")
    expect(settled).to_have_text("")
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="Read this text").click()
    expect(page.get_by_text("2 versions of the text")).to_be_visible()
    expect(settled).to_have_text("")
    return page


def tokens(page):
    return page.locator(".view .token")


def test_a_token_shows_what_was_expected_and_the_text_branches_there(visit):
    page = look(visit, "lstm", "Surprise")
    expect(tokens(page)).to_have_count(len(TEXT))
    tokens(page).nth(4).hover()
    expect(page.get_by_role("tooltip")).to_contain_text("bits")
    assert page.get_by_role("tooltip").locator("li").count() > 3
    tokens(page).nth(4).click()
    panel = page.get_by_label("The chosen token")
    expect(panel).to_contain_text("After “The ”")
    other = panel.locator(".bars button").filter(has_not_text="f").first
    other.click()
    expect(page.get_by_text("3 versions of the text")).to_be_visible()  # the model's own first one, and these two
    branched = page.get_by_label("Text", exact=True).input_value()
    assert branched.startswith("The ")
    assert not branched.startswith(TEXT)
    page.get_by_text("3 versions of the text").click()
    page.locator(".versions button").filter(has_text="The following").click()
    expect(page.get_by_label("Text", exact=True)).to_have_value(TEXT)


def test_tokens_are_reached_by_keyboard(visit):
    page = look(visit, "lstm", "Surprise")
    tokens(page).first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tooltip")).to_contain_text("e")
    page.keyboard.press("Enter")
    expect(page.get_by_label("The chosen token")).to_contain_text("After “Th”")
    assert page.evaluate("document.activeElement.dataset.place") == "2"


def test_the_bars_follow_the_sliders_and_a_token_is_drawn(visit):
    page = look(visit, "lstm", "Next token")
    expect(page.locator(".bars li")).to_have_count(20)
    page.get_by_label("Top-k").fill("3")
    expect(page.get_by_text("3 of ")).to_be_visible()
    assert page.locator(".bars .dropped").count() == 17
    before = page.locator(".bars b").first.inner_text()
    page.get_by_label("Temperature").fill("2")
    expect(page.locator(".bars b").first).not_to_have_text(before)
    page.get_by_label("Temperature").fill("0")
    expect(page.locator(".bars b").first).to_have_text("100 %")
    page.get_by_role("button", name="Draw one").click()
    expect(page.get_by_label("Text", exact=True)).not_to_have_value(TEXT)
    grown = page.get_by_label("Text", exact=True).input_value()
    assert grown.startswith(TEXT)
    assert len(grown) == len(TEXT) + 1


def test_attention_shows_the_mask(visit):
    page = look(visit, "transformer", "Attention")
    canvas = page.locator("canvas")
    expect(canvas).to_be_visible()
    canvas.focus()
    page.keyboard.press("ArrowRight")  # the first row's first cell: itself
    expect(page.locator(".readout")).to_contain_text("100 %")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".readout")).to_contain_text("comes later")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What “T” looks at")).to_be_visible()
    said = page.locator(".view [role=status]").first.inner_text()
    page.get_by_label("Head", exact=True).select_option("2")
    page.get_by_label("Layer", exact=True).select_option("2")
    expect(page.locator(".view [role=status]").first).not_to_have_text(said)


def test_layers_show_where_a_prediction_is_made(visit):
    page = look(visit, "transformer", "Layers")
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.get_by_role("rowheader", name="Layer 2, the model")).to_be_visible()


def test_gates_and_units_colour_the_text(visit):
    page = look(visit, "lstm", "Gates and units")
    for place, name in enumerate(("Forget gate (f)", "Input gate (i)", "Output gate (o)")):
        page.get_by_label("Coloured by", exact=True).select_option(name)
        tokens(page).nth(place).hover()
        expect(page.get_by_role("tooltip")).to_contain_text("0.")
    expect(page.locator(".row-names")).to_contain_text("Forget gate (f)")
    page.get_by_label("Unit, 1 to 32").fill("99")
    expect(page.get_by_text("Units go from 1 to 32.")).to_be_visible()
    page.get_by_label("Unit, 1 to 32").fill("7")
    expect(page.get_by_text("Units go from 1 to 32.")).to_have_count(0)


def test_evidence_backs_off(visit):
    page = look(visit, "ngram", "Evidence")
    tokens(page).nth(3).click()
    rows = page.locator("tbody tr")
    expect(rows.first).to_contain_text("“The”")
    expect(rows.last).to_contain_text("an even guess")


def test_a_mixture_tells_who_knew(visit):
    page = look(visit, "mixture", "Mixture")
    tokens(page).nth(5).click()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.get_by_label("The chosen token")).to_contain_text("LSTM")


def test_copies_are_marked(visit, real_text):
    copied = real_text[5000:5080]
    page = look(visit, "lstm", "Copies", text=f"Not from there at all. {copied}")
    expect(page.locator("mark")).to_contain_text(copied.strip().splitlines()[0].strip()[:20])
    expect(page.get_by_text("of the text is copied")).to_be_visible()


def test_the_views_of_a_family_are_those_that_it_has(visit):
    page = visit("/inside?run=ngram")
    page.wait_for_selector("[role=tab]")
    assert page.locator("[role=tab]").all_inner_texts() == ["Surprise", "Next token", "Evidence", "Copies"]
    page.get_by_label("Model", exact=True).select_option("transformer")
    expect(page.get_by_role("tab", name="Attention")).to_be_visible()
