import hashlib
import json
import os

import pytest

from inkloom.errors import InkloomError
from inkloom.files import (
    GrowingFile,
    atomic_write,
    cache_dir,
    forget_oldest,
    sha256_of,
    size_of,
    write_json,
    write_text,
)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    file = tmp_path / "a.txt"
    write_text(file, "old\n")

    def fail() -> None:
        with atomic_write(file) as opened:
            opened.write("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert file.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [file]


def test_text_is_utf8_with_unix_line_ends(tmp_path):
    write_text(tmp_path / "deep" / "a.txt", "ä\n")
    assert (tmp_path / "deep" / "a.txt").read_bytes() == "ä\n".encode()


def test_json_keeps_unicode_and_refuses_nan(tmp_path):
    write_json(tmp_path / "a.json", {"x": "ä"})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"x": "ä"}
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "b.json", {"x": float("nan")})
    assert not (tmp_path / "b.json").exists()


def test_a_write_that_the_system_refuses_is_one_line(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(InkloomError, match="is unchanged"):
        write_text(tmp_path / "folder", "x")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    write_text(tmp_path / "file", "")
    with pytest.raises(InkloomError, match=r"^Cannot write .*deep.* is unchanged\.$"):
        write_text(tmp_path / "file" / "deep" / "a.txt", "x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_sha256(tmp_path):
    write_text(tmp_path / "a", "abc")
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_the_size_of_a_folder_is_that_of_its_files(tmp_path):
    write_text(tmp_path / "a" / "b", "12345")
    write_text(tmp_path / "a" / "deep" / "c", "123")
    assert (size_of(tmp_path / "a"), size_of(tmp_path / "a" / "b"), size_of(tmp_path / "none")) == (8, 5, 0)


@pytest.mark.parametrize(
    ("most", "left"), [(100, {"0", "1", "2"}), (7, {"1", "2"}), (5, {"2", "1"}), (4, {"1"}), (0, {"1"})]
)
def test_what_was_used_longest_ago_is_forgotten_first(tmp_path, most, left):
    for name, size in (("0/file", 3), ("1", 2), ("2", 3)):
        write_text(tmp_path / name, "x" * size)
    for age, name in enumerate(("0", "1", "2")):
        os.utime(tmp_path / name, (1000 + age, 1000 + age))
    forget_oldest(tmp_path, keep=tmp_path / "1", most=most)
    assert {entry.name for entry in tmp_path.iterdir()} == left


def test_what_a_killed_program_left_is_deleted_a_day_later(tmp_path):
    for name in (".old.part", ".new.part", "whole"):
        write_text(tmp_path / name, "x")
    os.utime(tmp_path / ".old.part", (1000, 1000))
    forget_oldest(tmp_path, keep=tmp_path / "whole")
    assert {entry.name for entry in tmp_path.iterdir()} == {".new.part", "whole"}


def test_the_cache_is_where_the_user_says(monkeypatch, tmp_path):
    monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("INKLOOM_CACHE_DIR")
    assert cache_dir().name == "inkloom"


def test_a_growing_file_is_cut_back_to_what_a_checkpoint_knew(tmp_path):
    file = GrowingFile(tmp_path / "a")
    file.cut_back()
    file.append("one\n")
    known = file.offset
    file.append("two\n")
    again = GrowingFile(tmp_path / "a")
    again.offset = known
    again.cut_back()
    again.append("drei\n")
    assert (tmp_path / "a").read_text() == "one\ndrei\n"
