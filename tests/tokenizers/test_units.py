import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.tokenizers import units
from inkloom.tokenizers.units import (
    AT_LINE_END,
    AT_TEXT_END,
    CLITIC,
    FIRST_MARK,
    IDEOGRAPH,
    IRREGULAR,
    LOWER,
    MIXED,
    NO_CASE,
    NO_GAP,
    NUMBER,
    OTHER_GAP,
    PUNCTUATION,
    SPACE,
    SYMBOL,
    TITLE,
    UPPER,
    WORD,
    Units,
    in_case,
    unit_of,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too
MODES = ("whitespace", "basic")


def own_units(reader, texts):
    return [number for stretch in reader.read(texts) for number in stretch.units[stretch.own].tolist()]


def read(text, mode):
    reader = Units(mode)
    return [reader.found[number] for number in own_units(reader, [text])]


def tokens(text, mode):
    return [unit.token for unit in read(text, mode)][:-1]


def test_white_space_separates_tokens_and_lines_end_with_one():
    assert tokens(" = Lobster = \n \n The 0 @.@ 7 kg\r\n", "whitespace") == [
        *("=", "Lobster", "=", "\n", "\n", "The", "0", "@.@", "7", "kg", "\n")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("To be, or NOT to be?", "to be , or not to be ?"),
        ("He kill'd 'tis o'er don’t", "he kill 'd ' tis o 'er don ’t"),
        ("It's -- well... 1,000.50 3rd h2o!!", "it 's -- well ... 1,000.50 3rd h2o !!"),
        ("x_y __init__ (a/b) <unk>", "x _ y __ init __ ( a / b ) <unk>"),
        ("naïve हिन्दी 日本語 émigré", "naïve हिन्दी 日 本 語 émigré"),
        ("ΟΔΟΣ İstanbul STRASSE", "οδος i̇stanbul strasse"),
        ("a😀😀b", "a 😀 😀 b"),
    ],
)
def test_words_numbers_and_marks_are_tokens_of_basic(text, expected):
    assert " ".join(tokens(text, "basic")) == expected


@pytest.mark.parametrize(
    ("written", "kind", "case"),
    [
        ("word", WORD, LOWER),
        ("Word", WORD, TITLE),
        ("I", WORD, TITLE),
        ("WORD", WORD, UPPER),
        ("McDonald", WORD, MIXED),
        ("İstanbul", WORD, IRREGULAR),
        ("1,000", NUMBER, NO_CASE),
        ("2nd", WORD, LOWER),
        ("語", IDEOGRAPH, NO_CASE),
        ("--", FIRST_MARK + PUNCTUATION.index("-"), NO_CASE),
        ("😀", SYMBOL, NO_CASE),
        ("<unk>", WORD, NO_CASE),
    ],
)
def test_kinds_and_cases(written, kind, case):
    unit = unit_of(f" {written}", "basic")
    assert (unit.kind, unit.case, unit.gap) == (kind, case, " ")


def test_an_apostrophe_inside_a_word_begins_a_clitic():
    assert [unit.kind for unit in read("the king's", "basic")] == [WORD, WORD, CLITIC, AT_TEXT_END]


@given(ANY_TEXT, st.sampled_from(MODES))
def test_units_give_the_text_back(text, mode):
    def written(unit):
        if unit.case in (MIXED, IRREGULAR):
            return None  # the unit does not keep how; its price does
        return unit.gap + (in_case(unit.token, unit.case) if unit.case != NO_CASE else unit.token)

    reader = Units(mode)
    numbers = own_units(reader, [text])
    texts = list(reader._numbers)
    assert "".join(texts[number] for number in numbers) == text
    for number in numbers:
        assert written(reader.found[number]) in (None, texts[number])
        assert reader.found[number].length == len(texts[number])
    kinds = [reader.found[number].kind for number in numbers]
    assert kinds.count(AT_TEXT_END) == 1
    assert kinds[-1] == AT_TEXT_END
    assert kinds.count(AT_LINE_END) == text.count("\n")


@given(ANY_TEXT, st.sampled_from(MODES))
def test_a_case_is_told_by_what_it_costs(text, mode):
    for unit in read(text, mode):
        assert (unit.case_nats > 0) == (unit.case in (MIXED, IRREGULAR))
        assert mode == "basic" or unit.case == NO_CASE


@given(st.text("ab \n\t'-"), st.sampled_from(MODES))
def test_the_chunks_of_a_long_text_do_not_show(text, mode):
    whole = read(text, mode)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(units, "CHUNK_CHARS", 3)
        assert read(text, mode) == whole


def test_two_units_stand_in_front_of_every_text():
    reader = Units("whitespace")
    (stretch,) = reader.read(["a b", "c"])
    assert [reader.found[number].token for number in stretch.units] == ["\n", "\n", "a", "b", "", "\n", "\n", "c", ""]
    assert stretch.fronts.tolist() == [0, 5]


def test_two_units_stand_in_front_of_the_next_piece_of_a_long_text(monkeypatch):
    monkeypatch.setattr(units, "CHUNK_CHARS", 2)
    reader = Units("whitespace")
    first, second, end = (
        [reader.found[number].token for number in stretch.units] for stretch in reader.read(["a b c"])
    )
    assert (first, second, end) == (["\n", "\n", "a", "b"], ["a", "b", "c"], ["b", "c", ""])


@given(st.lists(st.text("ab \n")), st.sampled_from(MODES))
def test_texts_read_together_have_the_units_of_each(texts, mode):
    together = Units(mode)
    found = [together.found[number] for number in own_units(together, texts)]
    assert found == [unit for text in texts for unit in read(text, mode)]


def test_units_that_are_kept_are_numbered_anew():
    reader = Units("whitespace")
    list(reader.read(["a b  c"]))
    kept = reader.kept(reader.traits.gap_U != SPACE)
    assert [(unit.token, unit.gap) for unit in kept.found] == [("\n", ""), ("a", ""), ("c", "  "), ("", "")]
    assert kept.traits.gap_U.tolist() == [NO_GAP, NO_GAP, OTHER_GAP, NO_GAP]
