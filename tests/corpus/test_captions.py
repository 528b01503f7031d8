"""Folders of images with captions.txt: what is read, what is left out, and what is refused."""

import shutil

import pytest

from inkloom.corpus import load_corpus, split_corpus
from inkloom.corpus.captions import image_folder
from inkloom.errors import InputError


def folder_of(path, table, images):
    """A folder with captions.txt and files that stand for images: their bytes are not looked at here."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "captions.txt").write_text(table, encoding="utf-8")
    for name in images:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(b"image")
    return path


def read(path):
    return load_corpus(path, reader="captions")


def test_an_image_is_a_document_whose_lines_are_its_captions(tmp_path):
    table = 'image,caption\na.jpg,A dog .\nb.jpg,"A man , a plan ."\na.jpg,  Two   dogs .\nb.jpg,A man, unquoted .\n'
    corpus = read(folder_of(tmp_path / "flickr", table, ["a.jpg", "Images/b.jpg"]))
    assert corpus.name == "flickr"
    assert corpus.whole.texts == ("A dog .\nTwo dogs .", "A man , a plan .\nA man, unquoted .")
    assert corpus.whole.conditions == ("a.jpg", "Images/b.jpg")
    assert corpus.whole.documents
    assert corpus.notices == ()


def test_a_lone_quotation_mark_swallows_no_rows(tmp_path):
    table = 'image,caption\na.jpg,"Stop said a sign\nb.jpg,A 12" record\nc.jpg,"A ""real"" one"\n\n'
    corpus = read(folder_of(tmp_path / "x", table, ["a.jpg", "b.jpg", "c.jpg"]))
    assert corpus.whole.texts == ("Stop said a sign", 'A 12" record', 'A "real" one')


def test_captions_txt_itself_may_be_named(tmp_path):
    folder = folder_of(tmp_path / "x", "image,caption\na.jpg,A dog\n", ["a.jpg"])
    assert read(folder / "captions.txt").sha256 == read(folder).sha256


def test_missing_images_and_blank_captions_are_counted(tmp_path):
    table = "image,caption\n" + "".join(f"{name}.jpg,A {name}\n" for name in "abcde") + "a.jpg,  \n"
    corpus = read(folder_of(tmp_path / "x", table, ["a.jpg"]))
    assert corpus.whole.conditions == ("a.jpg",)
    assert corpus.notices == (
        "x/captions.txt: 1 row without a caption left out.",
        "x/captions.txt: 4 of 5 images (b.jpg, c.jpg, d.jpg, …) are not there; left out with what is said of them.",
    )


def test_all_captions_of_an_image_stay_in_one_split(tmp_path):
    names = [f"{number:03}.jpg" for number in range(100)]
    table = "image,caption\n" + "".join(f"{name},caption {name} {view}\n" for view in range(5) for name in names)
    parts = split_corpus(read(folder_of(tmp_path / "x", table, names)), "80,10,10")
    seen = [set(part.conditions) for part in parts.values()]
    assert set().union(*seen) == set(names)
    assert sum(map(len, seen)) == 100
    for part in parts.values():
        for text, name in zip(part.texts, part.conditions, strict=True):
            assert text.split("\n") == [f"caption {name} {view}" for view in range(5)]


def test_a_folder_keeps_its_own_splits_and_may_be_moved(tmp_path):
    for split in ("train", "val", "test"):
        folder_of(tmp_path / "x" / split, "image,caption\na.png,A dog\n", ["Images/a.png"])
    corpus = read(tmp_path / "x")
    assert {name: part.conditions for name, part in corpus.own_splits.items()} == {
        split: (f"{split}/Images/a.png",) for split in ("train", "val", "test")
    }
    shutil.move(tmp_path / "x", tmp_path / "y")
    assert read(tmp_path / "y").sha256 == corpus.sha256
    assert image_folder(read(tmp_path / "y").config) == (tmp_path / "y").resolve()


def test_another_image_or_caption_is_another_corpus(tmp_path):
    folder = folder_of(tmp_path / "x", "image,caption\na.png,A dog\n", ["a.png"])
    hashes = [read(folder).sha256]
    (folder / "a.png").write_bytes(b"another image")
    hashes.append(read(folder).sha256)
    (folder / "captions.txt").write_text("image,caption\na.png,A cat\n")
    hashes.append(read(folder).sha256)
    assert len(set(hashes)) == 3


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("a.jpg,A dog\n", "begins with 'a.jpg,A dog'; its first line is to be image,caption"),
        ("image,caption\n", "no row with a caption"),
        ("image,caption\na.jpg," + "x" * 200_000 + "\n", "line 2: field larger than field limit"),
        ("image,caption\na.jpg\n", "line 2: 'a.jpg' has no comma before its caption"),
        ("image,caption\nz.jpg,A dog\n", "none of its 1 images is there"),
        ("image,caption\n../a.jpg,A dog\n", "names the image '../a.jpg'"),
        ("image,caption\n/etc/passwd,A dog\n", "names the image '/etc/passwd'"),
        ("image,caption\n,A dog\n", "names the image ''"),
    ],
)
def test_a_table_of_another_kind_is_refused(tmp_path, table, message):
    with pytest.raises(InputError, match=r"x/captions\.txt") as refused:
        read(folder_of(tmp_path / "x", table, ["a.jpg"]))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_no_folder_of_images_is_refused(tmp_path):
    (tmp_path / "text.txt").write_text("A text.")
    (tmp_path / "empty").mkdir()
    folder_of(tmp_path / "half" / "train", "image,caption\na.png,A dog\n", ["a.png"])
    for name, message in (
        (tmp_path / "text.txt", "is a file without images"),
        (tmp_path / "empty", "has no captions.txt"),
        (tmp_path / "half", "but no val"),
        (tmp_path / "nothing", "No such folder"),
        ("fortunes", "fortunes is a text without images"),
    ):
        with pytest.raises(InputError, match=message):
            read(name)
    with pytest.raises(InputError, match="Got 2 sources"):
        load_corpus(tmp_path, tmp_path / "empty", reader="captions")
    with pytest.raises(InputError, match="--documents is for texts"):
        load_corpus(tmp_path / "empty", reader="captions", documents="lines")
