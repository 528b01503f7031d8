"""A corpus that is read by its index is the same as in memory: text, documents, hash, splits and announcements."""

import gzip
import io
import json
import logging
import os
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.corpus import index, large, load_corpus, sources, split_corpus
from inkloom.corpus.base import Part, fingerprint
from inkloom.corpus.large import LargePart
from inkloom.errors import InkloomError, InputError

POLISH = "Zażółć gęślą jaźń, a potem idź spać.\n"
CHINESE = "天地玄黃，宇宙洪荒。日月盈昃，辰宿列張。\n"
MIXED = "".join(f"{number}: {line}" for number in range(40) for line in (POLISH, "plain\n", CHINESE, "😀 " * 9 + "\n"))


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


@pytest.fixture
def by_index(monkeypatch):
    """Load a corpus as if it were large; blocks, marks and groups of documents are so small that each has several."""

    def load(*sources, streamed=0, **options):
        with monkeypatch.context() as patch:
            patch.setattr(index, "LARGEST_IN_MEMORY", -1)
            patch.setattr(index, "STREAMED_BYTES", streamed)
            return load_corpus(*sources, **options)

    for module in (index, large):
        monkeypatch.setattr(module, "MARK_BYTES", 64)
    monkeypatch.setattr(large, "READ_BYTES", 100)
    monkeypatch.setattr(large, "ROWS_AT_ONCE", 7)
    return load


def parts_of(corpus):
    return corpus.own_splits or {"all": corpus.whole}


def assert_same(part, expected):
    assert isinstance(part, LargePart)
    assert tuple(part.texts) == tuple(expected.texts)
    assert (part.name, part.end_chars, part.documents) == (expected.name, expected.end_chars, expected.documents)
    assert (part.chars, part.bytes, part.lengths.tolist()) == (
        expected.chars,
        expected.bytes,
        expected.lengths.tolist(),
    )
    assert list(part.pieces()) == list(expected.pieces())
    assert b"".join(part.utf8()) == b"".join(expected.utf8())
    assert fingerprint([part]) == fingerprint([expected])


TABLE = "id,text\n" + "".join(f'{number},"{number} says ""{POLISH.strip()}"" and\ngoes, on"\n' for number in range(30))
CORPORA = {
    "plain": ({"my.txt": MIXED}, {}),
    "no newline at the end": ({"my.txt": MIXED + "the end"}, {}),
    "exactly some marks": ({"my.txt": "x" * 64 * 3}, {}),
    "dos": ({"my.txt": MIXED.replace("\n", "\r\n")}, {}),
    "marked": ({"my.txt": "\ufeff" + MIXED}, {}),
    "utf-16": ({"my.txt": MIXED.encode("utf-16")}, {}),
    "legacy": ({"my.txt": (POLISH * 40).encode("cp1250")}, {}),
    "named encoding": ({"my.txt": (POLISH * 40).encode("cp1250")}, {"encoding": "cp1250"}),
    "strays": ({"my.txt": MIXED.encode() + b"caf\xe9\n"}, {}),
    "noise": ({"my.txt": MIXED.encode() + b"\x00\n"}, {}),
    "gzip": ({"my.txt": gzip.compress(MIXED.encode())}, {}),
    "one document": ({"my.txt": MIXED}, {"documents": "files"}),
    "lines": ({"my.txt": MIXED}, {"documents": "lines"}),
    "lines, some blank": ({"my.txt": MIXED + "\n  \n" + MIXED}, {"documents": "lines"}),
    "lines, the last without an end": ({"my.txt": MIXED + "the end"}, {"documents": "lines"}),
    "jsonl": ({"my.jsonl": "".join(json.dumps({"text": line}) + "\n" for line in MIXED.splitlines(True))}, {}),
    "jsonl, some blank": ({"my.jsonl": '{"body": ""}\n' + '{"body": "text\\n"}\n' * 9}, {"text_column": "body"}),
    "csv": ({"my.csv": TABLE}, {}),
    "tsv": ({"my.tsv": "text\n" + MIXED}, {}),
    "quoted tsv": ({"my.tsv": "id\ttext\n" + '1\t"he said ""hi"""\n' * 20}, {}),
    "folder": ({f"my/{number:02}.txt": MIXED[: 50 * number + 5] for number in range(30)}, {}),
    "folder with a blank file": ({"my/a.txt": MIXED, "my/b.txt": "", "my/c.txt": MIXED + "\n"}, {}),
    "own splits": ({"my/train.txt": MIXED * 2, "my/val.txt": MIXED, "my/test.txt": MIXED[:99] + "\r\n"}, {}),
    "own splits in lines": ({"my/train.txt": MIXED, "my/val.txt": POLISH * 9}, {"documents": "lines"}),
}


