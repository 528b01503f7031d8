"""Splits: exact bounds, whole documents, the same draw for the same seed, and what is too short or too few."""

import logging
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.corpus.base import Corpus, CorpusConfig, Part
from inkloom.corpus.leaks import find_leaks
from inkloom.corpus.splits import is_random_windows, parse_split, split_corpus
from inkloom.errors import InputError


def running(text):
    return Corpus("my", CorpusConfig(sources=("my.txt",)), Part("all", (text,)))


def of_documents(texts, end_chars=0):
    return Corpus("my", CorpusConfig(sources=("my.txt",)), Part("all", tuple(texts), end_chars, documents=True))


def joined(parts):
    return "".join("".join(part.texts) for part in parts.values())


def test_a_running_text_is_cut_in_order():
    text = "".join(chr(0x4E00 + i) for i in range(1000))
    parts = split_corpus(running(text))
    assert {name: part.texts[0] for name, part in parts.items()} == {
        "train": text[:900],
        "val": text[900:950],
        "test": text[950:],
    }


@given(st.integers(10, 3000))
def test_90_10_holds_out_exactly_the_last_tenth(length):
    text = "".join(chr(0x4E00 + i) for i in range(length))
    assert split_corpus(running(text), "90,10")["val"].texts == (text[int(length * 0.9) :],)


@given(
    st.text(min_size=50, max_size=300), st.sampled_from(["90,5,5", "90,10", "33.3,33.3,33.4", "5,5,90", "50.5,49.5"])
)
def test_spans_hold_every_character_once(text, split):
    parts = split_corpus(running(text), split)
    assert joined(parts) == text
    assert list(parts) == ["train", "val", "test"][: len(parts)]
    assert all(part.chars for part in parts.values())


@given(st.lists(st.integers(1, 60), min_size=40, max_size=120), st.integers(0, 5), st.sampled_from(["90,5,5", "80,20"]))
def test_whole_documents_are_drawn_near_their_shares(lengths, seed, split):
    texts = [f"{i:04}" + "x" * length for i, length in enumerate(lengths)]
    parts = split_corpus(of_documents(texts), split, seed)
    assert sorted(text for part in parts.values() for text in part.texts) == texts
    for part, share in zip(parts.values(), parse_split(split), strict=True):
        assert part.documents
        assert list(part.texts) == sorted(part.texts)  # the original order
        assert share / 2 <= Fraction(part.chars, sum(map(len, texts))) <= share * 2


def test_the_seed_decides_the_draw():
    corpus = of_documents([f"document {i}" for i in range(100)], end_chars=1)
    assert split_corpus(corpus, seed=3) == split_corpus(corpus, seed=3)
    assert split_corpus(corpus, seed=3)["val"] != split_corpus(corpus, seed=4)["val"]
    assert split_corpus(corpus)["val"].end_chars == 1


def test_a_document_larger_than_its_share_stays_in_train():
    texts = ["x" * 5_000, *(f"{i:050}" for i in range(100))]
    parts = split_corpus(of_documents(texts), "90,5,5", seed=1)
    assert texts[0] in parts["train"].texts
    assert 400 <= parts["val"].chars <= 600


@pytest.mark.parametrize("texts", [["only one, but long enough"], ["a" * 400, "b" * 400], ["a" * 9_000, "b", "c", "d"]])
def test_too_few_documents_are_cut_as_one_text_and_that_is_announced(texts, caplog):
    with caplog.at_level(logging.WARNING, "inkloom"):
        parts = split_corpus(of_documents(texts))
    assert [record.message for record in caplog.records] != []
    assert "cut as one running text" in caplog.text
    whole = texts[0] if len(texts) == 1 else "".join(text + "\n" for text in texts)
    assert joined(parts) == whole
    assert not any(part.documents for part in parts.values())


def test_few_lines_are_joined_as_they_were():
    parts = split_corpus(of_documents(["first line of two", "second line of two"], end_chars=1), "90,10")
    assert joined(parts) == "first line of two\nsecond line of two\n"


def test_documents_that_end_in_a_newline_get_no_second_one():
    parts = split_corpus(of_documents(["one\n" * 20, "two\n" * 20]), "90,10")
    assert joined(parts) == "one\n" * 20 + "two\n" * 20


def test_own_splits_are_kept_and_another_split_is_refused():
    own = {"train": Part("train", ("a",)), "val": Part("val", ("b",))}
    corpus = Corpus("wiki", CorpusConfig(sources=("wiki",)), Part("all", ()), own)
    assert split_corpus(corpus) == own
    assert split_corpus(corpus, "90, 5, 5.0") == own
    with pytest.raises(InputError, match=r"^--split got 80,20, but wiki comes with its own splits \(train, val\)"):
        split_corpus(corpus, "80,20")


@pytest.mark.parametrize(("split", "shares"), [("90,5,5", (90, 5, 5)), (" 90 , 10.0", (90, 10)), ("1e1,90", (10, 90))])
def test_splits_are_exact_shares(split, shares):
    assert parse_split(split) == tuple(Fraction(share, 100) for share in shares)


@pytest.mark.parametrize(
    ("split", "problem"),
    [
        ("", "no list of numbers"),
        ("90;10", "no list of numbers"),
        ("a,b", "no list of numbers"),
        ("90,,10", "no list of numbers"),
        ("100", "'100', 1 share"),
        ("40,30,20,10", "4 shares"),
        ("90,5,6", "sums to 101"),
        ("0.9,0.1", "sums to 1.0"),
        ("100,0", "every share must be above 0"),
        ("110,-10", "every share must be above 0"),
        ("nan,10", "every share must be above 0"),
        ("inf,10", "every share must be above 0"),
    ],
)
def test_what_is_no_split_is_refused_with_the_accepted_form(split, problem):
    with pytest.raises(InputError, match=rf"{problem}.*two or three shares.*90,5,5 or 90,10"):
        parse_split(split)


def test_a_text_too_short_to_split_is_refused():
    with pytest.raises(InputError, match=r"^my has 9 characters, too few to split 90,5,5"):
        split_corpus(running("too short"))


@pytest.mark.parametrize("length", [641, 704, 768, 5000])
def test_random_windows_overlap_by_half_and_hold_all_the_text(length):
    text = "".join(chr(0x4E00 + i) for i in range(length))
    parts = split_corpus(running(text), "random-windows", seed=3)
    windows = sorted(window for part in parts.values() for window in part.texts)
    assert windows == [text[start : start + 128] for start in range(0, length - 64, 64)]
    assert windows[-1][-1] == text[-1]
    assert len(parts["val"].texts) == len(windows) // 10
    assert parts["train"].texts != tuple(sorted(parts["train"].texts))
    assert parts == split_corpus(running(text), "Random_Windows", seed=3)
    assert parts != split_corpus(running(text), "random-windows", seed=4)


def test_the_leak_check_catches_random_windows_and_finds_nothing_in_an_honest_split(real_text):
    shuffled = split_corpus(running(real_text), "random-windows")
    assert find_leaks(shuffled["train"], shuffled["val"]).share > 0.8
    honest = split_corpus(running(real_text), "90,10")
    assert find_leaks(honest["train"], honest["val"]).share < 0.05


def test_random_windows_need_one_running_text_that_is_long_enough():
    with pytest.raises(InputError, match="has documents"):
        split_corpus(of_documents(["x" * 1000, "y" * 1000]), "random-windows")
    with pytest.raises(InputError, match="640 characters, too few"):
        split_corpus(running("x" * 640), "random-windows")


def test_only_one_name_is_that_of_random_windows():
    assert is_random_windows(" random_windows ")
    assert not is_random_windows("90,10")
