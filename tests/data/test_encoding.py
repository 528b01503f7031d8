"""Ids of a split: the same in one process and in several, in memory and in the cache; and what may go wrong."""

import functools
import io
import json
import logging
import os
import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console

from inkloom import files
from inkloom.corpus import base, index, load_corpus, pieces, split_corpus
from inkloom.corpus.base import Part
from inkloom.corpus.large import LargePart
from inkloom.data import encode_part, encoded, encoding, store
from inkloom.errors import InkloomError, InputError
from inkloom.tokenizers import TOKENIZERS
from inkloom.tokenizers.char import CharTokenizer

LINES = tuple(f"{number} times naïve 😀 words, then “{'x' * (number % 60)}”.\n" for number in range(400))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path / "cache"))
    for module in (base, pieces):
        monkeypatch.setattr(module, "PIECE_CHARS", 1000)


@pytest.fixture
def in_cache(monkeypatch):
    """Texts of any size go to the cache."""
    monkeypatch.setattr(encoded, "STORED_BYTES", 0)


@pytest.fixture
def with_helpers(monkeypatch):
    """Two helpers start after the first batch."""
    monkeypatch.setattr(encoding, "WORTH_HELPERS", -1)
    monkeypatch.setattr(encoding, "available_cores", lambda: 2)


@pytest.fixture
def store_files(tmp_path):
    return lambda: sorted((tmp_path / "cache" / "tokens").iterdir())


def running(*texts):
    return Part("train", ("".join(texts),))


def of_documents(*texts):
    return Part("train", texts, documents=True)


def char_tokenizer(*texts):
    return CharTokenizer.fit(texts, CharTokenizer.Config())


def assert_same(found, expected):
    assert found.ids.tolist() == expected.ids.tolist()
    assert found.ids.dtype == expected.ids.dtype
    assert (found.name, found.chars, found.bytes) == (expected.name, expected.chars, expected.bytes)
    assert (found.unknown_tokens, found.charge_nats) == (expected.unknown_tokens, pytest.approx(expected.charge_nats))


def test_ids_begin_with_the_end_token_and_documents_close_with_it():
    tokenizer = char_tokenizer("ab")
    assert encode_part(tokenizer, running("ab", "ba")).ids.tolist() == [1, 2, 3, 3, 2]
    assert encode_part(tokenizer, of_documents("ab", "", "b")).ids.tolist() == [1, 2, 3, 1, 1, 3, 1]


def test_long_documents_close_once():
    tokenizer = char_tokenizer("a \n")
    found = encode_part(tokenizer, of_documents("a a\n" * 600, "a" * 2500))
    assert np.flatnonzero(found.ids == tokenizer.end_id).tolist() == [0, 2401, 4902]


def test_what_the_vocabulary_lacks_is_counted_over_all_pieces():
    found = encode_part(char_tokenizer("a \n"), running("a é\n" * 600, "€"))
    assert (found.unknown_tokens, found.tokens) == (601, found.chars)
    assert found.charge_nats == pytest.approx((600 * 2 + 3) * 8 * np.log(2))


@pytest.mark.parametrize("name", list(TOKENIZERS))
@pytest.mark.parametrize("make", [running, of_documents])
def test_pieces_have_the_ids_of_the_whole(name, make, monkeypatch):
    tokenizer_class = TOKENIZERS.load(name)
    tokenizer = tokenizer_class.fit(LINES[:300], tokenizer_class.Config())
    in_pieces = encode_part(tokenizer, make(*LINES))
    for module in (base, pieces):
        monkeypatch.setattr(module, "PIECE_CHARS", 1 << 20)
    whole = encode_part(tokenizer, make(*LINES))
    assert in_pieces.ids.tolist() == whole.ids.tolist()
    assert in_pieces.unknown_tokens == whole.unknown_tokens


@pytest.mark.parametrize("name", list(TOKENIZERS))
def test_several_processes_give_the_ids_of_one(name, with_helpers, in_cache, monkeypatch):
    tokenizer_class = TOKENIZERS.load(name)
    tokenizer = tokenizer_class.fit(LINES[:300], tokenizer_class.Config())
    by_helpers = encode_part(tokenizer, of_documents(*LINES))
    monkeypatch.setattr(encoding, "WORTH_HELPERS", 1e9)
    monkeypatch.setattr(encoded, "STORED_BYTES", 1 << 40)
    assert_same(by_helpers, encode_part(tokenizer, of_documents(*LINES)))


