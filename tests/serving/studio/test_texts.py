"""Texts that are given: what is taken, under which name, and that nothing else gets onto the disk."""

import asyncio

import pytest

from inkloom.errors import InputError
from inkloom.serving.studio.texts import TextStore, read_limited, stored_name

TEXT = "It was a dark and stormy night.\n" * 20


@pytest.fixture
def store(tmp_path) -> TextStore:
    return TextStore(tmp_path / "texts")


def test_a_text_is_kept_and_found_again(store):
    text = store.keep("Stormy Night.txt", TEXT.encode())
    assert text.characters == len(TEXT)
    assert text.notices == ()
    assert store.names() == [text.name]
    assert store.path(text.name).read_text(encoding="utf-8") == TEXT


def test_the_same_text_is_kept_once(store):
    names = {store.keep("night.txt", TEXT.encode()).name for _ in range(2)}
    assert store.names() == list(names)


@pytest.mark.parametrize(
    ("given", "begins"),
    [
        ("My Plays (1).TXT", "my-plays-1-"),
        ("../../etc/passwd.txt", "passwd-"),
        ("..\\..\\boot.txt", "boot-"),
        ("Émile <script>.md", "emile-script-"),
        ("日本.txt", "text-"),
        ("a" * 200 + ".txt", "a" * 40 + "-"),
    ],
)
def test_names_are_the_servers_own(given, begins):
    name = stored_name(given, b"x")
    assert name.startswith(begins)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")


@pytest.mark.parametrize("name", ["run.sh", "page.html", "weights.pt", "text", "text.txt.exe", "text.gz"])
def test_other_endings_are_refused(store, name):
    with pytest.raises(InputError, match=r"\.txt"):
        store.keep(name, TEXT.encode())
    assert store.names() == []


@pytest.mark.parametrize("data", [b"", b"   \n", b"%PDF-1.7 ...", bytes(range(256)) * 40, b"PK\x03\x04zip"])
def test_what_is_no_text_is_refused_and_not_kept(store, data):
    with pytest.raises(InputError):
        store.keep("looks-fine.txt", data)
    assert not list(store.folder.iterdir())


def test_a_damaged_table_is_refused_without_telling_where_it_lies(store, tmp_path):
    with pytest.raises(InputError) as error:
        store.keep("rows.jsonl", b'{"text": "fine"}\n{broken\n')
    assert "line 2" in str(error.value)
    assert str(tmp_path) not in str(error.value)


def test_what_was_guessed_about_a_text_is_told(store):
    text = store.keep("cafe.txt", ("Das Café hat geöffnet, und die Bäume grünen schön. " * 30).encode("cp1252"))
    assert "cp1252" in " ".join(text.notices)


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/passwd", "absent.txt", ""])
def test_no_name_leads_out_of_the_folder(store, tmp_path, name):
    (tmp_path / "secret.txt").write_text("secret")
    store.keep("night.txt", TEXT.encode())
    with pytest.raises(InputError):
        store.path(name)


async def body(*pieces):
    for piece in pieces:
        yield piece


def test_a_body_is_read_to_its_limit_and_no_further():
    assert asyncio.run(read_limited(body(b"ab", b"cd"), most=4)) == b"abcd"
    with pytest.raises(InputError, match="larger"):
        asyncio.run(read_limited(body(b"ab", b"cde", b"never read"), most=4))
