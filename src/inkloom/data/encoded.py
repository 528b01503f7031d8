"""One split as ids, with all that turns its nats into scores per character and per byte."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inkloom.corpus.base import Part
from inkloom.data.encoding import encoded_batches
from inkloom.data.progress import Advance, progress
from inkloom.data.store import Store
from inkloom.errors import InputError
from inkloom.tokenizers import ControlledTokenizer, Ids, Tokenizer

if TYPE_CHECKING:
    from rich.console import Console

STORED_BYTES = 16_000_000
"""Text from which on the ids go to the cache. The slowest tokenizer takes 3 s for less, the fastest 20 ms."""

LARGEST_VOCABULARY = 1 << 32


@dataclass(frozen=True)
class EncodedPart:
    """A split as one stream of ids.

    ids: (1 + tokens,): the end token, on which the first token is conditioned, then every token of the split;
    documents are closed by an end token each, which is a token to predict like any other. Those of a large split lie
    in a file and are read where they are touched.
    controls_from: ids from this one on say what a document is to be like. They stand before its first token, have no
    text and are not scored. None where there are none.
    """

    name: str
    ids: Ids
    chars: int
    bytes: int
    unknown_tokens: int
    charge_nats: float
    controls_from: int | None = None

    @property
    def tokens(self) -> int:
        """How many tokens of text and ends of documents there are to predict."""
        return len(self.ids) - 1 if self.controls_from is None else int(np.count_nonzero(self.scored))

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which tokens after the first are scored, (len(ids) - 1,): all but controls."""
        if self.controls_from is None:
            return np.ones(len(self.ids) - 1, np.bool_)
        return np.asarray(self.ids[1:] < self.controls_from)


def encode_part(tokenizer: Tokenizer, part: Part, console: "Console | None" = None) -> EncodedPart:
    """The split as ids; text that the vocabulary lacks is counted and charged for.

    console: where to show how far a large split is. Its ids are kept in the cache for the next time.
    Raises InputError for a vocabulary that ids of 32 bits cannot hold, InkloomError where the cache has no room.
    """
    if tokenizer.vocab_size > LARGEST_VOCABULARY:
        raise InputError(
            f"The vocabulary has {tokenizer.vocab_size:,} tokens, and ids of 32 bits hold {LARGEST_VOCABULARY:,}. "
            "Give a smaller -o tokenizer.vocab_size."
        )
    controls_from = tokenizer.text_vocab_size if isinstance(tokenizer, ControlledTokenizer) else None
    if part.bytes < STORED_BYTES:
        kept: list[Ids] = []
        counts = _encode(tokenizer, part, kept.append)
        return EncodedPart(part.name, np.concatenate(kept), part.chars, part.bytes, *counts, controls_from)
    store = Store.of(tokenizer, part)
    found = store.read()
    if found is None:
        _fill(store, tokenizer, part, console)
        found = store.read()
        assert found is not None, "it was written a moment ago"
    header, ids = found
    return EncodedPart(
        part.name, ids, header.chars, header.bytes, header.unknown_tokens, header.charge_nats, controls_from
    )


def _fill(store: Store, tokenizer: Tokenizer, part: Part, console: "Console | None") -> None:
    """Encode a part into its store, in a stream, and say how fast that went."""
    started = time.perf_counter()
    with store.writing() as file, progress(console, f"Encoding {part.name}", part.text_bytes) as advance:
        counts = _encode(tokenizer, part, file.write, advance)
        file.finish(part, *counts)
    seconds = time.perf_counter() - started
    if console is not None:
        console.print(
            f"Encoded {part.name}: {file.ids:,} tokens, {part.bytes / 1e6:,.0f} MB of text in {seconds:.1f} s "
            f"({part.bytes / 1e6 / seconds:,.1f} MB/s)"
        )


def _encode(
    tokenizer: Tokenizer, part: Part, keep: Callable[[Ids], object], advance: Advance = lambda done: None
) -> tuple[int, float]:
    """Give the ids of a part to `keep`, the end token first; returns the unknown tokens and the charge in nats."""
    if isinstance(tokenizer, ControlledTokenizer):
        keep = with_controls(tokenizer, part, keep)
    keep(np.array([tokenizer.end_id], tokenizer.dtype))
    unknown_tokens, charge_nats = 0, 0.0
    with contextlib.closing(encoded_batches(tokenizer, part)) as batches:
        for encoding, size in batches:
            keep(encoding.ids)
            unknown_tokens += encoding.unknown_tokens
            charge_nats += encoding.charge_nats
            advance(size)
    return unknown_tokens, charge_nats


def with_controls(tokenizer: ControlledTokenizer, part: Part, keep: Callable[[Ids], object]) -> Callable[[Ids], object]:
    """Takes the ids of a part, the end token first, and gives them on with a control token before each document.

    Raises InputError where the documents go with nothing, or with a value that the tokenizer does not know.
    """
    if part.conditions is None:
        raise InputError(
            f"This model was trained with --control {tokenizer.field}, and {part.name} says nothing of it. Give a text "
            "with that column, or a folder with a file for each value."
        )
    controls_D = np.array([tokenizer.control_id(value) for value in part.conditions], tokenizer.dtype)
    opened = 0

    def keep_with_controls(ids: Ids) -> object:
        nonlocal opened
        ends = np.flatnonzero(ids == tokenizer.end_id)
        following = controls_D[opened : opened + len(ends)]  # the last end opens no document
        opened += len(ends)
        return keep(np.insert(ids, ends[: len(following)] + 1, following).astype(tokenizer.dtype, copy=False))

    return keep_with_controls
