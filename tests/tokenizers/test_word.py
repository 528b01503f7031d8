"""Words: what has an id, what a prompt may hold, and that the charge is the price of a code."""

import itertools
import json
import math
from collections import defaultdict

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from inkloom.config import build
from inkloom.errors import InputError
from inkloom.tokenizers import charges, word
from inkloom.tokenizers.charges import telling_nats
from inkloom.tokenizers.word import WordTokenizer

WIKITEXT = " = Lobster = \n \n The <unk> lobster , a well @-@ known lobster , is the <unk> of 1 @,@ 000 .\n"


def fit(*texts, **fields):
    return WordTokenizer.fit(texts, WordTokenizer.Config(**fields))


def whitespace(*texts, **fields):
    return fit(*texts, mode="whitespace", **fields)


def test_ids_are_unknown_end_line_end_and_the_words_by_frequency():
    tokenizer = whitespace("b a c\nb a b rare\n")
    assert tokenizer.words == ("<unk>", "<end>", "\n", "b", "a")
    assert (tokenizer.unknown_id, tokenizer.end_id, tokenizer.vocab_size) == (0, 1, 5)
    assert tokenizer.encode("a b\nc").ids.tolist() == [4, 3, 2, 0]
    assert [tokenizer.text_of(token) for token in range(5)] == ["<unk>", "", "\n", "b", "a"]


def test_words_of_one_frequency_are_in_order():
    assert whitespace("d b c a " * 2).words[3:] == ("a", "b", "c", "d")


@pytest.mark.parametrize(("fields", "kept"), [({}, "cba"), ({"vocab_size": 5}, "cb"), ({"min_count": 3}, "c")])
def test_the_vocabulary_is_limited_by_size_and_by_count(fields, kept):
    tokenizer = whitespace("c c c b b a a d", **fields)
    assert "".join(tokenizer.words[3:]) == {"cba": "cab", "cb": "ca", "c": "c"}[kept]


def test_lines_end_with_a_token_that_ends_no_sample():
    tokenizer = whitespace("a\na\n")
    assert tokenizer.encode("a\n\n").ids.tolist() == [3, 2, 2]
    assert tokenizer.decode([3, 2, 3]) == "a\na"
    assert tokenizer.end_id != 2


def test_a_literal_unknown_is_the_unknown_id_but_no_lost_text():
    for mode in ("whitespace", "basic"):
        tokenizer = fit("a <unk> b <unk>\n" * 3, mode=mode)
        literal, none = tokenizer.encode("a <unk> b"), tokenizer.encode("a b b")
        assert literal.ids.tolist()[1] == tokenizer.unknown_id
        assert literal.unknown_tokens == 0
        assert literal.charge_nats <= none.charge_nats
        assert tokenizer.encode("a lost b").unknown_tokens == 1
        assert tokenizer.encode_prompt("a <unk>") == literal.ids.tolist()[:2]


def test_a_word_that_is_written_like_a_special_token_is_a_word_or_lost():
    tokenizer = whitespace("<eos> <end> <eos> <end> a a")
    assert tokenizer.decode(tokenizer.encode("<eos> a").ids) == "<eos> a"
    lost = tokenizer.encode("<end>")
    assert (lost.ids.tolist(), lost.unknown_tokens) == ([tokenizer.unknown_id], 1)


TRAINS = st.lists(st.text("aA. \n", min_size=1, max_size=20), min_size=1, max_size=3)


@settings(max_examples=25, deadline=None)
@given(TRAINS, st.sampled_from(["whitespace", "basic"]), st.integers(1, 2))
def test_the_charges_of_all_texts_with_the_same_ids_are_those_of_a_code(train, mode, min_count):
    """Kraft: a code for texts whose ids are known exists if the sum of exp(-charge) is at most 1."""
    try:
        tokenizer = fit(*train, mode=mode, min_count=min_count)
    except InputError:
        return
    weight = defaultdict(float)
    for length in range(5):
        for characters in itertools.product("aA. \n", repeat=length):
            encoding = tokenizer.encode("".join(characters))
            weight[tuple(encoding.ids.tolist())] += math.exp(-encoding.charge_nats)
    assert max(weight.values()) <= 1 + 1e-9


