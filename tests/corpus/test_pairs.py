"""Pairs of texts from two files, from a table and from a folder in two languages; and what is refused, in one line."""

import gzip

import pytest

from inkloom.corpus import load_corpus, split_corpus
from inkloom.errors import InputError

GERMAN = "Ein Hund\nZwei Katzen\nDrei Mäuse\n"
ENGLISH = "A dog\nTwo cats\nThree mice\n"


def write(folder, **files):
    """Files by their names, `_` for `.`; those that end in gz are packed."""
    for name, text in files.items():
        data = text.encode()
        (folder / name.replace("_", ".")).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    return folder


def pairs(*sources, **options):
    return load_corpus(*map(str, sources), reader="pairs", **options)


def refusal(*sources, **options):
    with pytest.raises(InputError) as caught:
        pairs(*sources, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_two_files_are_read_line_by_line(tmp_path):
    write(tmp_path, my_de=GERMAN, my_en=ENGLISH.removesuffix("\n"))
    corpus = pairs(tmp_path / "my.de", tmp_path / "my.en")
    assert corpus.whole.texts == ("A dog", "Two cats", "Three mice")
    assert corpus.whole.conditions == ("Ein Hund", "Zwei Katzen", "Drei Mäuse")
    assert (corpus.name, corpus.whole.documents, corpus.whole.end_chars) == ("my", True, 1)
    assert load_corpus(*corpus.config.sources, reader="pairs").sha256 == corpus.sha256


def test_the_hash_depends_on_both_sides(tmp_path):
    write(tmp_path, a_de=GERMAN, b_de=GERMAN.replace("Hund", "Wolf"), a_en=ENGLISH)
    one, other = (pairs(tmp_path / name, tmp_path / "a.en") for name in ("a.de", "b.de"))
    assert one.sha256 != other.sha256


def test_pairs_are_split_whole(tmp_path):
    numbers = [f"number {number}" for number in range(400)]
    write(tmp_path, n_a="\n".join(numbers), n_b="\n".join(f"{text} too" for text in numbers))
    parts = split_corpus(pairs(tmp_path / "n.a", tmp_path / "n.b"))
    assert set(parts) == {"train", "val", "test"}
    assert sum(len(part.texts) for part in parts.values()) == 400
    for part in parts.values():
        assert all(target == f"{source} too" for source, target in zip(part.conditions, part.texts, strict=True))


def test_pairs_that_lack_a_side_are_left_out_and_counted(tmp_path, caplog):
    write(tmp_path, my_de="Ein Hund\n\nDrei\n  \n", my_en="A dog\nTwo\n \n\n")
    corpus = pairs(tmp_path / "my.de", tmp_path / "my.en")
    assert corpus.whole.texts == ("A dog",)
    assert "3 of 4 pairs left out" in caplog.text


def test_unequal_line_counts_are_refused(tmp_path):
    write(tmp_path, my_de=GERMAN, my_en=ENGLISH + "Four\n")
    message = refusal(tmp_path / "my.de", tmp_path / "my.en")
    assert "has 3 lines" in message
    assert "my.en 4" in message


def test_a_line_separator_of_unicode_is_no_line_end(tmp_path):
    write(tmp_path, my_de="Ein\u2028Hund\n", my_en="A dog\n")
    assert len(pairs(tmp_path / "my.de", tmp_path / "my.en").whole.texts) == 1


@pytest.mark.parametrize("ending", ["tsv", "tsv_gz"])
def test_a_tsv_takes_its_first_two_columns(tmp_path, ending):
    write(tmp_path, **{f"my_{ending}": 'Ein "Hund\tA "dog\tsome source\nZwei\tTwo\n'})
    corpus = pairs(next(tmp_path.iterdir()))
    assert list(zip(corpus.whole.conditions, corpus.whole.texts, strict=True)) == [
        ('Ein "Hund', 'A "dog'),
        ("Zwei", "Two"),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("my_tsv", "id\tde\ten\n1\tEin Hund\tA dog\n"),
        ("my_csv", "en,de\nA dog,Ein Hund\n"),
        ("my_jsonl", '{"de": "Ein Hund", "en": "A dog"}\n'),
    ],
)
def test_columns_are_found_by_their_names(tmp_path, name, text):
    write(tmp_path, **{name: text})
    corpus = pairs(next(tmp_path.iterdir()), source_name="de", target_name="en")
    assert (corpus.whole.conditions, corpus.whole.texts) == (("Ein Hund",), ("A dog",))
    assert "--source" in refusal(next(tmp_path.iterdir()), source_name="fr", target_name="en")


