"""From what a user names to a corpus: files, folders, standard input, names, and everything that is none of these."""

import gzip
import io
import json
import logging
import os
import subprocess
import sys
import threading

import pytest

from inkloom.corpus import CorpusConfig, load_corpus, open_corpus
from inkloom.errors import InputError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def feed(monkeypatch, data):
    """Give `data` as standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_file_is_one_running_text_with_its_name(write):
    write("my.txt", "some text\n")
    corpus = load_corpus("my.txt")
    assert corpus.name == "my"
    assert corpus.whole.texts == ("some text\n",)
    assert not corpus.whole.documents


def test_gzip_is_unpacked_whatever_the_name(write):
    write("my.txt.gz", gzip.compress(b"packed\n"))
    write("other", gzip.compress(b"packed\n"))
    corpus = load_corpus("my.txt.gz")
    assert (corpus.name, corpus.whole.texts) == ("my", ("packed\n",))
    assert load_corpus("other").whole.texts == ("packed\n",)


def test_several_files_are_documents_and_the_first_names_the_corpus(write):
    write("b.txt", "second by name")
    write("a.txt", "first by name")
    corpus = load_corpus("b.txt", "a.txt")
    assert corpus.name == "b"
    assert corpus.whole.texts == ("second by name", "first by name")
    assert corpus.whole.documents


def test_a_folder_is_read_through_sorted_without_hidden_files(write):
    for name in (
        "texts/b.txt",
        "texts/a.md",
        "texts/sub/c.TXT",
        "texts/d.txt.gz",
        "texts/.hidden.txt",
        "texts/.git/e.txt",
    ):
        write(name, gzip.compress(name.encode()) if name.endswith("gz") else name)
    write("texts/picture.png", b"\x89PNG")
    corpus = load_corpus("texts/")
    assert corpus.name == "texts"
    assert corpus.whole.texts == ("texts/a.md", "texts/b.txt", "texts/d.txt.gz", "texts/sub/c.TXT")


def test_blank_files_of_a_folder_are_left_out_and_announced(write, caplog):
    write("texts/a.txt", "text")
    write("texts/b.txt", "")
    write("texts/c.txt", " \n")
    with caplog.at_level(logging.WARNING, "inkloom"):
        corpus = load_corpus("texts")
    assert corpus.whole.texts == ("text",)
    assert [record.message for record in caplog.records] == list(corpus.notices)
    assert corpus.notices == (
        "texts/b.txt is empty; left out.",
        "texts/c.txt holds nothing but white space; left out.",
    )


def test_a_folder_in_a_legacy_encoding_is_announced_in_a_few_lines(write):
    for number in range(20):
        write(
            f"texts/{number:02}.txt", ("Die Straße führt über die Brücke, ohne größere Umwege.\n" * 9).encode("cp1252")
        )
    notices = load_corpus("texts").notices
    assert len(notices) == 5
    assert notices[-1] == "16 further files were no plain UTF-8 either."


def test_standard_input_is_kept_so_that_its_config_finds_it_again(monkeypatch):
    feed(monkeypatch, "Grüße aus der Leitung\r\n".encode("utf-16"))
    corpus = load_corpus("-")
    again = open_corpus(corpus.config)
    assert corpus.name == again.name == "stdin"
    assert corpus.whole.texts == again.whole.texts == ("Grüße aus der Leitung\n",)
    assert corpus.sha256 == again.sha256
    assert "-" not in corpus.config.sources


def test_a_named_pipe_is_kept_like_standard_input(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"through a pipe",))
    writer.start()
    corpus = load_corpus("pipe")
    writer.join()
    assert open_corpus(corpus.config).whole.texts == ("through a pipe",)


@pytest.mark.parametrize("data", [b"", b"  \n", bytes(range(32)) * 10])
def test_standard_input_without_text_is_refused_and_not_kept(monkeypatch, tmp_path, data):
    feed(monkeypatch, data)
    with pytest.raises(InputError, match="standard input"):
        load_corpus("-")
    assert not (tmp_path / "cache").exists()


def test_a_path_wins_over_a_named_corpus(write):
    write("shakespeare", "my own play")
    assert load_corpus("shakespeare").whole.texts == ("my own play",)


@pytest.mark.parametrize("name", ["python-docs", "Python_Docs"])
def test_a_named_corpus_is_found_in_any_spelling(name):
    corpus = load_corpus(name)
    assert corpus.name == "python-docs"
    assert corpus.config.sources == ("python-docs",)
    assert corpus.whole.documents


def test_the_config_finds_the_corpus_from_another_folder(write, tmp_path, monkeypatch):
    write("my.txt", "some text")
    write("texts/a.txt", "more")
    corpus = load_corpus("my.txt", "texts")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert open_corpus(CorpusConfig.model_validate(corpus.config.model_dump())).sha256 == corpus.sha256


def test_a_link_names_the_corpus_by_its_own_name(write, tmp_path):
    write("2024-07-01.txt", "some text")
    (tmp_path / "notes.txt").symlink_to("2024-07-01.txt")
    assert load_corpus("notes.txt").name == "notes"


def test_the_same_text_in_another_encoding_is_the_same_corpus(write):
    write("a.txt", "Grüße\r\n".encode("utf-16"))
    write("b.txt", "Grüße\n".encode())
    write("c.txt", "Grüße \n".encode())
    assert load_corpus("a.txt").sha256 == load_corpus("b.txt").sha256 != load_corpus("c.txt").sha256


def test_document_boundaries_are_part_of_the_hash(write):
    write("a.txt", "one\ntwo\n")
    assert load_corpus("a.txt").sha256 != load_corpus("a.txt", documents="lines").sha256


def test_lines_as_documents_stand_for_one_more_character_each(write):
    write("my.txt", "one\ntwo\n")
    whole = load_corpus("my.txt", documents="lines").whole
    assert (whole.texts, whole.end_chars, whole.documents, whole.chars) == (("one", "two"), 1, True, 8)


def test_tables_are_recognised_by_their_ending(write):
    write("a.jsonl", '{"text": "one"}\n{"text": "two"}\n')
    write("b.csv", "n,body\n1,three\n")
    assert load_corpus("a.jsonl").whole.texts == ("one", "two")
    assert load_corpus("b.csv", text_column="body").whole.texts == ("three",)
    assert load_corpus("a.jsonl").whole.documents


def test_a_folder_of_tables_is_read_when_asked_for(write):
    write("tables/a.jsonl", '{"text": "one"}\n')
    write("tables/b.jsonl", '{"text": "two"}\n')
    assert load_corpus("tables", documents="jsonl").whole.texts == ("one", "two")
    with pytest.raises(InputError, match=r"no \.txt or \.md file\. It has \.jsonl files; --documents jsonl reads them"):
        load_corpus("tables")


def test_blank_rows_are_announced(write):
    write("a.jsonl", '{"text": "one"}\n{"text": ""}\n')
    assert load_corpus("a.jsonl").notices == ("a.jsonl: 1 blank row left out.",)


@pytest.mark.parametrize("val", ["val.txt", "valid.txt", "validation.md", "DEV.txt.gz"])
def test_a_folder_may_come_with_its_own_splits(write, val):
    write("texts/train.txt", "to train on")
    write(f"texts/{val}", gzip.compress(b"to choose by") if val.endswith("gz") else "to choose by")
    write("texts/README.md", "not text to train on")
    corpus = load_corpus("texts")
    assert {name: part.texts for name, part in corpus.own_splits.items()} == {
        "train": ("to train on",),
        "val": ("to choose by",),
    }
    assert corpus.whole.texts == ()
    assert "keeps its own splits" in corpus.notices[0]
    assert "README.md left out" in corpus.notices[0]
    assert open_corpus(corpus.config).sha256 == corpus.sha256


def test_own_splits_may_be_tables(write):
    for name in ("train", "val", "test"):
        write(f"texts/{name}.jsonl", json.dumps({"text": name}) + "\n")
    write("texts/README.md", "about the tables")
    parts = load_corpus("texts").own_splits
    assert [part.texts for part in parts.values()] == [("train",), ("val",), ("test",)]
    assert all(part.documents for part in parts.values())


def test_own_splits_may_have_any_ending_where_nothing_else_is_text(write):
    for name in ("train", "val", "test"):
        write(f"texts/{name}.en", name)
    assert list(load_corpus("texts").own_splits) == ["train", "val", "test"]


def test_files_for_machines_beside_a_text_are_no_splits(write):
    write("texts/train.bin", b"\x00\x01")
    write("texts/val.bin", b"\x00\x01")
    write("texts/input.txt", "the text")
    assert load_corpus("texts").whole.texts == ("the text",)


def test_train_and_test_without_val_are_not_thrown_together(write):
    write("texts/train.txt", "to train on")
    write("texts/test.txt", "to test on")
    with pytest.raises(InputError, match=r"no val\.\*; training on both would spoil the test"):
        load_corpus("texts")


def test_two_files_for_one_split_are_refused(write):
    for name in ("train.de", "train.en", "val.de", "val.en"):
        write(f"texts/{name}", name)
    with pytest.raises(InputError, match=r"2 train files \(train\.de, train\.en\)"):
        load_corpus("texts")


def test_own_splits_stand_alone(write):
    for name in ("train.txt", "val.txt"):
        write(f"texts/{name}", name)
    write("more.txt", "more")
    with pytest.raises(InputError, match="cannot be joined with other sources"):
        load_corpus("texts", "more.txt")


@pytest.mark.parametrize(
    ("sources", "options", "problem"),
    [
        (["empty.txt"], {}, "^empty.txt is empty"),
        (["blank.txt"], {}, "^blank.txt holds nothing but white space"),
        (["none.jsonl"], {}, "^none.jsonl has no row that holds text"),
        (["noise.bin"], {}, "^noise.bin is no text"),
        (["cut.gz"], {}, "^cut.gz is damaged gzip data"),
        (["nothing"], {}, r"^The folder nothing has no \.txt or \.md file; it is empty"),
        (["pictures"], {}, r"^The folder pictures has no \.txt or \.md file, only picture\.png"),
        (["good.tx"], {}, r"^No such file or folder: good\.tx\. Did you mean good\.txt\?"),
        (["shakespear"], {}, r"Did you mean shakespeare\? Named corpora: enwik8, fortunes, .*, wikitext-2\."),
        (["good.txt/more"], {}, "^No such file or folder: good.txt/more"),
        (["a\0b"], {}, "^No such file or folder"),
        (["All happy families are alike. " * 99], {}, "^No such file or folder: All happy.{80,100} …"),
        ([os.devnull], {}, "is a device or a socket"),
        ([], {}, "^No text given"),
        ([""], {}, "^No text given"),
        (["-", "-"], {}, "named twice"),
        (["blanks"], {}, "blanks holds nothing but blank files or rows"),
        (["cut"], {}, r"^cut/val\.txt holds no text, and the val split needs some"),
        (["good.txt", "good.txt"], {}, "good.txt is named twice"),
        (["good.txt"], {"text_column": "body"}, "the text is no table"),
        (["good.txt"], {"documents": "words"}, "documents got 'words'"),
        (["good.txt"], {"encoding": "utf-9"}, "'utf-9' is no text encoding"),
        (["good.txt"], {"corpus_dir": "nowhere"}, "nowhere, which is no folder"),
        (["python-docs"], {"encoding": "utf-8"}, "a named corpus has no files to decode"),
        (["python-docs"], {"documents": "csv"}, "a named corpus is no table"),
    ],
)
def test_bad_input_gets_one_line(write, tmp_path, sources, options, problem):
    write("good.txt", "good text")
    write("empty.txt", "")
    write("blank.txt", " \n")
    write("none.jsonl", "\n".join(['{"text": ""}'] * 3))
    write("noise.bin", bytes(range(256)) * 9)
    write("cut.gz", gzip.compress(b"text " * 999)[:40])
    write("pictures/picture.png", b"\x89PNG")
    write("blanks/a.txt", "\n")
    write("cut/train.txt", "some text")
    write("cut/val.txt", "")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InputError, match=problem) as caught:
        load_corpus(*sources, **options)
    assert "\n" not in str(caught.value)


def test_an_unreadable_file_is_named(write, monkeypatch):
    path = write("my.txt", "text")

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(path), "read_bytes", refuse)  # a mode of 000 does not stop root
    with pytest.raises(InputError, match=r"^Cannot read my\.txt: Permission denied\.$"):
        load_corpus("my.txt")


def test_a_named_corpus_may_be_cut_into_lines():
    whole = load_corpus("python-docs", documents="lines").whole
    assert whole.end_chars == 1
    assert not any("\n" in text for text in whole.texts)


def test_importing_the_package_brings_nothing_heavy():
    heavy = "{'torch', 'rich', 'urllib.request', 'charset_normalizer', 'matplotlib'}"
    code = f"import sys, inkloom.corpus; print(sorted(sys.modules.keys() & {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
