"""A passage of held-out text, for those who give no text of their own."""

import itertools

import numpy as np

from inkloom.errors import InkloomError, InputError
from inkloom.explain.tokens import Ints
from inkloom.models.base import LanguageModel
from inkloom.models.transformer import Transformer
from inkloom.runs.run import Run

TOKENS = 400
"""Of a passage: enough for units to show what they follow."""

WINDOW_TOKENS = 60
"""Of a passage for a Transformer: so many fit along the side of a map."""

CHARS = 800
"""Of held-out text that are looked at, from the first whole line on."""


def held_out_passage(run: Run) -> Ints:
    """The ids of the beginning of the run's test split, or of val where there is no test: (T,).

    Raises InputError where the run's text is gone or has changed.
    """
    try:
        parts = run.parts()
    except InkloomError as error:
        raise InputError(f"{error} Or give a text with --prompt.") from error
    part = parts.get("test", parts["val"]).head(2 * CHARS)
    if part.documents:
        pieces = [[*run.tokenizer.encode(text).ids.tolist(), run.tokenizer.end_id] for text in part.texts]
    else:
        pieces = [run.tokenizer.encode(_whole_lines(part.texts[0])[:CHARS]).ids.tolist()]
    return np.array(list(itertools.chain(*pieces))[: _longest(run.model)], np.int64)


def _whole_lines(text: str) -> str:
    """A text from its first whole line on, since a split may begin in the middle of one."""
    _, _, lines = text.partition("\n")
    return lines.lstrip() or text


def _longest(model: LanguageModel) -> int:
    return min(WINDOW_TOKENS, model.window - 1) if isinstance(model, Transformer) else TOKENS
