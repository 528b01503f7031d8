"""Ids on disk: a split that was encoded once is read from the cache, and only as far as batches touch it.

A file begins with HEADER_BYTES of JSON, padded with spaces: how to read it, what was encoded, and the counts that make
scores of it. The ids follow as little-endian integers. Its name is a hash of the split's text and the tokenizer. It is
written whole or not at all, and one that does not fit is made anew.
"""

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, TypeAlias

import numpy as np
import pydantic

from inkloom.config import Config
from inkloom.corpus.base import Part
from inkloom.files import cache_dir, caching
from inkloom.tokenizers import Ids, Tokenizer

log = logging.getLogger("inkloom")

FOLDER = "tokens"
"""Of the cache, that holds the stores."""

HEADER_BYTES = 1024

Integers: TypeAlias = Literal["<u2", "<u4"]
"""How ids are written: the type of NumPy."""


class Header(Config):
    """What stands before the ids."""

    format: Literal[1] = 1
    dtype: Integers
    part: str
    """Train, val, test or held_back."""
    text: str
    """`Part.identity`, and whether documents end with a token."""
    tokenizer: str
    """The SHA-256 of its tokenizer.json."""
    ids: int = pydantic.Field(ge=1)
    chars: int
    bytes: int
    unknown_tokens: int
    charge_nats: float


@dataclass(frozen=True)
class Store:
    """Where the ids of one part by one tokenizer lie."""

    path: Path
    part: str
    text: str
    tokenizer: str
    dtype: Integers

    @classmethod
    def of(cls, tokenizer: Tokenizer, part: Part) -> "Store":
        """The place of what a tokenizer makes of a part."""
        text = f"{part.identity} {'documents' if part.documents else 'running'}"
        fingerprint = hashlib.sha256(json.dumps(tokenizer.to_json(), sort_keys=True).encode()).hexdigest()
        name = hashlib.sha256(f"{text} {fingerprint}".encode()).hexdigest()
        dtype: Integers = "<u2" if tokenizer.dtype is np.uint16 else "<u4"
        return cls(cache_dir() / FOLDER / f"{name}.ids", part.name, text, fingerprint, dtype)

    def read(self) -> tuple[Header, Ids] | None:
        """The header and the ids, mapped into memory; None where there are none, or others, which is announced."""
        try:
            with self.path.open("rb") as file:
                header = Header.model_validate_json(file.read(HEADER_BYTES))
            problem = self._problem_with(header)
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            problem = "its header is damaged"
        if problem:
            log.info(f"What the cache has of {self.part} cannot be used ({problem}); {self.part} is encoded anew.")
            return None
        os.utime(self.path)  # used now: others are forgotten before it
        ids = np.memmap(self.path, self.dtype, mode="r", offset=HEADER_BYTES, shape=(header.ids,))
        return header, ids.view(np.ndarray)

    def _problem_with(self, header: Header) -> str:
        """Why a file with this header is not what is looked for; empty where it is."""
        if (header.text, header.tokenizer, header.dtype) != (self.text, self.tokenizer, self.dtype):
            return "it is of another text or tokenizer"
        size, expected = self.path.stat().st_size, HEADER_BYTES + header.ids * np.dtype(self.dtype).itemsize
        return "" if size == expected else f"it has {size:,} bytes instead of {expected:,}"

    @contextlib.contextmanager
    def writing(self) -> Iterator["Writer"]:
        """Takes ids and then the counts; the file takes its place when the block ends well.

        Raises InkloomError where there is no room.
        """
        with caching(self.path, f"The ids of {self.part}") as file:
            file.write(b" " * HEADER_BYTES)
            yield Writer(self, file)


class Writer:
    """What a store takes while it is written."""

    def __init__(self, store: Store, file: IO[bytes]) -> None:
        self._store = store
        self._file = file
        self.ids = 0
        """How many were written."""

    def write(self, ids: Ids) -> None:
        """The next ids."""
        self._file.write(ids.astype(self._store.dtype, copy=False).tobytes())
        self.ids += len(ids)

    def finish(self, part: Part, unknown_tokens: int, charge_nats: float) -> None:
        """All that stands in the header, when all ids are written."""
        header = Header(
            dtype=self._store.dtype,
            part=part.name,
            text=self._store.text,
            tokenizer=self._store.tokenizer,
            ids=self.ids,
            chars=part.chars,
            bytes=part.bytes,
            unknown_tokens=unknown_tokens,
            charge_nats=charge_nats,
        )
        self._file.seek(0)
        self._file.write(header.model_dump_json().encode().ljust(HEADER_BYTES - 1) + b"\n")
