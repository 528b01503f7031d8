"""Archives are read in a stream, and what is odd in them is refused."""

import gzip
import io
import stat
import tarfile
import tracemalloc
import zipfile

import pytest

from inkloom.corpus.base import FetchError
from inkloom.corpus.named.unpacking import unpack

WANTED = {"corpus/train.txt": 1000, "corpus/test.txt": 1000}
TEXTS = {"corpus/train.txt": b"Es war einmal\n" * 20, "corpus/test.txt": b"ein Wolf\n"}


def make_zip(path, entries, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def make_tar(path, entries):
    with tarfile.open(path, "w:gz") as archive:
        for entry, content in entries:
            info = entry if isinstance(entry, tarfile.TarInfo) else tarfile.TarInfo(entry)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture(params=["zip", "tar.gz"])
def make(request, tmp_path):
    """Make an archive of (name, content) pairs, once as a ZIP and once as a tar.gz."""

    def make(entries):
        path = tmp_path / f"corpus.{request.param}"
        return (make_zip if request.param == "zip" else make_tar)(path, entries)

    return make


def contents(archive, wanted=WANTED):
    return {name: b"".join(blocks) for name, blocks in unpack(archive, wanted)}


def test_the_wanted_files_come_and_no_others(make):
    assert contents(make([("corpus/README", b"readme"), *TEXTS.items(), ("corpus/more.txt", b"more")])) == TEXTS


def test_names_that_climb_out_of_a_folder_are_only_names(make, tmp_path):
    archive = make([("../climbed.txt", b"out"), ("/tmp/climbed.txt", b"out"), *TEXTS.items()])
    assert contents(archive) == TEXTS
    assert list(tmp_path.iterdir()) == [archive]


def test_names_with_the_archives_own_folder_before_them_are_the_same(tmp_path):
    assert contents(make_tar(tmp_path / "a.tgz", [(f"./{name}", text) for name, text in TEXTS.items()])) == TEXTS


def test_a_missing_file_is_named(make):
    with pytest.raises(FetchError, match=r"is not the archive that was meant: corpus/test\.txt is missing"):
        contents(make([("corpus/train.txt", b"")]))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused(make):
    with pytest.raises(FetchError, match=r"corpus/train\.txt stands in it twice"):
        contents(make([("corpus/train.txt", b"one"), ("corpus/train.txt", b"two"), ("corpus/test.txt", b"")]))


def test_a_bomb_is_refused_before_it_fills_the_memory(make):
    archive = make([("corpus/train.txt", bytes(100_000_000)), ("corpus/test.txt", b"")])
    assert archive.stat().st_size < 200_000
    tracemalloc.start()
    with pytest.raises(FetchError, match=r"corpus/train\.txt unpacks to more than 1,000 bytes\. Nothing was unpacked"):
        contents(archive)
    assert tracemalloc.get_traced_memory()[1] < 40_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_what_is_no_plain_file_in_a_tar_is_refused(tmp_path, kind):
    link = tarfile.TarInfo("corpus/train.txt")
    link.type, link.linkname = kind, "/etc/passwd"
    with pytest.raises(FetchError, match=r"corpus/train\.txt is no plain file"):
        contents(make_tar(tmp_path / "a.tar.gz", [(link, b""), ("corpus/test.txt", b"")]))


def test_a_link_in_a_zip_is_refused(tmp_path):
    link = zipfile.ZipInfo("corpus/train.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(FetchError, match=r"corpus/train\.txt is no plain file"):
        contents(make_zip(tmp_path / "a.zip", [(link, "/etc/passwd"), ("corpus/test.txt", b"")]))


def test_a_password_is_refused(tmp_path):
    archive = make_zip(tmp_path / "a.zip", TEXTS.items())
    packed = bytearray(archive.read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(header) + flags] |= 1
    archive.write_bytes(packed)
    with pytest.raises(FetchError, match=r"corpus/train\.txt is no plain file"):
        contents(archive)


def test_an_archive_that_ends_early_is_damaged(make):
    archive = make([("corpus/train.txt", bytes(range(256)) * 3), ("corpus/test.txt", b"")])
    archive.write_bytes(archive.read_bytes()[:200])
    with pytest.raises(FetchError, match=r"is a damaged archive: .*\. Remove it"):
        contents(archive)


def test_a_wrong_checksum_is_damage(tmp_path):
    archive = make_zip(tmp_path / "a.zip", TEXTS.items(), zipfile.ZIP_STORED)
    archive.write_bytes(archive.read_bytes().replace(b"ein Wolf", b"eine Wol"))
    with pytest.raises(FetchError, match=r"is a damaged archive: Bad CRC"):
        contents(archive)


@pytest.mark.parametrize("data", [b"", b"<html>", gzip.compress(b"no tar")], ids=["nothing", "a page", "gzip"])
def test_what_is_no_archive_is_damaged(tmp_path, data):
    (tmp_path / "a.tar.gz").write_bytes(data)
    with pytest.raises(FetchError, match="is a damaged archive"):
        contents(tmp_path / "a.tar.gz")
