"""The leak check against a slow reference, and against texts whose leaks are known."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.corpus import index, leaks, load_corpus, split_corpus
from inkloom.corpus.base import Part
from inkloom.corpus.large import LargePart
from inkloom.corpus.leaks import CHUNK, Leak, Place, find_all_leaks, find_leaks

FEW_WORDS = ("quick", "brown", "jumps", "lazily")
MANY_WORDS = (*FEW_WORDS, "the", "fox", "over", "dog", "every", "night", "while", "sphinx", "of", "quartz", "judges")


def prose(count, seed, words=MANY_WORDS):
    return " ".join(random.Random(seed).choices(words, k=count))


def running(name, text):
    return Part(name, (text,))


def covered_slowly(train, held_out, width):
    """Every held-out character that lies in a window of train, by definition."""
    windows = {text[i : i + width] for text in train.texts for i in range(len(text) - width + 1)}
    return {
        (number, i + k)
        for number, text in enumerate(held_out.texts)
        for i in range(len(text) - width + 1)
        if text[i : i + width] in windows
        for k in range(width)
    }


def covered(report):
    return {(text, i) for text, start, stop in report.intervals.tolist() for i in range(start, stop)}


texts = st.lists(st.text("abcdefghijklmnop", max_size=60), min_size=1, max_size=6).map(tuple)


@given(texts, texts, st.integers(0, 40), st.integers(0, 40))
def test_it_finds_what_the_definition_says(train, held_out, start, length):
    copied = (*held_out, "qrst" + "".join(train)[start : start + length] + "uvwx")
    train_part, held_part = Part("train", train, documents=True), Part("val", copied, documents=True)
    report = find_leaks(train_part, held_part, min_chars=12)
    slow = covered_slowly(train_part, held_part, 12)
    # Spans of few different characters are left out, so the report may hold less, but nothing that is wrong.
    assert covered(report) <= slow
    if all(len(set(copied[number][i : i + 12])) >= 10 for number, i in slow):
        assert covered(report) == slow


@pytest.mark.parametrize("width", [40, 55])
def test_it_agrees_with_the_definition_on_repetitive_prose(width):
    train, held_out = running("train", prose(6000, 1, FEW_WORDS)), running("val", prose(1500, 2, FEW_WORDS))
    report = find_leaks(train, held_out, width)
    assert len(report.leaks) > 10
    assert covered(report) == covered_slowly(train, held_out, width)
    assert report.share == report.covered_chars / held_out.chars


def test_a_copied_passage_is_found_in_its_place():
    passage = prose(60, 3)
    train = Part("train", (prose(500, 4), "xx" + passage + "yy"), documents=True)
    held_out = Part("val", (prose(30, 5), "zz" + passage), documents=True)
    (leak,) = find_leaks(train, held_out).leaks
    assert leak == Leak(Place(1, 2), Place(1, 2), len(passage), 1, passage[:80].strip())


def test_every_reported_span_stands_in_train_character_by_character():
    train = running("train", prose(3000, 6))
    held_out = running("val", prose(50, 7) + train.texts[0][500:900] + prose(50, 8) + train.texts[0][100:300])
    report = find_leaks(train, held_out)
    assert len(report.leaks) == 2
    for leak in report.leaks:
        piece = held_out.texts[0][leak.held_out.start : leak.held_out.start + leak.length]
        assert piece in train.texts[0]
        assert train.texts[0][leak.train.start :].startswith(piece)


@given(st.integers(-70, 70))
def test_passages_across_the_bounds_of_chunks_are_found_whole(shift):
    filler = "".join(map(chr, range(0x4E00, 0x4E00 + 20_000))) * 20
    passage = prose(30, 9)
    at = CHUNK + shift
    train = running("train", filler[:at] + passage + filler[at : at + 5_000])
    (leak,) = find_leaks(train, running("val", "…" + passage + "!")).leaks
    assert (leak.held_out, leak.train, leak.length) == (Place(0, 1), Place(0, at), len(passage))


def test_spans_do_not_run_across_documents():
    train = Part("train", ("a quick brown fox jumps ", "over the lazy dog today"), documents=True)
    held_out = Part("val", ("a quick brown fox jumps over the lazy dog today",), documents=True)
    assert find_leaks(train, held_out, 30).leaks == ()
    assert [leak.length for leak in find_leaks(train, held_out, 20).leaks] == [24, 23]


def test_rules_and_blank_space_are_no_leaks():
    rule = "-" * 500 + "\n" + " " * 300
    assert find_leaks(running("train", "one " + rule), running("val", "two " + rule)).leaks == ()


def test_a_refrain_counts_as_one_entry_that_train_repeats():
    refrain = "With a hey, and a ho, and a hey nonino, that o'er the green corn-field did pass\n"
    verses = [prose(30, seed) + "\n" for seed in range(8)]
    train = running("train", "".join(verse + refrain for verse in verses[:5]))
    held_out = running("val", "".join(verse + refrain for verse in verses[5:]))
    report = find_leaks(train, held_out)
    assert len(report.leaks) == 3
    assert all(leak.times_in_train >= 4 for leak in report.leaks)
    assert "100% of it text that train itself repeats" in report.summary()
    assert sum(times for _, times in report.largest(10)) == 3


def test_duplicate_documents_are_counted_however_short():
    train = Part("train", ("Smith", "Miller", "Jones"), 1, documents=True)
    report = find_leaks(train, Part("val", ("Baker", "Jones"), 1, documents=True))
    assert report.duplicates == (1,)
    assert report.leaks == ()
    assert report.summary() == (
        "val shares no span of 60 characters with train. 1 of its 2 documents is in train word for word."
    )


def test_the_summary_names_share_and_longest():
    passage = prose(40, 10)
    report = find_leaks(running("train", prose(300, 11) + "\n" + passage), running("test", passage + "#" * 20))
    assert report.summary().startswith(
        f"{len(passage) / (len(passage) + 20):.2%} of test ({len(passage)} characters in 1 span"
    )
    assert f"The longest, {len(passage)} characters: {passage[:40]!r}"[:-1] in report.summary()


@pytest.mark.parametrize(("train", "held_out"), [("", "some text"), ("some text", ""), ("", ""), ("a" * 59, "a" * 59)])
def test_texts_shorter_than_a_window_share_nothing(train, held_out):
    report = find_leaks(running("train", train), running("val", held_out))
    assert report.leaks == ()
    assert report.share == 0
    assert report.intervals.shape == (0, 3)


def test_intervals_are_disjoint_and_in_order():
    train = running("train", prose(4000, 12, FEW_WORDS))
    report = find_leaks(train, running("val", prose(2000, 13, FEW_WORDS)), 55)
    bounds = report.intervals[:, 1:].ravel()
    assert len(report.leaks) > 10
    assert np.all(np.diff(bounds) >= 0)


def test_equal_hashes_of_different_text_are_no_leak():
    # Thue and Morse's sequence and its mirror collide under every polynomial modulo 2**64 once they are 2**11 long.
    order, mirror = "ab", "ba"
    for _ in range(10):
        order, mirror = order + mirror, mirror + order
    width = len(order)
    mixed = "cdefghijklm"  # more different characters, so that only the comparison can tell the two apart
    report = find_leaks(running("train", mixed + order + mixed), running("val", mixed + mirror + mixed), width)
    assert report.leaks == ()


class TestSmallChunks:
    """Parts that are read in many chunks."""

    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch):
        monkeypatch.setattr(leaks, "CHUNK", 50)

    @pytest.mark.parametrize("documents", [False, True])
    def test_nothing_is_lost_between_them(self, documents):
        lines = prose(3000, 20).splitlines() if documents else [prose(3000, 20)]
        copied = [prose(20, 21) + lines[0][start : start + 90] for start in range(0, 400, 7)]
        train, held_out = (
            Part("train", tuple(lines), documents=documents),
            Part("val", tuple(copied), documents=documents),
        )
        assert covered(find_leaks(train, held_out)) == covered_slowly(train, held_out, 60)

    def test_what_recurs_all_the_time_is_counted_as_often_as_that(self, monkeypatch):
        passage = prose(40, 22)
        train = running("train", "".join(f"{prose(9, number)}|{passage}|" for number in range(300)))
        held_out = running("val", f"#{passage}#{train.texts[0][5000:5100]}#{prose(30, 23)}")
        exact = find_leaks(train, held_out)
        assert exact.leaks[0].times_in_train == leaks.MOST_TIMES
        monkeypatch.setattr(leaks, "MOST_TIMES", 3)
        monkeypatch.setattr(leaks, "CHUNKS_BETWEEN", 2)
        counted_less = find_leaks(train, held_out)
        assert [(leak.held_out, leak.train, leak.length) for leak in counted_less.leaks] == [
            (leak.held_out, leak.train, leak.length) for leak in exact.leaks
        ]
        assert counted_less.leaks[0].times_in_train == 3


class TestLargeParts:
    """What lies in files, and what is too large to be checked as a whole."""

    @pytest.mark.parametrize("documents", [None, "lines"])
    def test_train_is_read_in_a_stream(self, tmp_path, monkeypatch, documents):
        monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path / "cache"))
        lines = [prose(20, number) + f" – {number}\n" for number in range(400)]
        (tmp_path / "my.txt").write_text("".join(lines + lines[100:120] + lines[300:310]), encoding="utf-8")
        in_memory = split_corpus(load_corpus(tmp_path / "my.txt", documents=documents))
        monkeypatch.setattr(index, "LARGEST_IN_MEMORY", -1)
        parts = split_corpus(load_corpus(tmp_path / "my.txt", documents=documents))
        assert isinstance(parts["train"], LargePart)
        for name in ("val", "test"):
            report = find_leaks(parts["train"], parts[name])
            assert report == find_leaks(in_memory["train"], in_memory[name])
            assert report.leaks or name == "val"

    @pytest.mark.parametrize("documents", [False, True])
    def test_of_a_large_part_some_is_checked_and_that_is_said(self, monkeypatch, documents):
        monkeypatch.setattr(leaks, "MOST_CHARS", 6400)
        passages = [prose(40, number) for number in range(300)]
        train = running("train", "|".join(passages[::2]))
        texts = tuple(passages) if documents else ("#".join(passages),)
        held_out = Part("val", texts, documents=documents)
        report = find_leaks(train, held_out)
        assert report.partial
        assert report.chars <= 6400 + len(passages[0])
        assert report.all_chars == held_out.chars
        assert report.share == pytest.approx(0.5, abs=0.25)
        assert report.as_json()["checked_characters"] == report.chars
        assert f"{report.chars:,} characters from all over val" in report.summary()

    @pytest.mark.parametrize("documents", [False, True])
    def test_several_parts_are_checked_as_each_alone_and_train_is_read_once(self, documents):
        train = Part("train", tuple(prose(200, number) for number in range(20)), documents=documents)
        parts = [
            Part(name, tuple(prose(20, 100 + n) + train.texts[n][200:500] for n in numbers), documents=documents)
            for name, numbers in (("val", (3, 5, 6)), ("test", (5, 9)))
        ]
        parts[1] = replace(parts[1], texts=(*parts[1].texts, train.texts[7]))
        heard = []
        assert find_all_leaks(train, parts, advance=heard.append) == [find_leaks(train, part) for part in parts]
        assert train.chars <= sum(heard) < 1.1 * train.chars

    def test_a_small_part_beside_a_large_one_is_checked_whole(self, monkeypatch):
        monkeypatch.setattr(leaks, "MOST_CHARS", 2000)
        train = running("train", prose(500, 40))
        small, large = running("val", prose(50, 41)), running("test", prose(2000, 42))
        reports = find_all_leaks(train, [small, large])
        assert [report.partial for report in reports] == [False, True]
        assert reports[1].chars <= 1000
