"""The text that a view looks at, token by token, and what a model predicts at each of them.

Every text is read as generation reads it: after the tokenizer's end token, from a fresh state.

Shapes: T tokens of the text, N tokens of a piece of it, V vocabulary.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inkloom.errors import InkloomError, InputError
from inkloom.generation.rows import NOT_FINITE
from inkloom.models.base import LanguageModel
from inkloom.tokenizers.base import Tokenizer

Text: TypeAlias = str | Sequence[int] | NDArray[np.integer]
"""A text, or its token ids: a sampled text may be made of other tokens than the tokenizer would make of it."""

Floats: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

END, UNKNOWN = "⟨end⟩", "⟨unknown⟩"
"""What stands for the tokens that have no text."""

SIGNS = {" ": "␣", "\n": "↵", "\t": "⇥"}
WHITE_SPACE = {" ": " ", "\n": "↵\n", "\t": "\t"}
"""What can be read as it is where the text stands in lines."""

CONTROL_PICTURES = 0x2400
"""Where Unicode has signs for the control characters, in their order."""

CHUNK = 256
"""Tokens that are read at once."""

LOGITS_AT_ONCE = 1 << 24
"""At most this many logits are held at a time: 64 MiB in float32."""


@dataclass(frozen=True)
class Tokens:
    """A text as a model reads it."""

    ids: Ints
    """(T,)"""

    texts: tuple[str, ...]
    """What each token adds to the text: "" while a character is unfinished, END and UNKNOWN where there is no text."""

    def __len__(self) -> int:
        return len(self.ids)


def tokens_of(tokenizer: Tokenizer, text: Text, least: int = 1) -> Tokens:
    """The tokens of a text. Raises InputError for text that the tokenizer does not know, and for fewer than `least`."""
    ids = np.array(tokenizer.encode_prompt(text) if isinstance(text, str) else text, np.int64)
    if len(ids) < least:
        raise InputError("There is no text to explain. Give one of a character or more.")
    return Tokens(ids, _texts(tokenizer, ids.tolist()))


def label(tokenizer: Tokenizer, token: int) -> str:
    """What a token reads as by itself."""
    if token == tokenizer.end_id:
        return END
    return UNKNOWN if token == tokenizer.unknown_id else tokenizer.text_of(token)


def labels(tokenizer: Tokenizer, ids_TK: Ints) -> tuple[tuple[str, ...], ...]:
    """What each of many tokens reads as by itself; each is decoded once."""
    known = {token: label(tokenizer, token) for token in np.unique(ids_TK).tolist()}
    return tuple(tuple(known[token] for token in row) for row in ids_TK.tolist())


def visible(text: str) -> str:
    """A text in which everything can be seen: white space has signs, as have control characters."""
    return "".join(_sign(char) for char in text)


def readable(text: str) -> str:
    """A text as it is, but that line ends are shown too, and control characters have signs; a dot where it is empty."""
    return "".join(WHITE_SPACE.get(char) or _sign(char) for char in text) or "·"


def shortened(text: str, most: int) -> str:
    """At most `most` characters of a text."""
    return text if len(text) <= most else text[: most - 1] + "…"


def after_end(tokenizer: Tokenizer, tokens: Tokens) -> Tokens:
    """The same tokens with the end token that is read before them."""
    return Tokens(np.concatenate([[tokenizer.end_id], tokens.ids]), (END, *tokens.texts))


def check_number(kind: str, index: int | None, count: int) -> None:
    """InputError, counting from 1, unless an index (from 0 on) is below `count`, or None."""
    if index is not None and not 0 <= index < count:
        raise InputError(f"There is no {kind} {index + 1}. Give one of 1 to {count:,}.")


@torch.inference_mode()
def logits_before(model: LanguageModel, end_id: int, ids: Ints) -> Iterator[tuple[slice, Tensor]]:
    """The logits before each token of a text, piece by piece: (places, logits_NV), float32 on the CPU.

    The model is to be in evaluation mode. Raises InkloomError where its logits are no numbers.
    """
    read_T = torch.from_numpy(np.concatenate([[end_id], ids[:-1]]))
    state = model.initial_state(1)
    size = max(1, min(CHUNK, LOGITS_AT_ONCE // model.vocab_size))
    for start in range(0, len(read_T), size):
        piece_1N = read_T[None, start : start + size].to(model.device)
        logits_1NV, state = model(piece_1N, state)
        logits_NV = logits_1NV[0].to("cpu", torch.float32)
        if logits_NV.log_softmax(dim=-1).isnan().any():
            raise InkloomError(NOT_FINITE)
        yield slice(start, start + piece_1N.shape[1]), logits_NV


def _sign(char: str) -> str:
    if char in SIGNS:
        return SIGNS[char]
    if char.isprintable():
        return char
    return chr(CONTROL_PICTURES + ord(char)) if ord(char) < ord(" ") else "\ufffd"


def _texts(tokenizer: Tokenizer, ids: list[int]) -> tuple[str, ...]:
    decoder = tokenizer.decoder()
    read = [(token, decoder.push(token)) for token in ids]
    texts = [_named(tokenizer, token, text) for token, text in read]
    return (*texts[:-1], *(text + decoder.flush() for text in texts[-1:]))


def _named(tokenizer: Tokenizer, token: int, text: str) -> str:
    """A token's text, or behind the gap before it the name of one that has none."""
    if token not in (tokenizer.end_id, tokenizer.unknown_id):
        return text
    gap = text[: len(text) - len(text.lstrip())]
    return gap + label(tokenizer, token)
