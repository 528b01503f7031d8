"""The page that asks for the server's key, where one is set."""

from inkloom.pages.page import render


def key_page(wrong: bool = False) -> str:
    """A form; `wrong` says that what was given is not the key."""
    return render("inkloom.serving.studio", "key.html.jinja", wrong=wrong)