@pytest.fixture(params=CORPORA)
def files(request, write):
    """The files of a corpus, written: what to name, and the options."""
    contents, options = CORPORA[request.param]
    for name, content in contents.items():
        write(name, content)
    return next(iter(contents)).split("/")[0], options


@pytest.mark.parametrize("streamed", [0, 1_000_000], ids=["streamed", "file by file"])
def test_the_index_gives_the_corpus_that_is_read_into_memory(files, by_index, streamed):
    source, options = files
    expected = load_corpus(source, **options)
    for _ in range(2):  # when the index is made, and when it is found
        corpus = by_index(source, streamed=streamed, **options)
        assert (corpus.sha256, corpus.name, corpus.config) == (expected.sha256, expected.name, expected.config)
        assert corpus.notices == expected.notices
        assert parts_of(corpus).keys() == parts_of(expected).keys()
        for name, part in parts_of(corpus).items():
            assert_same(part, parts_of(expected)[name])


def test_its_splits_are_those_of_the_text_in_memory(files, by_index):
    source, options = files
    corpus, expected = by_index(source, **options), load_corpus(source, **options)
    for split in ("90,5,5",) if expected.own_splits else ("90,5,5", "60,40"):
        parts, of_memory = split_corpus(corpus, split, seed=3), split_corpus(expected, split, seed=3)
        assert parts.keys() == of_memory.keys()
        for name, part in parts.items():
            assert_same(part, of_memory[name])


def test_only_what_is_no_plain_text_is_copied(write, by_index, tmp_path):
    def copies():
        return list((tmp_path / "cache").rglob("*.txt"))

    write("my.txt", MIXED)
    by_index("my.txt")
    by_index("my.txt", documents="lines")
    assert copies() == []
    write("dos.txt", MIXED.replace("\n", "\r\n"))
    by_index("dos.txt")
    assert [file.read_text(encoding="utf-8") for file in copies()] == [MIXED]


def test_a_named_corpus_beside_a_file(write, by_index):
    write("my.txt", MIXED)
    corpus, expected = by_index("my.txt", "python-docs"), load_corpus("my.txt", "python-docs")
    assert corpus.sha256 == expected.sha256
    assert_same(corpus.whole, expected.whole)


def test_random_windows_are_for_small_texts(write, by_index):
    write("my.txt", MIXED)
    with pytest.raises(InputError, match=r"^--split random-windows shows on texts of up to 64 MB .* my has 0\."):
        split_corpus(by_index("my.txt"), "random-windows")


