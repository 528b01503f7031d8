"""What the Studio's pages are made of: plain HTML elements, and a component where a page must react without asking.

NiceGUI keeps the elements of a page in Python and tells the browser what changed. What moves under the pointer (tokens,
maps, a prompt with its suggestion) is a component in JavaScript beside its Python class. All text reaches the browser
as text, never as HTML; large data goes as one JSON string, since NiceGUI would wrap every list in it.
"""

from inkloom.serving.studio.widgets.bars import Bar, Bars
from inkloom.serving.studio.widgets.field import Field
from inkloom.serving.studio.widgets.heat_map import HeatMap, Map
from inkloom.serving.studio.widgets.html import Button, Html, Link, note
from inkloom.serving.studio.widgets.prompt_box import PromptBox
from inkloom.serving.studio.widgets.token_text import Shade, TokenText
from inkloom.serving.studio.widgets.upload_box import UploadBox

__all__ = [
    "Bar",
    "Bars",
    "Button",
    "Field",
    "HeatMap",
    "Html",
    "Link",
    "Map",
    "PromptBox",
    "Shade",
    "TokenText",
    "UploadBox",
    "note",
]