def test_the_code_wastes_little_on_usual_text():
    tokenizer = fit("Aa a. A a.\naa a a.\n" * 20)
    (ids,) = {tuple(tokenizer.encode(text).ids.tolist()) for text in ("a a.", "A a.", "a  a.")}
    alike = [text for text in map("".join, itertools.product("aA. \n", repeat=4)) if ids == _ids(tokenizer, text)]
    assert sum(math.exp(-tokenizer.encode(text).charge_nats) for text in alike) > 0.75


def _ids(tokenizer, text):
    return tuple(tokenizer.encode(text).ids.tolist())


@given(st.lists(st.text("aAb.' ", max_size=8), max_size=6))
def test_charges_of_lines_add_up_to_that_of_the_text(lines):
    tokenizer = CASED
    text = "\n".join([*lines, ""])
    of_lines = sum(tokenizer.encode(f"{line}\n").charge_nats for line in lines)
    at_end = tokenizer.encode("a\n").charge_nats - tokenizer.encode("a").charge_nats  # what the end of a text costs
    difference = of_lines - tokenizer.encode(text).charge_nats
    assert difference == pytest.approx((len(lines) - 1) * _end_of_text_nats(tokenizer)) or not lines
    assert at_end < 5


CASED = fit("A b.\nB a 'a.\n" * 5)


def _end_of_text_nats(tokenizer):
    """What it costs that nothing stands behind the last line."""
    return 2 * tokenizer.encode("a\n").charge_nats - tokenizer.encode("a\na\n").charge_nats


def test_whoever_forgets_more_pays_more():
    train = "The cat sat. The dog sat. A cat and a dog.\n" * 4
    cases = fit(train, mode="basic")
    usual, unusual = cases.encode("The cat sat.\n"), cases.encode("tHE CAT saT.\n")
    assert usual.ids.tolist() == unusual.ids.tolist()
    assert usual.charge_nats + 10 < unusual.charge_nats
    assert cases.encode("The  cat sat .\n").charge_nats > usual.charge_nats + 10
    assert cases.encode("The bird sat.\n").charge_nats > usual.charge_nats + 10


def test_a_lost_word_costs_its_spelling():
    tokenizer = whitespace("a b a b ab ba\n")
    known, lost = tokenizer.encode("a b a\n"), tokenizer.encode("a bb a\n")
    assert lost.charge_nats - known.charge_nats == pytest.approx(tokenizer.charges.speller.nats(["bb"])[0])


@pytest.mark.parametrize(("lost", "literal"), [(0, 5), (10, 10), (99, 1)])
def test_lost_words_pay_for_being_told_from_literal_ones(lost, literal):
    share = (lost + 1) / (lost + literal + 1)
    entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
    assert telling_nats(lost, literal) == pytest.approx(entropy / share)
    assert telling_nats(lost, 0) == 0.0


@given(st.text("aA.b \n", max_size=30))
def test_what_was_kept_to_be_faster_does_not_show(text):
    fresh = WordTokenizer.from_json(CASED.to_json())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word, "MOST_UNITS", 3)
        assert fresh.encode("a b. A").charge_nats == CASED.encode("a b. A").charge_nats
        forgetful, remembering = fresh.encode(text), CASED.encode(text)
    assert forgetful.ids.tolist() == remembering.ids.tolist()
    assert forgetful.charge_nats == pytest.approx(remembering.charge_nats)


def test_of_a_text_with_very_many_words_those_met_once_are_forgotten(monkeypatch):
    monkeypatch.setattr(charges, "MOST_UNITS", 20)
    pieces = [f"{' '.join(f'w{number}' for number in range(start, start + 15))} a b b" for start in range(0, 150, 15)]
    tokenizer = whitespace(*pieces)
    assert tokenizer.words[3:] == ("b", "a")
    assert {"w1", "w149"} <= set(tokenizer.charges.unlisted)


def test_few_words_outside_the_vocabulary_are_kept_to_spell_others(monkeypatch):
    monkeypatch.setattr(charges, "SPELT_WORDS", 10)
    tokenizer = whitespace(" ".join(["a", "a", *(f"w{number:03}" for number in range(95))]))
    assert len(tokenizer.charges.unlisted) == 10
    assert tokenizer.charges.unlisted[-1] > "w085"


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("The lobster, a", "The lobster , a"),
        ("well-known lobster.", "well @-@ known lobster ."),
        ("of 1,000", "of 1 @,@ 000"),
        ("The lobster , ", "The lobster ,"),
        ("The\nlobster", "The \n lobster"),
    ],
)
def test_in_a_prompt_marks_need_not_stand_apart(prompt, words):
    tokenizer = whitespace(WIKITEXT * 2)
    assert [tokenizer.text_of(token) for token in tokenizer.encode_prompt(prompt)] == words.split(" ")


