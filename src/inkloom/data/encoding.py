"""Text to ids batch by batch: in this process, or on all cores where that takes a while.

The helpers are processes, since tokenizers in Python hold the interpreter's lock. They are started as plain programs,
not through `multiprocessing`, which would read the user's script again in each of them and so train again. They take
text and give back ids through pipes: a line of JSON for each request and each answer, which its ids follow.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import IO, Any, BinaryIO

import numpy as np

from inkloom.corpus.base import Part
from inkloom.corpus.pieces import Piece, in_batches
from inkloom.errors import InkloomError
from inkloom.threads import available_cores, in_order
from inkloom.tokenizers import Encoding, Tokenizer, read_tokenizer

WORTH_HELPERS = 3.0
"""Seconds that the rest must take in one process before helpers are started: they need half a second each to start."""


def encoded_batches(tokenizer: Tokenizer, part: Part) -> Generator[tuple[Encoding, int]]:
    """A part's ids in batches, with the end token of each document, and how many bytes of text each batch was.

    Which process encodes a batch makes no difference to its ids.
    """
    batches = in_batches(part.pieces())
    left, done, seconds = part.text_bytes, 0, 0.0
    for batch in batches:
        started = time.perf_counter()
        encoding = encode_batch(tokenizer, batch, part.documents)
        seconds += time.perf_counter() - started
        size = bytes_of(batch)
        yield encoding, size
        left, done = left - size, done + size
        if left / max(done, 1) * seconds > WORTH_HELPERS and available_cores() > 1:
            break
    else:
        return
    count = available_cores()
    with ThreadPoolExecutor(count) as pool, _Helpers(tokenizer, part.documents, count) as helpers:
        yield from in_order(pool, helpers.encode, batches, at_once=2 * count)


def encode_batch(tokenizer: Tokenizer, batch: Sequence[Piece], documents: bool) -> Encoding:
    """The ids of pieces in a row, with an end token behind each that ends a document."""
    return tokenizer.encode_all([piece.text for piece in batch], [documents and piece.ends for piece in batch])


def bytes_of(batch: Sequence[Piece]) -> int:
    """UTF-8 bytes of the text of some pieces."""
    return sum(len(piece.text) if piece.text.isascii() else len(piece.text.encode()) for piece in batch)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """What a helper does: read a tokenizer, then encode batches until there are no more."""
    tokenizer = read_tokenizer(json.loads(requests.readline()))
    for line in requests:
        pieces, documents = json.loads(line)
        encoding = encode_batch(tokenizer, [Piece(*piece) for piece in pieces], documents)
        answers.write(_line([len(encoding.ids), encoding.unknown_tokens, encoding.charge_nats]))
        answers.write(encoding.ids.tobytes())
        answers.flush()


class _Helpers(contextlib.AbstractContextManager["_Helpers"]):
    """Processes that encode. `encode` may be called from as many threads at once."""

    def __init__(self, tokenizer: Tokenizer, documents: bool, count: int) -> None:
        self._dtype: np.dtype[Any] = np.dtype(tokenizer.dtype)
        self._documents = documents
        self._processes = [_start() for _ in range(count)]
        self._free: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        for process in self._processes:
            with _ends_of_helpers_told():
                _send(process, tokenizer.to_json())
            self._free.put(process)

    def encode(self, batch: Sequence[Piece]) -> tuple[Encoding, int]:
        """The batch encoded, and its bytes of text. Raises InkloomError where a helper has ended."""
        process = self._free.get()
        try:
            with _ends_of_helpers_told():
                _send(process, [batch, self._documents])
                tokens, unknown_tokens, charge_nats = json.loads(_out(process).readline())
                ids = np.frombuffer(_out(process).read(tokens * self._dtype.itemsize), self._dtype)
                if len(ids) < tokens:
                    raise EOFError
        finally:
            self._free.put(process)
        return Encoding(ids, unknown_tokens, charge_nats), bytes_of(batch)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()  # it holds nothing that would be lost
            with contextlib.suppress(OSError):
                process.communicate()


@contextlib.contextmanager
def _ends_of_helpers_told() -> Iterator[None]:
    """A pipe without anybody at its other end as one line."""
    try:
        yield
    except (OSError, ValueError, EOFError) as error:
        raise InkloomError(
            "A process that encodes text has ended before its time; the machine may be short of memory. Try again."
        ) from error


def _start() -> subprocess.Popen[bytes]:
    """A helper, which finds modules where this process does. Ctrl-C reaches this process alone, which ends it."""
    program = f"import sys; sys.path[:] = {sys.path!r}; from inkloom.data import encoding as e; "
    program += "e.serve(sys.stdin.buffer, sys.stdout.buffer)"
    one_thread = {"TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **one_thread},
        process_group=0,
    )


def _send(process: subprocess.Popen[bytes], value: object) -> None:
    assert process.stdin is not None
    process.stdin.write(_line(value))
    process.stdin.flush()


def _out(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def _line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"
