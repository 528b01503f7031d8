"""Archives become texts in the cache, whole or not at all; the user's own folder goes before the network."""

import hashlib
import io
import shutil
import sys
import tarfile
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkloom.corpus import CORPORA, CorpusConfig, FetchError, load_corpus
from inkloom.corpus.named import published, wikitext
from inkloom.corpus.named.cached import RECORD
from inkloom.corpus.named.published import Archive, Member, PlainFile
from inkloom.corpus.named.unpacking import unpack
from inkloom.errors import InputError
from tests.corpus.publishing import remote_of
from tests.corpus.server import serving

ASKED = CorpusConfig(sources=("words",))
TEXTS = {"train": b"Es war einmal ein Wolf .\n" * 9, "val": b"Und wenn\n", "test": b"so lebt er noch\n"}

PARTS = ("train.txt", "val.txt", "test.txt")


def zip_of(entries):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return packed.getvalue()


def sha1_of(data):
    return f"sha1:{hashlib.sha1(data).hexdigest()}"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "corpora"


@pytest.fixture
def server():
    with serving(zip_of({f"words/{part}.tokens": text for part, text in TEXTS.items()})) as server:
        yield server


@pytest.fixture
def words(server):
    """A corpus that is published as a ZIP archive with a text for each split."""
    parts = {part: (Member(f"words/{part}.tokens", 1000, sha1_of(text)),) for part, text in TEXTS.items()}
    return Archive(name="words", remote=remote_of(server.data, "words.zip", server.url()), parts=parts, size=400)


@pytest.fixture
def unpacked(tmp_path):
    """A folder of the user's with what the archive holds."""
    for part, text in TEXTS.items():
        (tmp_path / "mine" / "words").mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / "words" / f"{part}.tokens").write_bytes(text)
    return tmp_path / "mine"


def texts_of(files):
    return {part: b"".join(path.read_bytes() for path in paths) for part, paths in files.splits.items()}


def test_an_archive_is_fetched_once_and_its_texts_are_kept(words, server, cache):
    assert words.find(None) is None
    files = words.files(ASKED, None)
    assert texts_of(files) == TEXTS
    assert list(files.splits) == ["train", "val", "test"]
    assert words.find(None) == cache / "words"
    assert words.files(ASKED, None) == files
    assert len(server.paths) == 1
    assert sorted(path.name for path in cache.iterdir() if not path.name.startswith(".")) == ["words"]


@pytest.mark.parametrize("damage", ["shorter", "gone", "no record", "no JSON", "another version"])
def test_a_damaged_cache_is_fetched_again(words, server, cache, damage):
    words.files(ASKED, None)
    text, record = cache / "words" / "val.txt", cache / "words" / RECORD
    match damage:
        case "shorter":
            text.write_bytes(b"Und")
        case "gone":
            text.unlink()
        case "no record":
            record.unlink()
        case "no JSON":
            record.write_text("[]")
        case "another version":
            record.write_text(record.read_text().replace(words.remote.sha256, "0" * 64))
    assert words.find(None) is None
    assert texts_of(words.files(ASKED, None)) == TEXTS
    assert len(server.paths) == 2


def test_a_killed_unpacking_leaves_nothing_behind_it(words, cache, monkeypatch):
    (cache / ".words.part").mkdir(parents=True)
    (cache / ".words.part" / "old.txt").write_bytes(b"half")

    def break_off(archive, wanted):
        contents = unpack(archive, wanted)
        yield next(contents)
        raise FetchError("broken")

    with monkeypatch.context() as broken:
        broken.setattr(published, "unpack", break_off)
        with pytest.raises(FetchError, match="broken"):
            words.files(ASKED, None)
    assert words.find(None) is None
    assert not (cache / ".words.part").exists()
    files = words.files(ASKED, None)
    assert sorted(path.name for path in (cache / "words").iterdir()) == sorted([*PARTS, RECORD])
    assert texts_of(files) == TEXTS


def test_the_users_archive_needs_no_network(words, server, tmp_path):
    (tmp_path / "words.zip").write_bytes(server.data)
    assert words.find(tmp_path) == tmp_path / "words.zip"
    assert texts_of(words.files(ASKED, tmp_path)) == TEXTS
    assert (tmp_path / "words.zip").exists()
    assert server.paths == []


@pytest.mark.parametrize("inside", [False, True])
def test_the_users_unpacked_folder_is_read_where_it_lies(words, server, unpacked, cache, inside):
    files = words.files(ASKED, unpacked / "words" if inside else unpacked)
    assert texts_of(files) == TEXTS
    assert files.splits["val"] == (unpacked / "words" / "val.tokens",)
    assert files.notices == ()
    assert not cache.exists()
    assert server.paths == []


