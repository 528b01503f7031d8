"""A stream reads what `decode` reads, at whatever bytes the blocks end, and says the same about it."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.corpus import streams
from inkloom.corpus.decoding import decode
from inkloom.corpus.streams import TextStream
from inkloom.errors import InputError

POLISH = "Zażółć gęślą jaźń, a potem idź spać.\n"
RUSSIAN = "Съешь ещё этих мягких французских булок, да выпей чаю.\r\n"
CHINESE = "天地玄黃，宇宙洪荒。日月盈昃，辰宿列張。\n"


def stream_of(data, size, encoding=None):
    return TextStream((data[start : start + size] for start in range(0, len(data), size)), "my.txt", encoding)


def read(data, size, encoding=None):
    """The text and the notice."""
    stream = stream_of(data, size, encoding)
    return "".join(stream), stream.notice


CASES = {
    "plain": POLISH.encode() * 9,
    "marked": b"\xef\xbb\xbf" + POLISH.encode() * 9,
    "dos": RUSSIAN.encode() * 9,
    "mac": POLISH.replace("\n", "\r").encode() * 9 + b"\r",
    "mixed line ends": b"a\r\nb\rc\nd\r",
    "utf-16 marked": (POLISH * 9).encode("utf-16"),
    "utf-32 marked": (RUSSIAN * 9).encode("utf-32"),
    "utf-16": ("plain English text\n" * 99).encode("utf-16-be"),
    "Chinese utf-16": (CHINESE * 99).encode("utf-16-le"),
    "strays": (POLISH * 9).encode() + b"caf\xe9 \x80\n" + (CHINESE * 9).encode(),
    "noise": (POLISH * 99).encode() + b"\x00\x01" + (POLISH * 9).encode(),
    "strays and noise": b"\r\n" + (POLISH * 99).encode() + b"\xe9\x00" + (POLISH * 9).encode(),
    "cp1251": (RUSSIAN * 99).encode("cp1251"),
    "gb18030": (CHINESE * 99).encode("gb18030"),
    "empty": b"",
    "blank": b" \n\t\n",
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 1 << 20])
def test_blocks_of_any_size_make_the_same_text_and_notice(case, size):
    decoded = decode(CASES[case], "my.txt")
    assert read(CASES[case], size) == (decoded.text, decoded.notice)


@pytest.mark.parametrize(("case", "encoding"), [("plain", "utf-8"), ("cp1251", "windows-1251"), ("gb18030", "gb18030")])
def test_an_encoding_that_is_named_is_used(case, encoding):
    decoded = decode(CASES[case], "my.txt", encoding)
    assert read(CASES[case], 5, encoding) == (decoded.text, "")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200), st.integers(1, 9))
def test_utf_8_comes_back(text, size):
    assert read(text.encode(), size)[0] == decode(text.encode(), "my.txt").text


@pytest.mark.parametrize(
    ("case", "plain"), [("plain", True), ("noise", True), ("marked", False), ("dos", False), ("strays", False)]
)
def test_plain_text_is_known(case, plain):
    stream = stream_of(CASES[case], 100)
    text = "".join(stream)
    assert stream.plain == plain == (text.encode() == CASES[case])
    assert not stream.blank


def test_blank_text_is_known():
    stream = stream_of(CASES["blank"], 1)
    assert "".join(stream).isspace()
    assert stream.blank


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (bytes(range(256)) * 99, None),
        (gzip.compress(POLISH.encode() * 99), None),
        (b"%PDF-1.7 and more", None),
        (POLISH.encode() * 9 + b"\xff" * 9, "utf-8"),
        (b"\r\n" + RUSSIAN.encode("cp1251"), "ascii"),
        (POLISH.encode("utf-16")[:-1], None),
        (POLISH.encode(), "utf-9"),
    ],
)
def test_what_is_no_text_is_refused_as_it_is_in_one_piece(data, encoding):
    with pytest.raises(InputError) as whole:
        decode(data, "my.txt", encoding)
    with pytest.raises(InputError) as in_blocks:
        read(data, 7, encoding)
    assert str(in_blocks.value) == str(whole.value)


class TestBehindTheHead:
    """What only shows behind the bytes by which the encoding is found."""

    @pytest.fixture(autouse=True)
    def _short_head(self, monkeypatch):
        monkeypatch.setattr(streams, "HEAD_BYTES", 1000)

    @pytest.mark.parametrize("text", [POLISH * 99, CHINESE.strip() * 99, RUSSIAN * 99, "x" * 2000 + CHINESE])
    def test_a_character_may_stand_across_its_end(self, text):
        for shift in range(4):
            assert read(("x" * shift + text).encode(), 100)[0] == decode(("x" * shift + text).encode(), "").text

    def test_utf_16_without_a_mark_goes_on(self):
        assert read((POLISH * 99).encode("utf-16-le"), 100)[0] == POLISH * 99

    def test_stray_bytes_are_read_and_announced_with_their_place(self):
        data = (POLISH * 99).encode() + b"\r\ncaf\xe9\n" + POLISH.encode()
        decoded = decode(data, "my.txt")
        assert read(data, 100) == (decoded.text, decoded.notice)
        assert "line 101" in decoded.notice

    def test_another_encoding_is_refused(self):
        with pytest.raises(InputError, match=r"^my\.txt is not UTF-8 from byte 2,000 \(0xd1, line 1\) on.*--encoding"):
            read(b"x" * 2000 + (RUSSIAN * 9).encode("cp1251"), 100)

    def test_bytes_that_the_detected_encoding_lacks_are_refused(self):
        with pytest.raises(InputError, match=r"read as cp1250 \(found from its beginning\): byte 0x81 at byte"):
            read((POLISH * 99).encode("cp1250") + b"\x81", 100)

    def test_binary_data_is_refused(self):
        with pytest.raises(InputError, match=r"^my\.txt is no text: 50% of its bytes .* \(0x00\) at byte 2,000"):
            read(b"x" * 2000 + b"\x00" * 2000, 100)