class TestPart:
    """What a part can do, against the same part in memory."""

    @pytest.fixture(params=["running", "lines", "few characters a document"])
    def part(self, request, write, by_index):
        write("my.txt", MIXED if request.param != "few characters a document" else "a\nü\n天\n" * 40)
        return by_index("my.txt", documents=None if request.param == "running" else "lines").whole

    @pytest.fixture
    def expected(self, part):
        return Part(part.name, tuple(part.texts), part.end_chars, part.documents)

    @pytest.mark.parametrize("chars", [0, 1, 5, 63, 64, 65, 1000, 10**6])
    def test_the_head(self, part, expected, chars):
        assert part.head(chars) == expected.head(chars)

    def test_excerpts(self, part, expected):
        for number in {0, 1 % len(part.texts), len(part.texts) - 1}:
            length = int(part.lengths[number])
            for start in {0, 1, length // 2, length - 1, length}:
                for stop in {start, start + 1, length, length + 9}:
                    assert part.excerpt(number, start, stop) == expected.excerpt(number, start, stop)

    def test_texts_are_a_sequence(self, part, expected):
        texts = part.texts
        assert (texts[0], texts[-1], texts[:2], texts[-1:]) == (
            expected.texts[0],
            expected.texts[-1],
            expected.texts[:2],
            expected.texts[-1:],
        )
        with pytest.raises(IndexError):
            texts[len(texts)]

    def test_selections_of_selections(self, part, expected):
        every_second = np.arange(0, len(part.texts), 2)
        selected, of_memory = part.select(every_second), expected.select(every_second)
        assert_same(selected, of_memory)
        all_but_the_first = np.arange(1, len(selected.texts))
        if len(all_but_the_first):
            assert_same(selected.select(all_but_the_first), of_memory.select(all_but_the_first))

    def test_names_and_joined_texts(self, part, expected):
        assert_same(part.renamed("other"), expected.renamed("other"))
        assert_same(part.joined(), expected.joined())

    def test_identity_is_of_the_text_not_of_the_name(self, part):
        assert part.identity == part.renamed("other").identity
        assert part.identity != part.joined().identity or len(part.texts) == 1
        assert part.select(np.arange(1)).identity != part.select(np.arange(len(part.texts))[-1:]).identity or (
            len(part.texts) == 1
        )


@given(st.data())
def test_spans_of_a_running_text(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("spans") / "my.txt"
    file.write_text(MIXED, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "LARGEST_IN_MEMORY", -1)
        whole = load_corpus(file).whole
    bounds = sorted(data.draw(st.lists(st.integers(0, len(MIXED)), min_size=2, max_size=8, unique=True)))
    pairs = list(zip(bounds[::2], bounds[1::2], strict=False))
    spans = whole.spans(pairs)
    assert_same(spans, Part("all", (MIXED,)).spans(pairs))
    first_start, first_stop = pairs[0]
    inner = (first_stop - first_start) // 3
    assert_same(
        LargePart("all", whole.spans(pairs[:1]).texts).spans([(inner, 2 * inner + 1)]),
        Part("all", (MIXED[first_start:first_stop],)).spans([(inner, 2 * inner + 1)]),
    )


class TestCache:
    """What becomes of the index when files change, when it is damaged, and when there is no room for it."""

    @pytest.fixture
    def folder(self, tmp_path):
        def folder():
            (found,) = (tmp_path / "cache" / "texts").iterdir()
            return found

        return folder

    def test_a_text_is_read_once(self, write, by_index, caplog):
        write("my.txt", MIXED)
        with caplog.at_level(logging.INFO, "inkloom"):
            by_index("my.txt")
            by_index("my.txt")
        assert len([line for line in caplog.messages if "indexed once" in line]) == 1

    def test_a_text_that_has_changed_is_read_anew(self, write, by_index):
        file = write("my.txt", MIXED)
        before = by_index("my.txt")
        time = file.stat().st_mtime_ns + 1
        write("my.txt", MIXED.replace("plain", "PLAIN"))
        os.utime(file, ns=(time, time))
        assert by_index("my.txt").sha256 != before.sha256
        with pytest.raises(InputError, match=r"my\.txt has changed while it was in use"):
            list(before.whole.pieces())

    def test_a_text_that_is_gone_is_named(self, write, by_index):
        file = write("my.txt", MIXED)
        part = by_index("my.txt").whole
        file.unlink()
        with pytest.raises(InputError, match=r"^Cannot read .*my\.txt: No such file"):
            part.head(5)

    @pytest.mark.parametrize("name", ["index.json", "all.rows", "all.marks", "all.txt"])
    @pytest.mark.parametrize("damage", ["missing", "cut short", "empty"])
    def test_a_damaged_index_is_made_anew_and_that_is_said(self, write, by_index, folder, caplog, name, damage):
        write("my.txt", MIXED.replace("\n", "\r\n"))
        expected = by_index("my.txt")
        file = folder() / name
        data = file.read_bytes()
        file.unlink()
        if damage != "missing":
            file.write_bytes(data[:-5] if damage == "cut short" else b"")
        with caplog.at_level(logging.INFO, "inkloom"):
            again = by_index("my.txt")
        assert "read anew" in caplog.text
        assert again.sha256 == expected.sha256
        assert tuple(again.whole.texts) == (MIXED,)

    def test_a_full_disk_leaves_nothing_and_is_one_line(self, write, by_index, monkeypatch, tmp_path):
        write("my.txt", MIXED.replace("\n", "\r\n"))

        def full(descriptor):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(
            InkloomError, match=r"^Cannot keep .*No space left on device.*INKLOOM_CACHE_DIR\.$"
        ) as error:
            by_index("my.txt")
        assert "\n" not in str(error.value)
        assert list((tmp_path / "cache" / "texts").iterdir()) == []

    @pytest.mark.parametrize(
        ("name", "content", "problem"),
        [
            ("blank.txt", " \n" * 99, "holds nothing but white space"),
            ("noise.txt", bytes(range(256)) * 9, "is no text"),
            ("broken.jsonl", '{"text": "fine"}\n{"text": oops}\n', "line 2: no JSON"),
            ("none.jsonl", '{"text": ""}\n' * 9, "has no row that holds text"),
            ("cut.txt.gz", gzip.compress(MIXED.encode())[:-20], "is damaged gzip data"),
        ],
    )
    def test_bad_input_is_refused_and_leaves_nothing(self, write, by_index, tmp_path, name, content, problem):
        write(name, content)
        with pytest.raises(InputError, match=rf"^{name}.*{problem}") as error:
            by_index(name)
        assert "\n" not in str(error.value)
        assert list((tmp_path / "cache" / "texts").iterdir()) == []


def test_a_large_text_from_standard_input_is_kept_in_a_stream(monkeypatch, by_index, tmp_path):
    monkeypatch.setattr(sources, "LARGEST_IN_MEMORY", 100)
    for _ in range(2):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(MIXED.encode())))
        corpus = by_index("-")
        assert tuple(corpus.whole.texts) == (MIXED,)
        assert len(list((tmp_path / "cache" / "stdin").iterdir())) == 1
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes(range(256)) * 9)))
    with pytest.raises(InputError, match="standard input is no text"):
        by_index("-")
    assert len(list((tmp_path / "cache" / "stdin").iterdir())) == 1
