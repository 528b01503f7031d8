"""A vocabulary as a file of its own, which `inkloom vocab` writes and trainings read."""

import json
from pathlib import Path

from inkloom.errors import InputError
from inkloom.tokenizers import Tokenizer, read_tokenizer


def read_vocabulary(path: str | Path) -> Tokenizer:
    """The tokenizer of a file that `inkloom vocab` wrote, or of a run's tokenizer.json. InputError where none is."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no JSON"
        raise InputError(
            f"The vocabulary {path} cannot be read: {reason}. Give a file that `inkloom vocab` wrote, or a run's "
            "tokenizer.json."
        ) from error
    if not isinstance(data, dict):
        raise InputError(f"The vocabulary {path} holds no JSON object. Give a file that `inkloom vocab` wrote.")
    return read_tokenizer(data)
