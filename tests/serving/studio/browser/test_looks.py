"""That every page can be read and used: contrast, names, widths, focus, light and dark."""

import pytest

pytestmark = pytest.mark.clients

PAGES = ("/?run=lstm", "/inside?run=lstm", "/inside?run=ngram", "/inside?run=transformer", "/runs", "/train")

CONTRASTS = """() => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const rgba = (colour) => {
        context.clearRect(0, 0, 1, 1);
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
    const background = (element) => {
        const stack = [];
        for (let at = element; at; at = at.parentElement) stack.push(rgba(getComputedStyle(at).backgroundColor));
        return stack.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
    };
    const luminance = (colour) => {
        const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        const [r, g, b] = colour.slice(0, 3).map((c) => linear(c / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const faded = (element) => {
        let opacity = 1;
        for (let at = element; at; at = at.parentElement) opacity *= getComputedStyle(at).opacity;
        return opacity;
    };
    const poor = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
        if (element.closest("option, .visually-hidden, .skip, .ghost, script, style, .nicegui-error-popup")) continue;
        const below = background(element);
        const ink = rgba(getComputedStyle(element).color);
        const seen = over([...ink.slice(0, 3), ink[3] * faded(element)], below);
        const [light, dark] = [luminance(seen), luminance(below)].sort((a, b) => b - a);
        const contrast = (light + 0.05) / (dark + 0.05);
        const text = walker.currentNode.data.trim().slice(0, 30);
        if (contrast < 4.5) poor.push([text, contrast.toFixed(2), element.className]);
    }
    return poor;
}"""

NAMELESS = """() => [...document.querySelectorAll("button, a[href], input, select, textarea, canvas, nav")]
    .filter((element) => element.checkVisibility() && !(
        element.innerText?.trim() || element.ariaLabel || element.labels?.length || element.closest("label")))
    .map((element) => element.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_read_in_light_in_dark_and_on_a_phone_and_every_control_has_a_name(visit, path):
    page = visit(path)
    if "/inside" in path:
        page.wait_for_selector(".view .token")
    for summary in page.locator(".note > summary").all():
        summary.click()
    for colours in ("light", "dark"):
        page.emulate_media(color_scheme=colours, reduced_motion="reduce")
        assert page.evaluate(CONTRASTS) == []
    assert page.evaluate(NAMELESS) == []
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function("document.documentElement.scrollWidth <= 390")


def test_light_and_dark_follow_the_system_until_they_are_chosen(visit):
    page = visit("/runs", dark=True)
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.get_by_label("Colours").select_option("Light")
    assert page.evaluate(background) != dark
    page.reload()
    page.wait_for_selector("h1")
    assert page.evaluate(background) != dark
    page.get_by_label("Colours").select_option("As the system")
    assert page.evaluate(background) == dark


def test_the_keyboard_reaches_the_views_and_shows_where_it_is(visit):
    page = visit("/?run=lstm")
    seen = []
    for _ in range(8):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.innerText || document.activeElement.tagName"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert seen[:6] == ["Skip to the content", "inkloom", "Write", "Look inside", "Runs", "Train"]
    page.get_by_role("link", name="Runs").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs")
    assert page.title() == "Runs – inkloom Studio"
    assert page.locator("nav [aria-current=page]").inner_text() == "Runs"
