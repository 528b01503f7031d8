"""Bytes to text: nothing is lost in silence, and nothing that is no text gets through.

The order of the attempts: the encoding that the user named; a byte-order mark; UTF-16 and UTF-32 without a mark; UTF-8;
UTF-8 with a few stray windows-1252 bytes (text pasted together from several sources); a legacy encoding that is
detected. Whatever is no plain UTF-8 and says so by no mark is announced, with the first bytes and their line.
"""

import codecs
import re
import unicodedata
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from inkloom.errors import InputError

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose little-endian mark is the start of this one
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

MAGIC_NUMBERS = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a ZIP archive (as .docx, .odt and .epub are)",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x7fELF": "a program",
    b"\xfd7zXZ\x00": "xz data",
    b"\x28\xb5\x2f\xfd": "zstd data",
}

# Control characters that no plain text needs. Not among them: backspace and escape, which terminal logs and manual
# pages are full of, and tab, line feed, vertical tab, form feed and carriage return.
NOISE = bytes(code for code in (*range(32), 127) if chr(code) not in "\b\t\n\v\f\r\x1b")

# Compressed or random bytes hold 10 % of them, programs more; a log with a few NULs from a crash holds far less.
MOST_NOISE = 0.01

# Detection looks at this many bytes of lines that are not ASCII: enough for letter statistics, done in a blink.
DETECTION_SAMPLE = 50_000

