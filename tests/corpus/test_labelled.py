import gzip
import logging
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.corpus import load_corpus, split_corpus
from inkloom.corpus.base import Corpus, CorpusConfig, Part
from inkloom.errors import InputError


@pytest.fixture
def names(tmp_path):
    folder = tmp_path / "names"
    folder.mkdir()
    (folder / "German.txt").write_text("Müller\nSchmidt\nVogel\n", encoding="utf-8")
    (folder / "Polish.txt").write_text("Nowak\nKowalski\n", encoding="utf-8")
    return folder


def labelled(*sources, **options):
    return load_corpus(*sources, reader="labelled", **options)


def rows(part):
    return sorted(zip(part.texts, part.conditions, strict=True))


GERMAN_AND_POLISH = [
    *(("Kowalski", "Polish"), ("Müller", "German"), ("Nowak", "Polish"), ("Schmidt", "German"), ("Vogel", "German")),
]


def test_a_file_of_a_folder_is_a_class_and_each_line_a_text(names):
    corpus = labelled(names)
    assert rows(corpus.whole) == GERMAN_AND_POLISH
    assert corpus.whole.documents
    assert corpus.whole.chars == sum(len(text) + 1 for text, _ in GERMAN_AND_POLISH)
    assert corpus.name == "names"


def test_a_corpus_is_found_again_by_its_config(names):
    corpus = labelled(names)
    again = load_corpus(*corpus.config.sources, reader=corpus.config.reader)
    assert (again.whole, again.sha256) == (corpus.whole, corpus.sha256)


def test_another_label_is_another_corpus(names):
    before = labelled(names).sha256
    (names / "Polish.txt").rename(names / "Czech.txt")
    assert labelled(names).sha256 != before


def test_classes_are_mixed_so_that_neighbours_do_not_tell_them(tmp_path):
    for label in ("a", "b"):
        (tmp_path / f"{label}.txt").write_text("".join(f"{label}{number}\n" for number in range(100)), encoding="utf-8")
    labels = labelled(tmp_path).whole.conditions
    changes = sum(one != other for one, other in pairwise(labels))
    assert 70 < changes < 130


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("my.csv", "label,text\nGerman,Müller\nPolish,Nowak\nGerman,Vogel\nPolish,Kowalski\nGerman,Schmidt\n"),
        ("my.tsv", "text\tlabel\nMüller\tGerman\nNowak\tPolish\nVogel\tGerman\nKowalski\tPolish\nSchmidt\tGerman\n"),
        (
            "my.jsonl",
            '{"text": "Müller", "label": "German"}\n{"text": "Nowak", "label": "Polish"}\n{"text": "Vogel", "label": '
            '"German"}\n{"text": "Kowalski", "label": "Polish"}\n{"text": "Schmidt", "label": "German"}\n',
        ),
    ],
)
def test_tables_have_a_column_of_texts_and_one_of_labels(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    part = labelled(tmp_path / name).whole
    assert rows(part) == GERMAN_AND_POLISH
    assert part.end_chars == 0


def test_columns_can_be_named_and_labels_of_json_may_be_whole_numbers(tmp_path):
    file = tmp_path / "stars.jsonl"
    file.write_text('{"review": "good", "stars": 5}\n{"review": "bad", "stars": 1}\n' * 2, encoding="utf-8")
    assert rows(labelled(file, text_column="review", label_column="stars").whole)[0] == ("bad", "1")


def test_with_documents_files_a_folder_is_a_class_and_each_file_a_text(tmp_path):
    for name in ("pos/1", "pos/2", "neg/1", "neg/2"):
        file = tmp_path / f"{name}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{name}\nsecond line\n", encoding="utf-8")
    part = labelled(tmp_path, documents="files").whole
    assert rows(part)[0] == ("neg/1\nsecond line\n", "neg")
    assert part.end_chars == 0


def test_other_encodings_are_read_and_announced(tmp_path, caplog):
    (tmp_path / "German.txt").write_bytes("Müller\nJäger\nGröße\nSüß\n".encode("cp1252"))
    (tmp_path / "Polish.txt.gz").write_bytes(gzip.compress(b"Nowak\nKowalski\n"))
    with caplog.at_level(logging.WARNING, "inkloom"):
        part = labelled(tmp_path, encoding="cp1252").whole
    assert ("Müller", "German") in rows(part)
    assert Counter(part.conditions) == {"German": 4, "Polish": 2}


