import hashlib
import json

import pytest

from inkloom.errors import InkloomError
from inkloom.files import GrowingFile, atomic_write, cache_dir, sha256_of, write_json, write_text


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
