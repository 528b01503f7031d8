"""A passage of held-out text, for those who give no text of their own."""

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

CHARS = 8000
"""Of the held-out text that are looked at."""


def held_out_passage(run: Run) -> Ints:
    """The ids of the first lines of the run's test split, or of val where there is no test: (T,).

    Raises InputError where the run's text is gone or has changed.
    """
    try:
        parts = run.parts()
    except InkloomError as error:
        raise InputError(f"{error} Or give a text with --prompt.") from error
    part = parts.get("test", parts["val"])
    ids: list[int] = []
    for text in part.head(CHARS).texts:
        # A split may begin in the middle of a line.
        _, line_end, from_line_start = text.partition("\n")
        beginning = from_line_start.lstrip() if line_end and not part.documents else text
        ids += run.tokenizer.encode(beginning or text).ids.tolist()
        if part.documents:
            ids.append(run.tokenizer.end_id)
    return np.array(ids[: _longest(run.model)], np.int64)


def _longest(model: LanguageModel) -> int:
    return min(WINDOW_TOKENS, model.window - 1) if isinstance(model, Transformer) else TOKENS