def test_prompts_of_basic_are_read_like_text():
    tokenizer = fit("The king's lobster, the KING.\n" * 2)
    assert tokenizer.encode_prompt("THE King's") == tokenizer.encode("the king's").ids.tolist()
    assert tokenizer.encode_prompt("the king ") == tokenizer.encode_prompt("the king")


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("The Lobster is", ["has the word 'is'", "none of the 7 ", "Leave it out."]),
        ("the lobster", ["has the word 'the'", "Nearest known: 'The'."]),
        ("The lobstr, The", ["has the word 'lobstr'", "Nearest known: 'lobster'"]),
        ("The a b c", ["has the word 'a'", "Also unknown: 'b', 'c'."]),
        ("The " + " ".join("abcdefghijk"), ["Also unknown: 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i' …."]),
        ("The " + "x" * 90, ["has the word 'xxx", "x…'"]),
    ],
)
def test_an_unknown_word_of_a_prompt_is_named_with_known_ones(prompt, parts):
    tokenizer = whitespace("The lobster , The lobster , sits . sits . Lobster Lobster on on\n")
    with pytest.raises(InputError) as raised:
        tokenizer.encode_prompt(prompt)
    assert len(str(raised.value).splitlines()) == 1
    for part in parts:
        assert part in str(raised.value)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"vocab_size": 3}, "tokenizer.vocab_size got 3"),
        ({"vocab_size": 2**32 + 1}, "tokenizer.vocab_size got 4294967297"),
        ({"min_count": 0}, "tokenizer.min_count got 0"),
        ({"mode": "words"}, "tokenizer.mode got 'words'"),
    ],
)
def test_options_out_of_range_are_one_line(fields, reason):
    with pytest.raises(InputError, match=reason) as raised:
        build(WordTokenizer.Config, fields, "tokenizer")
    assert len(str(raised.value).splitlines()) == 1


def test_a_text_that_leaves_no_word_is_refused():
    with pytest.raises(InputError, match=r"'a', the most frequent word, occurs 2 times in train.*Give 2 or less\.$"):
        whitespace("a b a", min_count=3)
    with pytest.raises(InputError, match="no words, only white space"):
        whitespace(" \n\t", "")


def test_the_library_reads_the_same_ids_from_tokenizer_json():
    text = "The king's men, 1,000 of them -- well...\nAll the King's horses!\n\n" * 2
    for tokenizer in (fit(text), whitespace(text)):
        library = tokenizers.Tokenizer.from_str(json.dumps(tokenizer.to_json()))
        for asked in (text, "The men\tof 2 Kings' HORSES? \n"):
            assert library.encode(asked).ids == tokenizer.encode(asked).ids.tolist()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data["model"]["vocab"].update({"a": 99}),
        lambda data: data["model"]["vocab"].pop("<end>"),
        lambda data: data["model"]["inkloom"].pop("gaps"),
        lambda data: data["model"]["inkloom"].update(gaps="999999999:1"),
        lambda data: data["model"]["inkloom"].update(cases="1:x"),
        lambda data: data["model"]["inkloom"]["config"].update(mode="other"),
        lambda data: data.update(model=[]),
    ],
)
def test_a_damaged_vocabulary_is_refused_in_one_line(damage):
    data = CASED.to_json()
    damage(data)
    with pytest.raises(InputError, match="word vocabulary is damaged") as raised:
        WordTokenizer.from_json(data)
    assert len(str(raised.value).splitlines()) == 1


def test_ids_are_as_narrow_as_the_vocabulary_allows():
    words = " ".join(f"w{number}" for number in range(1 << 16))
    tokenizer = whitespace(f"{words} {words}", vocab_size=1 << 20)
    assert tokenizer.encode("w7 w9").ids.dtype == np.uint32
    assert whitespace("a a").encode("a").ids.dtype == np.uint16