def test_a_helper_needs_no_pytorch():
    code = "import sys, inkloom.data.encoding; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_script_that_is_not_guarded_runs_once(tmp_path):
    """`multiprocessing` would run it again in every process."""
    script = tmp_path / "script.py"
    script.write_text(
        "from inkloom.corpus.base import Part\n"
        "from inkloom.data import encode_part, encoding\n"
        "from inkloom.tokenizers.char import CharTokenizer\n"
        "encoding.WORTH_HELPERS, encoding.available_cores = -1, lambda: 2\n"
        "tokenizer = CharTokenizer.fit(['ab'], CharTokenizer.Config())\n"
        "print(encode_part(tokenizer, Part('train', ('ab' * 3_000_000,))).tokens)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "6000000\n"


def test_a_helper_that_dies_is_one_line_and_leaves_nothing(with_helpers, in_cache, monkeypatch, store_files):
    start = encoding._start

    def dying():
        process = start()
        process.kill()
        process.wait()
        return process

    monkeypatch.setattr(encoding, "_start", dying)
    with pytest.raises(InkloomError, match=r"^A process that encodes text has ended before its time.*Try again\.$"):
        encode_part(char_tokenizer("a"), running(*LINES))
    assert store_files() == []


def test_an_interrupted_encoding_leaves_nothing(with_helpers, in_cache, monkeypatch, store_files):
    write = store.Writer.write

    def interrupted(self, ids):
        write(self, ids)
        if self.ids > 5000:
            raise KeyboardInterrupt

    monkeypatch.setattr(store.Writer, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        encode_part(char_tokenizer("a"), running(*LINES))
    assert store_files() == []


class TestStore:
    """Ids in the cache."""

    tokenizer = char_tokenizer("".join(LINES)[:5000])

    @pytest.fixture
    def expected(self):
        return encode_part(self.tokenizer, of_documents(*LINES))

    def test_they_are_those_in_memory_and_are_encoded_once(self, expected, in_cache, store_files, monkeypatch):
        assert_same(encode_part(self.tokenizer, of_documents(*LINES)), expected)
        monkeypatch.setattr(CharTokenizer, "encode", None)
        again = encode_part(self.tokenizer, of_documents(*LINES))
        assert_same(again, expected)
        assert not again.ids.flags.writeable
        assert len(store_files()) == 1

    def test_the_header_says_how_to_read_them(self, expected, in_cache, store_files):
        encode_part(self.tokenizer, of_documents(*LINES))
        data = store_files()[0].read_bytes()
        header = json.loads(data[: store.HEADER_BYTES])
        assert header["format"] == 1
        assert header["part"] == "train"
        assert {name: header[name] for name in ("chars", "bytes", "unknown_tokens")} == {
            "chars": expected.chars,
            "bytes": expected.bytes,
            "unknown_tokens": expected.unknown_tokens,
        }
        assert np.frombuffer(data[store.HEADER_BYTES :], header["dtype"]).tolist() == expected.ids.tolist()

    def test_wide_ids_have_32_bits(self, in_cache, store_files):
        characters = "".join(map(chr, range(0x10000, 0x10000 + 70_000)))
        found = encode_part(char_tokenizer(characters), running(characters))
        assert (found.ids.dtype, found.ids.tolist()) == (np.uint32, [1, *range(2, 70_002)])
        assert store_files()[0].stat().st_size == store.HEADER_BYTES + 4 * 70_001

    def test_other_texts_documents_and_tokenizers_have_their_own(self, in_cache, store_files):
        known, unknown = char_tokenizer("ab"), char_tokenizer("a")
        for tokenizer, part, ids in (
            (known, running("ab"), [1, 2, 3]),
            (known, running("ba"), [1, 3, 2]),
            (known, of_documents("ab"), [1, 2, 3, 1]),
            (unknown, running("ab"), [1, 2, 0]),
        ):
            assert encode_part(tokenizer, part).ids.tolist() == ids
        assert len(store_files()) == 4

    @pytest.mark.parametrize(
        ("damage", "problem"),
        [
            (lambda data: data[:-7], "it has 51,599 bytes instead of 51,606"),
            (lambda data: data + b"\0\0", "bytes instead of"),
            (lambda data: data[: store.HEADER_BYTES], "it has 1,024 bytes instead of"),
            (lambda data: data[:100], "its header is damaged"),
            (lambda data: b"", "its header is damaged"),
            (lambda data: b"\xff" + data[1:], "its header is damaged"),
            (lambda data: data.replace(b'"format":1', b'"format":2'), "its header is damaged"),
            (lambda data: data.replace(b'"<u2"', b'"<f8"'), "its header is damaged"),
            (lambda data: data.replace(b'"<u2"', b'"<u4"'), "it is of another text or tokenizer"),
        ],
    )
    def test_what_is_damaged_or_cut_short_is_made_anew_with_one_line(
        self, expected, in_cache, store_files, caplog, damage, problem
    ):
        encode_part(self.tokenizer, of_documents(*LINES))
        (file,) = store_files()
        whole = file.read_bytes()
        file.write_bytes(damage(whole))
        with caplog.at_level(logging.INFO, "inkloom"):
            assert_same(encode_part(self.tokenizer, of_documents(*LINES)), expected)
        (line,) = caplog.messages
        assert problem in line
        assert line.endswith("; train is encoded anew.")
        assert store_files()[0].read_bytes() == whole

    def test_a_header_of_another_tokenizer_is_not_believed(self, in_cache, store_files, caplog):
        part = running("ab")
        encode_part(char_tokenizer("ab"), part)
        (other,) = store_files()
        data = other.read_bytes()
        encode_part(char_tokenizer("abc"), part)
        (own,) = (file for file in store_files() if file != other)
        own.write_bytes(data)
        with caplog.at_level(logging.INFO, "inkloom"):
            encode_part(char_tokenizer("abc"), part)
        assert "it is of another text or tokenizer" in caplog.text
        assert own.read_bytes() != data

    def test_a_full_disk_is_one_line_and_leaves_nothing(self, in_cache, store_files, monkeypatch):
        def full(descriptor):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(
            InkloomError, match=r"^The ids of train cannot be kept in .*No space left.*_DIR\.$"
        ) as error:
            encode_part(self.tokenizer, of_documents(*LINES))
        assert "\n" not in str(error.value)
        assert store_files() == []

    def test_the_oldest_are_forgotten_beyond_a_size(self, in_cache, store_files, monkeypatch):
        monkeypatch.setattr(files, "forget_oldest", functools.partial(files.forget_oldest, most=2 * 1100))
        for number, text in enumerate(("a", "b", "a", "c")):
            encode_part(char_tokenizer("abc"), running(text))
            newest = max(store_files(), key=lambda file: file.stat().st_mtime)
            os.utime(newest, (1000 + number, 1000 + number))
        left = [json.loads(file.read_bytes()[: store.HEADER_BYTES])["text"] for file in store_files()]
        assert sorted(left) == sorted(f"{running(text).identity} running" for text in "ac")


def test_a_vocabulary_beyond_32_bits_is_refused():
    tokenizer = char_tokenizer("ab")
    tokenizer.vocab_size = (1 << 32) + 1
    with pytest.raises(InputError, match=r"^The vocabulary has 4,294,967,297 tokens, and ids of 32 bits hold 4,294"):
        encode_part(tokenizer, running("ab"))


def test_a_text_replaced_under_the_same_name_is_encoded_anew(in_cache, store_files, tmp_path, monkeypatch):
    monkeypatch.setattr(index, "LARGEST_IN_MEMORY", -1)
    tokenizer = char_tokenizer("".join(LINES))
    found = []
    for number, text in enumerate(("".join(LINES), "".join(LINES)[::-1])):
        (tmp_path / "my.txt").write_text(text, encoding="utf-8")
        os.utime(tmp_path / "my.txt", (1000 + number, 1000 + number))
        part = split_corpus(load_corpus(tmp_path / "my.txt"))["train"]
        assert isinstance(part, LargePart)
        found.append(tokenizer.decode(encode_part(tokenizer, part).ids))
        assert text.startswith(found[-1])
    assert found[0] != found[1]
    assert len(store_files()) == 2


def test_a_large_part_is_encoded_as_in_memory(in_cache, tmp_path, monkeypatch, with_helpers):
    (tmp_path / "my.txt").write_text("".join(LINES), encoding="utf-8")
    expected = encode_part(char_tokenizer("".join(LINES)), load_corpus(tmp_path / "my.txt").whole)
    monkeypatch.setattr(index, "LARGEST_IN_MEMORY", -1)
    assert_same(encode_part(char_tokenizer("".join(LINES)), load_corpus(tmp_path / "my.txt").whole), expected)


def test_the_console_hears_how_fast_it_went(in_cache):
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, no_color=True, highlight=False, width=80)
    encode_part(char_tokenizer("a"), running(*LINES), console)
    assert "Encoded train: " in written.getvalue()
    assert "MB/s)" in written.getvalue()
    encode_part(char_tokenizer("a"), running(*LINES), console)
    assert written.getvalue().count("Encoded train") == 1
