"""Bytes to text in a stream, for files that are too large to be decoded as a whole.

What the first HEAD_BYTES say about the encoding holds for the whole file, as `decode` would find it; all else (line
ends, stray bytes, control characters, what is announced about them) is as there.
"""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from inkloom.corpus.decoding import (
    MOST_NOISE,
    NOISE,
    decode,
    marked_codec,
    no_text,
    noise_in,
    noise_notice,
    read_strays,
    stray_notice,
    text_codec,
    unreadable,
)
from inkloom.errors import InputError

HEAD_BYTES = 1 << 24
"""Read ahead to find the encoding: letter statistics need some 50 kB of lines that are not ASCII."""

_STRAY = re.compile("[\udc80-\udcff]")
_NOISE = re.compile(f"[{re.escape(NOISE.decode())}]")


@dataclass
class _Oddities:
    """Bytes of one kind that should not be there: how many, and the first: (byte, position, line)."""

    count: int = 0
    first: tuple[int, int, int] = (0, 0, 0)


class TextStream:
    """A text that is decoded block by block: iterate over it once.

    blocks: the file's bytes. label: what messages call it. encoding: the one that the user named.

    `plain` tells whether the bytes so far are the text itself: UTF-8 without a byte-order mark, its line ends "\\n".
    `blank` tells whether it is nothing but white space so far. `notice` is what should be announced, at the end.
    Raises InputError, also while it is read, where the bytes are no text or not in the encoding.
    """

    def __init__(self, blocks: Iterable[bytes], label: str, encoding: str | None) -> None:
        self._blocks = iter(blocks)
        self._label = label
        self._encoding = encoding
        self._strays, self._noise = _Oddities(), _Oddities()
        self._bytes = self._beyond_ascii = 0
        self.plain = self.blank = True
        self.notice = ""

    def __iter__(self) -> Iterator[str]:
        head = self._read_head()
        codec, said = self._codec_of(head)
        self.plain = codec == "utf-8" and not head.startswith(codecs.BOM_UTF8)
        for number, text in enumerate(self._decoded(chain([head], self._blocks), codec, said)):
            clean = text.removeprefix("\ufeff") if number == 0 else text
            self.blank = self.blank and (not clean or clean.isspace())
            yield clean
        self._judge()

    def _judge(self) -> None:
        """At the end: whether it was text, and what should be known about it."""
        if self._noise.count > MOST_NOISE * self._bytes:
            raise no_text(self._label, self._noise.count / self._bytes, *self._noise.first[:2])
        if self._strays.count:
            if self._beyond_ascii <= 2 * self._strays.count:  # most of what is not ASCII is no UTF-8 either
                byte, position, line = self._strays.first
                raise InputError(
                    f"{self._label} is not UTF-8 from byte {position:,} ({byte:#04x}, line {line:,}) on, as it is "
                    "before. Name its --encoding, such as --encoding windows-1252."
                )
            self.notice = stray_notice(self._label, self._strays.count, *self._strays.first)
        if self._noise.count:
            noted = noise_notice(self._noise.count, *self._noise.first)
            self.notice = f"{self.notice} {noted}" if self.notice else f"{self._label}: {noted}"

    def _read_head(self) -> bytes:
        head = b""
        while len(head) < HEAD_BYTES and (block := next(self._blocks, b"")):
            head += block
        return head

    def _codec_of(self, head: bytes) -> tuple[str, str]:
        """The codec, and who said so: nobody where it is UTF-8 as found from the bytes, whose stray bytes are read."""
        if self._encoding is not None:
            return text_codec(self._encoding), "named with --encoding"
        if codec := marked_codec(head):
            return codec, "said by its byte-order mark"
        decoded = decode(_whole_characters(head), self._label)
        if decoded.codec == "utf-8":
            return "utf-8", ""
        self.notice = decoded.notice
        return decoded.codec, "found from its beginning"

    def _decoded(self, blocks: Iterable[bytes], codec: str, said: str) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(codec)("strict" if said else "surrogateescape")
        newlines = io.IncrementalNewlineDecoder(None, translate=True)
        position, line = 0, 1  # of what is decoded next
        for block in chain(blocks, [b""]):
            held_back = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                before = newlines.decode(error.object[: error.start].decode(codec, "replace"))
                place = position - held_back + error.start
                raise unreadable(self._label, codec, said, error, place, line + before.count("\n")) from error
            if not said:
                text = self._odd_bytes_read(text, position - held_back, line)
            text = newlines.decode(text, final=not block)
            self.plain = self.plain and newlines.newlines in (None, "\n") and not self._strays.count
            position = self._bytes = position + len(block)
            line += text.count("\n")
            yield text

    def _odd_bytes_read(self, text: str, position: int, line: int) -> str:
        """A block of UTF-8, its stray bytes read as windows-1252, its control characters counted."""

        def place(start: int) -> tuple[int, int]:
            before = text[:start]
            lines = len(re.findall("\r\n?|\n", before))
            return position + len(before.encode("utf-8", "surrogateescape")), line + lines

        try:
            data, all_valid = text.encode(), True
        except UnicodeEncodeError:  # thrice as fast as a search for the surrogates that stand for stray bytes
            data, all_valid = text.encode("utf-8", "surrogateescape"), False
        if noise := noise_in(data):
            if not self._noise.count and (found := _NOISE.search(text)):
                self._noise.first = (ord(found[0]), *place(found.start()))
            self._noise.count += noise
        self._beyond_ascii += len(text) - int(np.count_nonzero(np.frombuffer(data, np.int8) >= 0))
        if all_valid:
            return text
        strays = _STRAY.findall(text)
        if not self._strays.count:
            self._strays.first = (ord(strays[0]) - 0xDC00, *place(text.index(strays[0])))
        self._strays.count += len(strays)
        return read_strays(text)


def _whole_characters(head: bytes) -> bytes:
    """The beginning of a file, less a character of which only the first bytes stand in it."""
    if len(head) < HEAD_BYTES:
        return head
    if noise_in(head) > MOST_NOISE * len(head):  # UTF-16 or UTF-32 without a mark, if it is text at all
        return head[: len(head) // 4 * 4]
    line_end = head.rfind(b"\n") + 1  # in no encoding that holds ASCII is this byte part of another character
    if line_end:
        return head[:line_end]
    lead = next((place for place in range(len(head) - 4, len(head)) if head[place] >= 0xC0), len(head))
    return head[:lead]
