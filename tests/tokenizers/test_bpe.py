import json
import logging

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from inkloom.config import build
from inkloom.errors import InputError
from inkloom.tokenizers import bpe
from inkloom.tokenizers.bpe import BpeTokenizer
from inkloom.tokenizers.byte import ByteTokenizer

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too
MIXED_TEXT = st.text(st.sampled_from("abAB'’ \n\t\r.,-09éλ語। \u200d\u00a0\u2003\x1c🦜\u0301"))

TRAIN = "the theme of the thesis: they're there, then 'tis theirs -- 1999 and 2000!\n  the end\n" * 3
FITTED = BpeTokenizer.fit([TRAIN], BpeTokenizer.Config(vocab_size=280))


def library(tokenizer):
    read = tokenizers.Tokenizer.from_str(json.dumps(tokenizer.to_json()))
    read.encode_special_tokens = True  # else it would take <end> in a text for the end of a document
    return read


LIBRARY = library(FITTED)


def test_ids_are_end_bytes_and_merges():
    assert (FITTED.vocab_size, FITTED.end_id, FITTED.unknown_id) == (280, 0, None)
    texts = [FITTED.text_of(token) for token in range(FITTED.vocab_size)]
    assert texts[0] == ""
    assert {*map(chr, range(128))} <= {*texts[1:257]}
    assert " the" in texts[257:]


@given(st.one_of(MIXED_TEXT, st.text(), st.text("the irn\n'")))
def test_the_ids_are_those_of_the_library(text):
    assert FITTED.encode(text).ids.tolist() == LIBRARY.encode(text).ids


@given(st.lists(st.text("thei '\n"), max_size=5))
def test_the_pieces_that_were_kept_do_not_show(texts):
    fresh = BpeTokenizer.from_json(FITTED.to_json())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bpe, "MOST_PIECES", 2)
        patch.setattr(bpe, "CHUNK_CHARS", 3)
        for text in texts:
            assert fresh.encode(text).ids.tolist() == LIBRARY.encode(text).ids


@pytest.mark.parametrize("size", [1, 7, 50])
def test_the_merges_do_not_depend_on_how_train_is_cut(size, monkeypatch):
    monkeypatch.setattr(bpe, "FITTED_AT_ONCE", size)
    assert BpeTokenizer.fit([TRAIN], FITTED.config).to_json() == FITTED.to_json()


@given(ANY_TEXT)
def test_every_text_has_ids_and_comes_back(text):
    ids = FITTED.encode(text).ids.tolist()
    assert FITTED.encode_prompt(text) == ids
    if text.isprintable() or text.encode("utf-8", "ignore").decode() == text:  # no surrogates
        assert FITTED.decode(ids) == text


@given(st.text())
def test_streamed_text_has_no_broken_characters(text):
    for tokenizer in (FITTED, ByteTokenizer()):
        decoder = tokenizer.decoder()
        so_far = ""
        for token in tokenizer.encode(text).ids.tolist():
            so_far += decoder.push(token)
            assert text.startswith(so_far)
        assert so_far + decoder.flush() == text


def test_a_character_that_a_prompt_has_begun_is_finished():
    euro = [0xE2, 0x82, 0xAC]
    decoder = ByteTokenizer().decoder(euro[:2])
    assert decoder.push(euro[2]) == "€"


def test_bytes_that_are_no_text_read_as_replacement():
    assert ByteTokenizer().decode([0x61, 0xFF, 0xE2, 0x82]) == "a\ufffd\ufffd"


def test_fewer_merges_than_asked_for_are_announced(caplog):
    with caplog.at_level(logging.INFO, "inkloom"):
        tokenizer = BpeTokenizer.fit(["ab ab"], BpeTokenizer.Config(vocab_size=2**31))
    assert tokenizer.vocab_size == 258
    assert "gives 258 tokens of byte pairs, not 2,147,483,648" in caplog.text


def test_a_text_without_anything_twice_leaves_the_bytes():
    assert BpeTokenizer.fit([""], BpeTokenizer.Config()).vocab_size == 257
    assert BpeTokenizer.fit(["\ud800 é"], BpeTokenizer.Config()).decode([0]) == ""


def test_merges_are_looked_for_at_the_beginning_of_a_large_text(monkeypatch):
    monkeypatch.setattr(bpe, "FITTED_CHARS", 10)
    tokenizer = BpeTokenizer.fit(iter(["ab ab ab ab", "cd cd cd cd"]), BpeTokenizer.Config())
    assert "ab" in map(tokenizer.text_of, range(tokenizer.vocab_size))
    assert "cd" not in map(tokenizer.text_of, range(tokenizer.vocab_size))


def test_the_same_text_gives_the_same_merges():
    again = BpeTokenizer.fit([TRAIN], BpeTokenizer.Config(vocab_size=280))
    assert again.to_json() == FITTED.to_json()


@pytest.mark.parametrize("size", [256, 2**32 + 1, "many"])
def test_a_size_out_of_range_is_one_line(size):
    with pytest.raises(InputError, match=r"tokenizer\.vocab_size got") as raised:
        build(BpeTokenizer.Config, {"vocab_size": size}, "tokenizer")
    assert len(str(raised.value).splitlines()) == 1


@given(st.text())
def test_the_library_reads_bytes_from_tokenizer_json(text):
    assert LIBRARY_OF_BYTES.encode(text).ids == ByteTokenizer().encode(text).ids.tolist() == list(text.encode())


LIBRARY_OF_BYTES = library(ByteTokenizer())


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data["model"].pop("merges"),
        lambda data: data["model"]["vocab"].update({"the": 7}),
        lambda data: data["model"].update(inkloom={}),
        lambda data: data.update(decoder={"type": "Unheard"}),
    ],
)
def test_a_damaged_vocabulary_is_refused_in_one_line(damage):
    data = FITTED.to_json()
    damage(data)
    with pytest.raises(InputError, match="byte-pair vocabulary is damaged") as raised:
        BpeTokenizer.from_json(data)
    assert len(str(raised.value).splitlines()) == 1
    with pytest.raises(InputError, match="byte vocabulary is damaged"):
        ByteTokenizer.from_json(data)
