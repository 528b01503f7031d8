"""Bytes to text: known answers for every way in which a file can be encoded, and round trips over random text."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.corpus.decoding import decode, normalise_newlines
from inkloom.errors import InputError

GERMAN = "Die Straße führt über die Brücke; größere Bäume stehen dort.\n"
RUSSIAN = "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.\n"
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n"

# Text as decoded files hold it: no lone surrogates, no control characters, "\n" alone ends lines.
texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]) | st.just("\n"), min_size=1).filter(
    lambda text: not text.startswith("\ufeff")
)


@given(texts)
def test_utf_8_comes_through_unchanged_and_unannounced(text):
    decoded = decode(text.encode(), "my.txt")
    assert (decoded.text, decoded.notice) == (text, "")


@given(texts, st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]))
def test_a_byte_order_mark_is_obeyed_and_removed(text, encoding):
    decoded = decode(text.encode(encoding), "my.txt")
    assert (decoded.text, decoded.notice) == (text, "")


@pytest.mark.parametrize("text", [GERMAN, RUSSIAN, JAPANESE])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_encodings_without_a_mark_are_found_and_announced(text, encoding):
    decoded = decode((text * 3).encode(encoding), "my.txt")
    assert decoded.text == text * 3
    assert encoding in decoded.notice
    assert "--encoding" in decoded.notice


def test_stray_windows_1252_bytes_are_kept_in_utf_8():
    data = "Naïve café, très déjà vu.\n".encode() + b"don\x92t \x93go\x94\n"
    decoded = decode(data, "fortunes.txt")
    assert decoded.text == "Naïve café, très déjà vu.\ndon’t “go”\n"
    assert "3 stray bytes are not and were read as windows-1252" in decoded.notice


def test_the_notice_of_stray_bytes_counts_them_and_places_the_first():
    data = "Überall, über, für\n".encode() + b"it\x92s\n"
    decoded = decode(data, "my.txt")
    assert decoded.text == "Überall, über, für\nit’s\n"
    assert "1 stray byte is" in decoded.notice
    assert "0x92" in decoded.notice
    assert "line 2" in decoded.notice


def test_bytes_that_windows_1252_leaves_open_stay_control_characters():
    assert decode("für, süß, Öl\n".encode() + b"\x81", "my.txt").text == "für, süß, Öl\n\x81"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "cp1252"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        ("Zażółć gęślą jaźń. Litwo! Ojczyzno moja! ty jesteś jak zdrowie.\n", "cp1250"),
        (JAPANESE, "cp932"),
        ("道可道，非常道。名可名，非常名。无名天地之始，有名万物之母。\n", "gb18030"),
    ],
)
def test_legacy_encodings_are_detected_and_announced(text, encoding):
    decoded = decode((text * 20).encode(encoding), "old.txt")
    assert decoded.text == text * 20
    assert decoded.notice.startswith("old.txt: not UTF-8")
    assert "line 1" in decoded.notice


def test_nearly_ascii_text_is_windows_1252():
    text = "He paid £5 for it, and ½ of that for a naïve letter to the editor; the rest went to charity.\n" * 30
    assert decode(text.encode("cp1252"), "my.txt").text == text


def test_detection_looks_beyond_ascii_pages():
    text = "Only plain words on this line.\n" * 5000 + GERMAN * 10
    decoded = decode(text.encode("cp1252"), "my.txt")
    assert decoded.text == text
    assert "line 5,001" in decoded.notice


def test_binary_noise_is_refused():
    data = random.Random(0).randbytes(4000)
    with pytest.raises(InputError, match=r"^my\.bin is no text: \d+% of its bytes are control characters"):
        decode(data, "my.bin")


@pytest.mark.parametrize(
    ("start", "kind"), [(b"%PDF-1.7\n", "a PDF"), (b"PK\x03\x04", "a ZIP archive"), (b"\x89PNG\r\n", "a PNG image")]
)
def test_well_known_binaries_are_called_by_their_name(start, kind):
    with pytest.raises(InputError, match=f"my.file is {kind}"):
        decode(start + b"some more", "my.file")


def test_a_few_control_characters_are_kept_and_announced():
    text = "line\n" * 100 + "a\0b\n"
    decoded = decode(text.encode(), "log.txt")
    assert decoded.text == text
    assert "1 control character kept as it is, the first (0x00) at byte 501, line 101" in decoded.notice


def test_terminal_logs_are_text():
    text = "\x1b[31mred\x1b[0m and b\bbold\n" * 10
    assert decode(text.encode(), "log.txt").text == text


def test_the_named_encoding_wins():
    assert decode("Grüße".encode("cp1252"), "my.txt", "windows-1252").text == "Grüße"
    assert decode(b"\x00\x01", "my.txt", "latin-1").text == "\x00\x01"
    assert decode("\ufefftext".encode(), "my.txt", "utf-8").text == "text"


def test_a_byte_that_the_named_encoding_lacks_is_placed():
    with pytest.raises(
        InputError, match=r"cannot be read as utf-8 \(named with --encoding\): byte 0xfc at byte 6, line 2"
    ):
        decode(b"one\nGr\xfc\xdfe", "my.txt", "utf8")


def test_cut_off_utf_16_is_placed():
    with pytest.raises(InputError, match=r"cannot be read as utf-16-le .said by its byte-order mark.*line 2"):
        decode("one\ntwo".encode("utf-16")[:-1], "my.txt")


@pytest.mark.parametrize("encoding", ["utf-9", "base64", "idna", "rot13", "", "a\0b"])
def test_names_of_no_text_encoding_are_refused(encoding):
    with pytest.raises(InputError, match=r"is no text encoding that Python knows\. Common ones: utf-8"):
        decode(b"text", "my.txt", encoding)


def test_all_line_ends_become_newlines():
    assert decode(b"a\r\nb\rc\nd\r\r\n", "my.txt").text == "a\nb\nc\nd\n\n"


@given(st.text("ab\r\n"))
def test_normalised_text_keeps_all_but_carriage_returns(text):
    assert normalise_newlines(text).replace("\n", "") == text.replace("\r", "").replace("\n", "")
    assert "\r" not in normalise_newlines(text)


def test_unicode_is_not_normalised_nor_stripped():
    text = "  e\u0301 \ufb01 \u00a0\u200b\u2028 \n"
    assert decode(text.encode(), "my.txt").text == text


def test_bytes_of_no_encoding_at_all_are_refused():
    data = bytes(random.Random(0).choices(range(0x80, 0x100), k=3000))
    with pytest.raises(InputError, match=r"^my\.bin is neither UTF-8 .* nor in any encoding that could be detected"):
        decode(data, "my.bin")


def test_a_later_byte_may_overrule_the_sample():
    # 0x81 is no windows-1252; it comes after all that the detection looks at.
    data = ("Die Straße führt über die Brücke.\n" * 3000).encode("cp1252") + b"\x81\n"
    decoded = decode(data, "my.txt")
    assert len(decoded.text) == len(data)
    assert "read as cp1252" not in decoded.notice


def test_what_a_codec_says_without_a_place_is_passed_on():
    with pytest.raises(InputError, match=r"cannot be read as punycode .*: .*incomplete"):
        decode(b"a-b", "my.txt", "punycode")
