import json
import math
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.errors import InputError
from inkloom.tokenizers import char
from inkloom.tokenizers.char import CharTokenizer

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too
UTF8_TEXT = st.text()


def fit(*texts):
    return CharTokenizer.fit(texts, CharTokenizer.Config())


def test_ids_are_unknown_end_and_the_characters_by_code_point():
    tokenizer = fit("cab", "é\n😀a")
    assert tokenizer.characters == "\nabcé😀"
    assert tokenizer.encode("a😀\n").ids.tolist() == [3, 7, 2]
    assert (tokenizer.unknown_id, tokenizer.end_id, tokenizer.vocab_size) == (0, 1, 8)


@given(UTF8_TEXT)
def test_text_of_the_vocabulary_comes_back(text):
    tokenizer = fit(text)
    encoding = tokenizer.encode(text)
    assert tokenizer.decode(encoding.ids) == text
    assert (encoding.unknown_tokens, encoding.charge_nats) == (0, 0.0)


@given(train=ANY_TEXT, text=ANY_TEXT)
def test_unknown_characters_are_counted_and_charged_eight_bits_a_byte(train, text):
    encoding = fit(train).encode(text)
    known = {character for character in train if unicodedata.category(character) != "Cs"}
    lost = [character for character in text if character not in known]
    assert encoding.unknown_tokens == len(lost) == np.count_nonzero(encoding.ids == 0)
    lost_bytes = len("".join(lost).encode("utf-8", "surrogatepass")) if lost else 0
    if not any(unicodedata.category(character) == "Cs" for character in lost):  # else two may join to one character
        assert encoding.charge_nats == pytest.approx(lost_bytes * 8 * math.log(2))


@pytest.mark.parametrize(("character", "length"), [("z", 1), ("é", 2), ("€", 3), ("\ud800", 3), ("😀", 4)])
def test_charge_of_one_unknown_character(character, length):
    encoding = fit("abc").encode(f"a{character}b")
    assert encoding.ids.tolist() == [2, 0, 3]
    assert encoding.charge_nats == pytest.approx(length * 8 * math.log(2))


@given(train=ANY_TEXT, text=ANY_TEXT)
def test_the_chunks_of_a_long_text_do_not_show(train, text):
    whole = fit(train)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(char, "CHUNK_CHARS", 3)
        chunked = fit(train)
        encoding = chunked.encode(text)
    assert chunked.characters == whole.characters
    assert encoding.ids.tolist() == whole.encode(text).ids.tolist()
    assert encoding.unknown_tokens == whole.encode(text).unknown_tokens
    assert encoding.charge_nats == pytest.approx(whole.encode(text).charge_nats)


def test_ids_are_as_narrow_as_the_vocabulary_allows():
    assert fit("ab").encode("ab").ids.dtype == np.uint16
    many = "".join(map(chr, range(0x10000, 0x20000)))
    assert fit(many[:-2]).encode(many[-3]).ids.dtype == np.uint16  # 65,534 characters and two specials
    tokenizer = fit(many)
    assert tokenizer.encode(many).ids.dtype == np.uint32
    assert tokenizer.decode(tokenizer.encode(many[-2:]).ids) == many[-2:]


def test_the_vocabulary_can_be_written_as_utf8_even_where_the_text_cannot():
    tokenizer = fit("a\ud800b\udcff")
    assert tokenizer.characters == "ab"
    assert json.dumps(tokenizer.to_json(), ensure_ascii=False).encode("utf-8")


def test_special_tokens_read_as_replacement_and_as_nothing():
    assert fit("ab").decode([2, 0, 1, 3]) == "a\ufffdb"


@pytest.mark.parametrize(
    ("known", "unknown", "named", "nearest"),
    [
        ("abE", "e", "'e' (U+0065 LATIN SMALL LETTER E)", "'E' (U+0045)"),
        ("abe", "é", "'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE)", "'e' (U+0065)"),
        ("abe", "É", "'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE)", "'e' (U+0065)"),
        ("ab'", "’", "'’' (U+2019 RIGHT SINGLE QUOTATION MARK)", '"\'" (U+0027)'),
        ('ab"', "“", "'“' (U+201C LEFT DOUBLE QUOTATION MARK)", "'\"' (U+0022)"),
        ("ab-", "—", "'—' (U+2014 EM DASH)", "'-' (U+002D)"),
        ("ab ", "\u00a0", "U+00A0", "' ' (U+0020)"),
        ("ab\n", "\t", "U+0009", "U+000A (U+000A)"),
        ("fab", "ﬁ", "'ﬁ' (U+FB01 LATIN SMALL LIGATURE FI)", "'f' (U+0066)"),
        ("ab059", "７", "'７' (U+FF17 FULLWIDTH DIGIT SEVEN)", "'9' (U+0039)"),
        ("ß!", "ẞ", "'ẞ' (U+1E9E LATIN CAPITAL LETTER SHARP S)", "'ß' (U+00DF)"),
    ],
)
def test_a_prompts_unknown_character_is_named_with_the_nearest_known_one(known, unknown, named, nearest):
    with pytest.raises(InputError) as raised:
        fit(known).encode_prompt(f"{known[0]}{unknown}{known[-1]}")
    assert f"The prompt has {named}, which is not among the {len(known)} characters" in str(raised.value)
    assert f"Nearest known: {nearest}." in str(raised.value)


def test_a_prompt_with_nothing_near_is_told_to_leave_it_out():
    with pytest.raises(InputError, match=r"U\+1F600 GRINNING FACE.* Leave it out\.$"):
        fit("ab").encode_prompt("a😀")
    with pytest.raises(InputError, match=r"U\+DCE9, half of a surrogate pair"):
        fit("ab").encode_prompt("a\udce9")


def test_all_unknown_characters_of_a_prompt_are_listed():
    with pytest.raises(InputError, match=r"Also unknown: 'é', U\+0007\.$"):
        fit("ab").encode_prompt("cabé\ac")
    with pytest.raises(InputError, match=r"Also unknown: ('.', ){7}'.' …\.$"):
        fit("ab").encode_prompt("cdefghijklmnop")


@given(train=ANY_TEXT, prompt=ANY_TEXT)
def test_a_prompt_gives_ids_or_one_line(train, prompt):
    tokenizer = fit(train)
    if tokenizer.encode(prompt).unknown_tokens == 0:
        assert tokenizer.decode(tokenizer.encode_prompt(prompt)) == prompt
        return
    with pytest.raises(InputError) as raised:
        tokenizer.encode_prompt(prompt)
    assert len(str(raised.value).splitlines()) == 1
    assert str(raised.value).encode("utf-8")  # can be printed


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({}, "lacks its text of characters"),
        ({"characters": ["a", "b"]}, "lacks its text of characters"),
        ({"characters": "ba"}, "not sorted"),
        ({"characters": "aab"}, "stands there twice"),
        ({"characters": "a\ud800"}, "surrogate"),
    ],
)
def test_a_damaged_vocabulary_is_refused_in_one_line(data, reason):
    with pytest.raises(InputError, match=reason) as raised:
        CharTokenizer.from_json(data)
    assert len(str(raised.value).splitlines()) == 1