def test_another_text_or_archive_of_the_users_is_refused(words, unpacked):
    (unpacked / "words" / "val.tokens").write_bytes(b"Und wann\n")
    with pytest.raises(InputError, match=r"val\.tokens is not the val\.tokens that others .*: its SHA1 is \w+…"):
        words.files(ASKED, unpacked)
    shutil.rmtree(unpacked / "words")
    (unpacked / "words.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"words\.zip is not the words\.zip .*: its SHA256 is"):
        words.files(ASKED, unpacked)


def test_texts_whose_checksums_nobody_publishes_are_read_with_a_notice(server, unpacked):
    parts = {part: (Member(f"words/{part}.tokens", 1000),) for part in TEXTS}
    unknown = Archive(name="words", remote=remote_of(server.data, "words.zip"), parts=parts, size=400)
    assert "as it is: checksums of its unpacked files are not published" in unknown.files(ASKED, unpacked).notices[0]


def test_without_a_network_the_error_says_what_to_put_where(words, server, tmp_path):
    server.statuses = (404,)
    with pytest.raises(FetchError, match=r"404.*put it as words\.zip into a folder and name that with --corpus-dir"):
        words.files(ASKED, tmp_path)


def test_a_disk_without_room_for_the_texts_is_named_before_anything_is_fetched(words, server):
    huge = Archive(name="words", remote=words.remote, parts=words.parts, size=1 << 60)
    with pytest.raises(FetchError, match=r"words, packed and unpacked, needs 1\.2 EB"):
        huge.files(ASKED, None)
    assert server.paths == []


def test_a_tar_of_shards_is_unpacked_in_their_order(tmp_path):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for number in (3, 1, 2, 0):
            info = tarfile.TarInfo(f"news/shard-{number}")
            info.size = 2
            archive.addfile(info, io.BytesIO(f"{number}\n".encode()))
    shards = [Member(f"news/shard-{number}", 10) for number in range(4)]
    parts = {"train": (shards[1], shards[2], shards[3]), "test": (shards[0],)}
    (tmp_path / "news.tar.gz").write_bytes(packed.getvalue())
    news = Archive(
        name="news", remote=remote_of(packed.getvalue(), "news.tar.gz"), parts=parts, size=8, documents="lines"
    )
    files = news.files(ASKED, tmp_path)
    assert texts_of(files) == {"train": b"1\n2\n3\n", "test": b"0\n"}
    assert files.documents == "lines"
    assert all(len(paths) == 1 for paths in files.splits.values())


def cut_corpus(text, cut):
    data = zip_of({"wiki8": text})
    member = Member("wiki8", len(text), sha1_of(text))
    return Archive(name="wiki8", remote=remote_of(data, "wiki8.zip"), parts={"all": (member,)}, cut=cut, size=50), data


@settings(max_examples=30, deadline=None)
@given(st.text("aß…𝄞", min_size=1, max_size=50), st.data())
def test_a_text_is_cut_by_bytes_and_never_inside_a_character(tmp_path_factory, text, data):
    folder = tmp_path_factory.mktemp("cut")
    raw = text.encode()
    first = data.draw(st.integers(0, len(raw)))
    second = data.draw(st.integers(0, len(raw) - first))
    cut = {"train": first, "val": second, "test": len(raw) - first - second}
    corpus, _ = cut_corpus(raw, cut)
    (folder / "whole").write_bytes(raw)
    corpus._cut_up(folder / "whole", folder)
    parts = [(folder / f"{part}.txt").read_bytes() for part in cut]
    assert b"".join(parts) == raw
    assert "".join(part.decode() for part in parts) == text
    assert first <= len(parts[0]) <= first + 3


@pytest.mark.parametrize("form", ["archive", "unpacked"])
def test_what_is_cut_lies_in_the_cache_without_the_whole(tmp_path, cache, form):
    corpus, data = cut_corpus(b"abcdefghij", {"train": 6, "val": 3, "test": 1})
    (tmp_path / ("wiki8.zip" if form == "archive" else "wiki8")).write_bytes(
        data if form == "archive" else b"abcdefghij"
    )
    assert texts_of(corpus.files(ASKED, tmp_path)) == {"train": b"abcdef", "val": b"ghi", "test": b"j"}
    assert sorted(path.name for path in (cache / "wiki8").iterdir()) == sorted([*PARTS, RECORD])


def test_a_cache_that_cannot_be_written_is_named(words, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(FetchError, match=r"^Cannot write"):
        words.files(ASKED, None)


def test_a_corpus_of_files_is_loaded_with_its_own_splits_and_found_again(words, monkeypatch):
    corpus = CORPORA.load("wikitext-2")
    substitute = type(corpus)(**{**vars(corpus), "find": words.find, "files": words.files})
    monkeypatch.setattr(wikitext, "WIKITEXT_2", substitute)
    loaded = load_corpus("WikiText2")
    assert {name: part.texts[0].encode() for name, part in loaded.own_splits.items()} == TEXTS
    assert not loaded.own_splits["train"].documents
    assert loaded.config.sources == ("wikitext-2",)
    assert load_corpus(*loaded.config.sources).sha256 == loaded.sha256
    with pytest.raises(InputError, match="wikitext-2 comes with its own splits and cannot be joined"):
        load_corpus("wikitext-2", "python-docs")


def test_unpacking_shows_its_progress_on_a_terminal(words, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    words.files(ASKED, None)
    assert "Unpacking words" in sys.stderr.getvalue()


def test_a_plain_file_of_the_users_goes_before_the_network(tmp_path, server):
    file = PlainFile(remote_of(b"text\n", "text.txt", server.url()))
    (tmp_path / "text.txt").write_bytes(b"text\n")
    assert file.files(ASKED, tmp_path).whole == (tmp_path / "text.txt",)
    assert server.paths == []