def test_rows_without_text_or_label_are_left_out_counted_and_told(tmp_path, caplog):
    file = tmp_path / "my.csv"
    file.write_text("text,label\none,a\n ,a\ntwo,a\nthree,\nfour,b\nfive,b\n,b\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING, "inkloom"):
        assert len(labelled(file).whole.texts) == 4
    assert "my.csv: 2 rows without a text left out." in caplog.text
    assert "my.csv: 1 row without a label left out." in caplog.text


def test_texts_that_stand_there_twice_are_kept_and_told(names, caplog):
    (names / "Polish.txt").write_text("Nowak\nNowak\nVogel\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING, "inkloom"):
        assert len(labelled(names).whole.texts) == 6
    assert "1 of 6 rows repeat another of their class" in caplog.text
    assert "1 text stands in more than one class" in caplog.text


def test_own_splits_lose_rows_whose_label_train_does_not_have(tmp_path, caplog):
    for name, text in (("train", "x,a\ny,b\nz,a\nw,b\n"), ("val", "u,a\nv,b\n"), ("test", "r,a\ns,c\nt,c\n")):
        (tmp_path / f"{name}.csv").write_text("text,label\n" + text, encoding="utf-8")
    with caplog.at_level(logging.WARNING, "inkloom"):
        corpus = labelled(tmp_path)
    assert rows(corpus.own_splits["test"]) == [("r", "a")]
    assert "test: 2 rows left out whose label train does not have ('c')." in caplog.text
    assert split_corpus(corpus) == corpus.own_splits


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"a.txt": "one\ntwo\n"},
            r"^data has one class only, 'a', so there is nothing to tell apart\. Give two or more",
        ),
        (
            {"a.csv": "text,label\none,1\ntwo,2\nthree,3\n"},
            r"3 different labels in 3 rows, such as '1', '2', '3': too many",
        ),
        (
            {"a.csv": "text,class\none,1\n"},
            r"no column 'label'; it has 'text', 'class'\. Name .* with --label-column\.$",
        ),
        ({"a.csv": "review,label\none,1\n"}, r"no column 'text'; it has .* with --text-column\.$"),
        ({"a.csv": "text,label\none,\n"}, r"has no row with a text and a label"),
    ],
)
def test_what_is_no_labelled_text_is_refused_in_one_line(tmp_path, files, message):
    folder = tmp_path / "data"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message) as refused:
        labelled(folder, documents="csv" if "a.csv" in files else None)
    assert "\n" not in str(refused.value)


def test_a_single_text_has_no_labels(tmp_path):
    (tmp_path / "my.txt").write_text("one\ntwo\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"my\.txt has no labels\. Give a folder with a file for each class"):
        labelled(tmp_path / "my.txt")


def test_a_folder_of_classes_has_one_field(names):
    assert labelled(names, label_column="label").whole.conditions is not None
    with pytest.raises(InputError, match=r"^names has a file for each class and no columns, so 'author' is not there"):
        labelled(names, label_column="author")


def of(labels):
    part = Part("all", tuple(map(str, range(len(labels)))), documents=True, conditions=tuple(labels))
    return Corpus("my", CorpusConfig(sources=("my",), reader="labelled"), part)


@given(st.lists(st.sampled_from("abc"), min_size=60, max_size=120), st.integers(0, 5))
def test_every_part_has_its_share_of_every_label(labels, seed):
    parts = split_corpus(of(labels), "70,10,20", seed)
    assert sorted(number for part in parts.values() for number in map(int, part.texts)) == list(range(len(labels)))
    for label, texts in Counter(labels).items():
        for name, share in (("val", 0.1), ("test", 0.2)):
            assert abs(Counter(parts[name].conditions)[label] - share * texts) <= 0.5
        assert Counter(parts["train"].conditions)[label] >= 1
    for part in parts.values():
        assert all(labels[int(text)] == label for text, label in zip(part.texts, part.conditions, strict=True))


def test_the_draw_by_label_depends_on_the_seed_alone():
    labels = np.array(list("ab"))[np.random.default_rng(1).integers(2, size=200)].tolist()
    assert split_corpus(of(labels), "80,20", 3) == split_corpus(of(labels), "80,20", 3)
    assert split_corpus(of(labels), "80,20", 3) != split_corpus(of(labels), "80,20", 4)


def test_too_few_texts_for_a_part_are_refused():
    with pytest.raises(InputError, match=r"^my has 4 texts with 2 labels, too few to split 90,5,5: val would be empty"):
        split_corpus(of("aabb"))
