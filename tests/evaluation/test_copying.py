"""A sample that quotes train is caught, with the place of the quotation; what is new counts as new."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.corpus.base import Part
from inkloom.evaluation import copying
from inkloom.evaluation.copying import (
    CHAR_LENGTHS,
    MIN_COPIED,
    WORD_LENGTHS,
    CopyIndex,
    held_out_level,
    mean_level,
)
from inkloom.evaluation.words import ngrams, words

VERSE = "Full fathom five thy father lies;\nOf his bones are coral made;\nThose are pearls that were his eyes:\n"
OTHER = "Nothing of him that doth fade,\nBut doth suffer a sea-change\ninto something rich and strange.\n"


def running(*texts: str) -> Part:
    return Part("train", texts)


def test_a_planted_quotation_is_found_with_its_place():
    train = running(OTHER + VERSE + OTHER)
    quotation = VERSE[40:90]
    sample = f"Zounds! {quotation} & 7 gulls"
    report = CopyIndex(train).report(sample)
    (span,) = report.spans
    assert quotation in span.text
    assert sample[span.start : span.stop] == span.text
    assert train.texts[0][span.offset :].startswith(span.text)
    assert (span.times, span.document) == (1, 0)
    assert span.line == 1 + train.texts[0][: span.offset].count("\n")
    assert report.covered == ((span.start, span.stop),)
    assert report.level.longest == len(span.text)
    assert report.level.copied_share == pytest.approx(len(span.text) / len(sample))


def test_the_first_of_several_places_and_how_many_there_are():
    report = CopyIndex(running(OTHER + VERSE + OTHER)).report(OTHER)
    assert [(span.offset, span.line, span.times) for span in report.spans] == [(0, 1, 2)]


def test_documents_have_places_of_their_own_and_no_span_runs_across_them():
    train = Part("train", ("Ärger: " + OTHER, VERSE, "né " + VERSE), documents=True)
    report = CopyIndex(train).report(OTHER[-60:] + VERSE)
    assert [(span.document, span.offset, span.line, span.times, span.text) for span in report.spans] == [
        (1, 0, 1, 2, VERSE),
        (0, 7 + len(OTHER) - 60, 2, 1, OTHER[-60:]),
    ]


def test_spans_may_overlap_and_cover_one_stretch():
    train = running(VERSE[:60] + " | " + VERSE[25:])
    report = CopyIndex(train).report(VERSE)
    assert [(span.start, span.stop) for span in report.spans] == [(25, len(VERSE)), (0, 60)]
    assert report.covered == ((0, len(VERSE)),)


def test_what_is_below_the_limit_is_no_copy_but_counts_as_known():
    short = VERSE[: MIN_COPIED - 1]
    report = CopyIndex(running(VERSE)).report(short)
    assert report.spans == ()
    assert report.level.longest == MIN_COPIED - 1
    assert set(report.level.novel_chars.values()) == {0.0}
    assert CopyIndex(running(VERSE)).report(VERSE[:MIN_COPIED]).spans


def test_rules_are_no_copies():
    assert CopyIndex(running("-" * 80 + VERSE)).report("-" * 60).spans == ()


def test_novel_words_do_not_see_what_stands_between_them():
    index = CopyIndex(running("Those are pearls -- that were\nhis eyes."))
    assert index.report("are pearls that").level.novel_words[3] == 0
    assert index.report("pearls, that were his").level.novel_words == {3: 0, 4: 0, **dict.fromkeys((5, 6, 7, 8))}
    assert index.report("are pearls tha").level.novel_words[3] == 1  # no word is known by a part of it
    assert index.report("re pearls that").level.novel_words[3] == 1


ALPHABET = st.text(alphabet="ab é家", max_size=40)


@given(st.lists(ALPHABET, min_size=1, max_size=3), ALPHABET)
def test_novelty_is_what_a_plain_search_finds(texts, sample):
    level = CopyIndex(running(*texts)).report(sample).level
    for length in CHAR_LENGTHS:
        spans = [sample[start : start + length] for start in range(len(sample) - length + 1)]
        novel = [all(span not in text for text in texts) for span in spans]
        assert level.novel_chars[length] == (pytest.approx(sum(novel) / len(novel)) if novel else None)
    for length in WORD_LENGTHS:
        known = {ngram for text in texts for ngram in ngrams(words(text), length)}
        novel = [ngram not in known for ngram in ngrams(words(sample), length)]
        assert level.novel_words[length] == (pytest.approx(sum(novel) / len(novel)) if novel else None)
    prefixes = [sample[start:stop] for start in range(len(sample)) for stop in range(start, len(sample) + 1)]
    assert level.longest == max((len(span) for span in prefixes if any(span in text for text in texts)), default=0)


def test_held_out_text_is_the_yardstick(real_text):
    index = CopyIndex(running(real_text[:30_000]))
    held_out = held_out_level(index, Part("test", (real_text[30_000:],)), 300)
    quoted = mean_level([index.report(real_text[start : start + 300]).level for start in (0, 5_000, 9_000)])
    assert quoted.longest == 300 > 2 * held_out.longest
    assert quoted.copied_share == 1 > held_out.copied_share
    assert quoted.novel_chars[20] == 0 < held_out.novel_chars[20]
    assert held_out.novel_chars[5] < held_out.novel_chars[10] < held_out.novel_chars[20]
    assert held_out.novel_words[3] < held_out.novel_words[8]


def test_the_index_is_kept_for_the_same_text_and_made_again_where_it_is_damaged(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path))
    report = CopyIndex(running(VERSE)).report(VERSE)
    kept = {file: file.read_bytes() for file in tmp_path.rglob("*.npy")}
    assert len(kept) == 3
    assert CopyIndex(running(VERSE)).report(VERSE) == report
    CopyIndex(running(OTHER))
    assert len(list(tmp_path.rglob("*.npy"))) == 6
    for file in kept:
        file.write_bytes(b"no array")
    with caplog.at_level(logging.INFO, "inkloom"):
        assert CopyIndex(running(VERSE)).report(VERSE) == report
    assert caplog.text.count("made again") == 3
    assert {file: file.read_bytes() for file in kept} == kept


def test_a_long_wait_is_announced_once(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(copying, "ANNOUNCED_BYTES", 10)
    with caplog.at_level(logging.INFO, "inkloom"):
        CopyIndex(running(VERSE))
        CopyIndex(running(VERSE))
    assert caplog.text.count("Indexing the training text") == 1


def test_a_cache_that_cannot_be_written_costs_only_the_time(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path / "file"))
    assert CopyIndex(running(VERSE)).report(VERSE).spans
    assert "is not kept" in caplog.text


def test_json_has_text_for_keys():
    found = CopyIndex(running(VERSE)).report(VERSE[:50]).as_json()
    assert json.loads(json.dumps(found)) == found
    assert found["spans"][0]["length"] == found["longest"] == 50
    assert list(found["novel_chars"]) == [str(length) for length in range(5, 21)]
    assert list(found["novel_words"]) == [str(length) for length in range(3, 9)]


def test_an_empty_sample_has_nothing_from_train():
    level = CopyIndex(running(VERSE)).report("").level
    assert (level.longest, level.copied_share, level.novel_chars[5], level.novel_words[3]) == (0, 0, None, None)


def test_of_a_very_large_text_the_beginning_is_searched_and_that_is_said(monkeypatch, caplog):
    monkeypatch.setattr(copying, "MOST_CHARS", len(VERSE) + 5)
    index = CopyIndex(Part("train", (VERSE + OTHER,)))
    assert index.report(VERSE).level.longest == len(VERSE)
    assert index.report(OTHER).level.longest < 10
    assert f"in the first {len(VERSE) + 5} characters of train" in caplog.text