# Encodings that text files really come in. charset-normalizer knows some 90 and, given a page of text, likes to
# choose rare ones such as iso8859_10 or shift_jis_2004.
LEGACY_ENCODINGS = [
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874"),
    *("iso8859_2", "iso8859_5", "iso8859_7", "koi8_r", "koi8_u", "mac_roman", "mac_cyrillic"),
    *("cp437", "cp850", "cp852", "cp866"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
]


@dataclass(frozen=True)
class Decoded:
    """A text, what the user should know about how it was read (empty where there is nothing to say), and its codec."""

    text: str
    notice: str = ""
    codec: str = "utf-8"


def decode(data: bytes, label: str, encoding: str | None = None) -> Decoded:
    """The text of `data`, with line ends normalised to "\\n" and a leading byte-order mark removed.

    `label` is what messages call the data. Raises InputError for binary data, an unknown `encoding`, and
    bytes that the named or marked encoding does not have.
    """
    if encoding is not None:
        return _clean(_decode_as(data, text_codec(encoding), label, "named with --encoding"))
    _refuse_known_binaries(data, label)
    if codec := marked_codec(data):
        return _clean(_decode_as(data, codec, label, "said by its byte-order mark"))
    noise = noise_in(data)
    if noise > MOST_NOISE * len(data):
        return _clean(_decode_without_mark(data, noise, label))
    try:
        decoded = Decoded(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        decoded = _decode_mixed(data, error.start, label) or _decode_detected(data, error.start, label)
    if noise:
        first = next(index for index, byte in enumerate(data) if byte in NOISE)
        said = noise_notice(noise, data[first], first, _line(data, first))
        decoded = replace(decoded, notice=f"{decoded.notice} {said}" if decoded.notice else f"{label}: {said}")
    return _clean(decoded)


def marked_codec(data: bytes) -> str | None:
    """The UTF-16 or UTF-32 codec that a byte-order mark at the beginning says; None where there is none."""
    return next((codec for mark, codec in BYTE_ORDER_MARKS if data.startswith(mark) and codec != "utf-8"), None)


def noise_in(data: bytes) -> int:
    """How many control characters stand there that no plain text needs."""
    return len(data) - len(data.translate(None, NOISE))


def noise_notice(count: int, byte: int, position: int, line: int) -> str:
    """What to say about control characters in a text, of which the first is `byte`."""
    kept = f"{_count(count, 'control character')} kept as {'it is' if count == 1 else 'they are'}"
    return f"{kept}, the first ({byte:#04x}) at byte {position:,}, line {line:,}."


def stray_notice(label: str, count: int, byte: int, position: int, line: int) -> str:
    """What to say about UTF-8 with bytes that are none, of which the first is `byte`."""
    verbs = "is not and was" if count == 1 else "are not and were"
    strays = f"{_count(count, 'stray byte')} {verbs} read as windows-1252"
    where = f"({byte:#04x}, {windows_1252(byte)!r}) at byte {position:,}, line {line:,}"
    return f"{label}: UTF-8, but {strays}, the first {where}. {_OVERRIDE}"


def normalise_newlines(text: str) -> str:
    """`text` with "\\r\\n" and lone "\\r" as "\\n"."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _clean(decoded: Decoded) -> Decoded:
    return replace(decoded, text=normalise_newlines(decoded.text.removeprefix("\ufeff")))


def text_codec(encoding: str) -> str:
    """The canonical name of a text encoding; InputError where Python has none of that name."""
    try:
        "".encode(encoding)  # refuses codecs such as base64, which are no text encodings
        codec = codecs.lookup(encoding).name
        if codec == "idna":  # made for host names
            raise LookupError(codec)
        return codec
    except (LookupError, ValueError) as error:
        raise InputError(
            f"{encoding!r} is no text encoding that Python knows. Common ones: utf-8, utf-16, windows-1252, "
            "iso-8859-1, cp1251, koi8-r, shift_jis, gb18030. Without --encoding it is found from the bytes."
        ) from error


def _decode_as(data: bytes, codec: str, label: str, said: str) -> Decoded:
    try:
        return Decoded(data.decode(codec), codec=codec)
    except UnicodeDecodeError as error:
        line = normalise_newlines(data[: error.start].decode(codec, "replace")).count("\n") + 1
        raise unreadable(label, codec, said, error, error.start, line) from error
    except UnicodeError as error:
        raise InputError(f"{label} cannot be read as {codec} ({said}): {error}. Name the right --encoding.") from error


def unreadable(label: str, codec: str, said: str, error: UnicodeDecodeError, position: int, line: int) -> InputError:
    """The error for data that a codec does not have, which somebody `said`."""
    return InputError(
        f"{label} cannot be read as {codec} ({said}): byte {error.object[error.start]:#04x} at byte {position:,}, "
        f"line {line:,}: {error.reason}. Name the right --encoding, or repair the file."
    )


def _refuse_known_binaries(data: bytes, label: str) -> None:
    for magic, kind in MAGIC_NUMBERS.items():
        if data.startswith(magic):
            raise InputError(f"{label} is {kind}, no plain text. Save its text as UTF-8 .txt and give that file.")


def _decode_without_mark(data: bytes, noise: int, label: str) -> Decoded:
    """UTF-16 or UTF-32 without a byte-order mark; InputError where it is neither.

    ASCII in UTF-16 is half NULs, Cyrillic half 0x04, and one byte in twenty of Chinese is a control character: all
    such text gets here. Of the two bytes of a unit, the high one takes fewer different values.
    """
    # UTF-32 goes first: of its 65,536 high halves only 17 exist, so nothing else passes for it.
    codecs_to_try = ["utf-32-le", "utf-32-be"] if len(data) % 4 == 0 else []
    if len(data) % 2 == 0:
        little_endian = len(set(data[1::2])) <= len(set(data[0::2]))
        codecs_to_try.append("utf-16-le" if little_endian else "utf-16-be")
    for codec in codecs_to_try:
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        if _looks_like_text(text):
            notice = f"{label}: read as {codec}, found from its bytes (it has no byte-order mark). {_OVERRIDE}"
            return Decoded(text, notice, codec)
    first = next(index for index, byte in enumerate(data) if byte in NOISE)
    raise no_text(label, noise / len(data), data[first], first)


def no_text(label: str, share: float, byte: int, position: int) -> InputError:
    """The error for data with that share of control characters, the first of which is `byte`."""
    return InputError(
        f"{label} is no text: {share:.0%} of its bytes are control characters, the first ({byte:#04x}) at byte "
        f"{position:,}. Give plain text; if it is text, name its --encoding."
    )


def _looks_like_text(text: str) -> bool:
    """Whether hardly any character is unassigned, private or a control character."""
    sample = text[:10_000]
    odd = sum(
        unicodedata.category(character) in ("Cn", "Co", "Cc") and character not in "\b\t\n\v\f\r\x1b"
        for character in sample
    )
    return odd <= MOST_NOISE * len(sample)


def _decode_mixed(data: bytes, first: int, label: str) -> Decoded | None:
    """UTF-8 whose stray bytes are windows-1252; None where most sequences are no UTF-8."""
    text = data.decode("utf-8", "surrogateescape")  # a stray byte 0xNN becomes U+DCNN, which UTF-8 never holds
    ascii_bytes = int(np.count_nonzero(np.frombuffer(data, np.uint8) < 0x80))
    stray = (len(text.encode("utf-8", "surrogatepass")) - len(data)) // 2  # three bytes for what came from one
    if len(text) - ascii_bytes - stray <= stray:
        return None
    return Decoded(read_strays(text), stray_notice(label, stray, data[first], first, _line(data, first)))


def read_strays(text: str) -> str:
    """UTF-8 decoded with `surrogateescape`, its stray bytes now read as windows-1252."""
    return re.sub("[\udc80-\udcff]", lambda found: windows_1252(ord(found[0]) - 0xDC00), text)


def windows_1252(byte: int) -> str:
    """The character of a byte; the five that windows-1252 leaves open are the C1 controls, as in browsers."""
    return bytes([byte]).decode("windows-1252" if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else "latin-1")


def _decode_detected(data: bytes, first: int, label: str) -> Decoded:
    """A legacy encoding that fits; InputError where none does."""
    where = f"{data[first]:#04x} at byte {first:,}, line {_line(data, first):,}"
    for encoding in _likely_encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue  # the sample fits, a later byte does not
        notice = f"{label}: not UTF-8 ({where}); read as {encoding}, found from its letters. {_OVERRIDE}"
        return Decoded(text, notice, encoding)
    raise InputError(
        f"{label} is neither UTF-8 ({where}) nor in any encoding that could be detected. "
        "Name it with --encoding, such as --encoding windows-1252."
    )


def _likely_encodings(data: bytes) -> list[str]:
    """Encodings that fit a sample of `data`, the likeliest first: charset-normalizer's order with two corrections."""
    import charset_normalizer

    matches = list(charset_normalizer.from_bytes(_lines_beyond_ascii(data), cp_isolation=LEGACY_ENCODINGS))
    if not matches:
        return []
    # A Cyrillic page in windows-1251 makes as good statistics in koi8_r, but with capitals for small letters.
    matches.sort(key=lambda match: _inner_capitals(str(match)) > len(str(match)) / 100)
    # Where the sample reads the same in several encodings, windows-1252 is by far the commonest.
    encodings = ["cp1252" if "cp1252" in match.could_be_from_charset else match.encoding for match in matches]
    # With few letters beyond ASCII (English 0.1 %, German 2 %, French 4 %; Polish 7 %, Czech 13 %) there is little to
    # go by, and cp1250 scores as well: windows-1252 goes first there too, so that £, ½ and ï stay themselves.
    if np.count_nonzero(np.frombuffer(data, np.uint8) >= 0x80) < 0.05 * len(data):
        best = matches[0]
        for match, encoding in zip(matches, encodings, strict=True):
            if encoding == "cp1252" and match.chaos <= best.chaos and match.coherence >= best.coherence - 0.1:
                return ["cp1252", *encodings]
    return encodings


def _lines_beyond_ascii(data: bytes) -> bytes:
    """Stretches of the first lines that hold bytes beyond ASCII, each cut where no multi-byte character can stand."""
    line_end = re.compile(rb"[\r\n]")
    stretches: list[bytes] = []
    size = end = 0
    for position in np.flatnonzero(np.frombuffer(data, np.uint8) >= 0x80).tolist():
        if position < end:
            continue
        start = max(end, position - 100)  # all ASCII from there up to `position`
        found = line_end.search(data, position)
        end = found.start() if found else len(data)
        stretches.append(data[start:end])
        size += end - start
        if size > DETECTION_SAMPLE:
            break
    return b"\n".join(stretches)


def _inner_capitals(text: str) -> int:
    return sum(left.islower() and right.isupper() for left, right in pairwise(text))


def _line(data: bytes, position: int) -> int:
    """The 1-based line of a byte, in an encoding that holds ASCII."""
    return normalise_newlines(data[:position].decode("latin-1")).count("\n") + 1


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


_OVERRIDE = "--encoding overrides."