def test_a_tsv_line_without_a_tab_is_named(tmp_path):
    write(tmp_path, my_tsv="Ein\tA\n\nZwei Two\n")
    assert "line 3" in refusal(tmp_path / "my.tsv")


def folder(tmp_path):
    return write(
        tmp_path,
        train_de_gz=GERMAN,
        train_en_gz=ENGLISH,
        val_de="Vier\n",
        val_en="Four\n",
        test_de="Fünf\n",
        test_en="Five\n",
        captions_train_en="No pairs\n",
        readme_txt="No pairs either\n",
    )


def test_a_folder_keeps_its_splits_and_ignores_other_files(tmp_path, caplog):
    corpus = pairs(folder(tmp_path))
    assert {name: part.texts[0] for name, part in corpus.own_splits.items()} == {
        "train": "A dog",
        "val": "Four",
        "test": "Five",
    }
    assert corpus.own_splits["train"].conditions[0] == "Ein Hund"
    assert "from de to en" in caplog.text


def test_a_folder_is_read_in_the_direction_that_is_asked_for(tmp_path):
    corpus = pairs(folder(tmp_path), source_name="EN")
    assert corpus.own_splits["val"].conditions == ("Four",)
    assert corpus.own_splits["val"].texts == ("Vier",)
    assert "fr" in refusal(folder(tmp_path), source_name="fr", target_name="en")
    assert "Name two" in refusal(folder(tmp_path), source_name="de", target_name="de")


def test_the_shortest_of_several_test_sets_is_taken_and_said(tmp_path, caplog):
    folder(tmp_path)
    for language in ("de", "en"):
        (tmp_path / f"test.{language}").rename(tmp_path / f"test_2016_flickr.{language}")
        (tmp_path / f"test_2017_mscoco.{language}").write_text("x\n")
    corpus = pairs(tmp_path, source_name="de", target_name="en")
    assert corpus.own_splits["test"].texts == ("Five",)
    assert "test is test_2016_flickr; test_2017_mscoco left out" in caplog.text


def test_three_languages_need_a_choice(tmp_path):
    folder(tmp_path)
    (tmp_path / "train.fr").write_text("Un chien\nDeux\nTrois\n")
    assert "de, en, fr" in refusal(tmp_path)
    assert pairs(tmp_path, source_name="de", target_name="en").own_splits["train"].texts[0] == "A dog"
    assert "no val.fr" in refusal(tmp_path, source_name="fr", target_name="en").replace("val.en", "val.fr")


def test_small_letters_where_they_are_asked_for(tmp_path):
    corpus = pairs(folder(tmp_path), lowercase=True, source_name="de", target_name="en")
    assert corpus.own_splits["train"].conditions[2] == "drei mäuse"
    assert corpus.own_splits["train"].texts[2] == "three mice"


def test_what_holds_no_pairs_is_refused(tmp_path):
    write(tmp_path, my_txt=ENGLISH, my_de="\n", my_en="\n")
    assert "--source" in refusal(tmp_path / "my.txt")
    assert "no line has a source and a target" in refusal(tmp_path / "my.de", tmp_path / "my.en")
    assert "named twice" in refusal(tmp_path / "my.txt", tmp_path / "my.txt")
    assert "no pairs" in refusal(tmp_path)
    assert "a file of sources and one of targets" in refusal(tmp_path / "a", tmp_path / "b", tmp_path / "c")
    assert "No such file" in refusal(tmp_path / "none.de", tmp_path / "my.en")
