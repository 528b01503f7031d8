"""Datasets of the hub, read by the real library from folders of this machine: no test asks the hub."""

import json
import sys

import pytest

from inkloom.corpus import FetchError, load_corpus, open_corpus, split_corpus
from inkloom.corpus.named import hub
from inkloom.errors import InputError
from tests.corpus.server import serving

datasets = pytest.importorskip("datasets", reason="the extra hf (the library datasets) is not installed")

COMMIT, NEWER = "a" * 40, "b" * 40
SAYINGS = [f"Saying number {number},\nin two lines." for number in range(60)]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INKLOOM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "huggingface")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache" / "corpora" / "hf"


@pytest.fixture
def hub_of(tmp_path, monkeypatch):
    """Let folders of this machine be the hub, at a commit that a test may change."""
    commits = {"newest": COMMIT}
    monkeypatch.setattr(hub, "ADDRESS", f"{tmp_path}/hub/{{}}")
    monkeypatch.setattr(hub, "_ask_hub", lambda dataset: commits[dataset.revision or "newest"])

    def hub_of(repo, files):
        for name, rows in files.items():
            path = tmp_path / "hub" / repo / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows))
        return commits

    return hub_of


def rows(texts, key="text"):
    return [{key: text, "label": number} for number, text in enumerate(texts)]


@pytest.fixture
def sayings(hub_of):
    """A dataset with its own splits."""
    return hub_of(
        "wise/sayings",
        {"train.jsonl": rows(SAYINGS), "validation.jsonl": rows(["val one", "val two"]), "test.jsonl": rows(["last"])},
    )


def test_rows_are_documents_and_splits_are_kept(sayings):
    corpus = load_corpus("hf:wise/sayings")
    assert corpus.name == "sayings"
    assert corpus.own_splits["train"].texts == tuple(SAYINGS)
    assert corpus.own_splits["val"].texts == ("val one", "val two")
    assert corpus.own_splits["test"].texts == ("last",)
    assert corpus.own_splits["train"].documents
    assert "wise/sayings keeps its own splits: train, validation, test." in corpus.notices


def test_a_run_finds_the_very_rows_again_without_the_hub(sayings, hub_of, monkeypatch):
    corpus = load_corpus("hf:wise/sayings")
    assert corpus.config.sources == (f"hf:wise/sayings@{COMMIT}",)
    sayings["newest"] = NEWER
    hub_of("wise/sayings", {"train.jsonl": rows(["all new"])})
    monkeypatch.setitem(sys.modules, "datasets", None)  # what makes an import fail
    again = open_corpus(corpus.config)
    assert (again.sha256, again.config) == (corpus.sha256, corpus.config)
    monkeypatch.undo()


def test_a_newer_revision_is_fetched_beside_the_older_one(sayings, hub_of):
    older = load_corpus("hf:wise/sayings")
    sayings["newest"] = NEWER
    hub_of("wise/sayings", {"train.jsonl": rows(["all new"])})
    assert load_corpus("hf:wise/sayings").own_splits["train"].texts == ("all new",)
    assert open_corpus(older.config).sha256 == older.sha256


def test_a_deleted_cache_is_fetched_again_at_the_same_revision(sayings, cache):
    corpus = load_corpus("hf:wise/sayings")
    (next(cache.glob("*/*/train.jsonl"))).unlink()
    assert open_corpus(corpus.config).sha256 == corpus.sha256


def test_a_branch_or_tag_is_pinned_too(sayings):
    sayings["v1"] = NEWER
    assert load_corpus("hf:wise/sayings@v1").config.sources == (f"hf:wise/sayings@{NEWER}",)


def test_without_the_hub_what_is_here_is_used_and_said(sayings, monkeypatch, caplog):
    corpus = load_corpus("hf:wise/sayings")

    def out_of_reach(dataset):
        raise FetchError("Cannot ask the Hugging Face hub about wise/sayings: no route to host.")

    monkeypatch.setattr(hub, "_ask_hub", out_of_reach)
    assert load_corpus("hf:wise/sayings").config == corpus.config
    assert "no route to host. The rows that were fetched before are used (revision aaaaaaaaaaaa)." in caplog.text
    with pytest.raises(FetchError, match="no route to host"):
        load_corpus("hf:wise/sayings", documents="files")


def test_as_running_text_rows_stand_on_lines_of_their_own(hub_of):
    hub_of("wise/lines", {"train.jsonl": rows(["= Title =\n", "", "first\nsecond", "third"])})
    corpus = load_corpus("hf:wise/lines", documents="lines")
    assert corpus.whole.texts == ("= Title =", "first", "second", "third")
    running = load_corpus("hf:wise/lines", documents="files")
    assert running.whole.texts == ("= Title =\n\nfirst\nsecond\nthird\n",)


@pytest.mark.parametrize("documents", ["csv", "tsv"])
def test_a_dataset_is_no_csv(sayings, documents):
    with pytest.raises(InputError, match=rf"--documents got {documents}, but hf:wise/sayings is a table of the hub"):
        load_corpus("hf:wise/sayings", documents=documents)


def test_train_alone_is_one_text_that_is_cut_as_usual(hub_of):
    hub_of("wise/one", {"train.jsonl": rows(SAYINGS)})
    corpus = load_corpus("hf:wise/one")
    assert corpus.whole.texts == tuple(SAYINGS)
    assert sorted(split_corpus(corpus)) == ["test", "train", "val"]


def test_where_validation_is_missing_every_20th_row_of_train_is_held_out(hub_of):
    hub_of("wise/two", {"train.jsonl": rows(SAYINGS), "test.jsonl": rows(["last"])})
    corpus = load_corpus("hf:wise/two")
    assert corpus.own_splits["val"].texts == tuple(SAYINGS[19::20])
    assert corpus.own_splits["train"].texts == tuple(text for text in SAYINGS if text not in SAYINGS[19::20])
    assert corpus.own_splits["test"].texts == ("last",)
    assert "no validation split; every 20th row of train is val" in corpus.notices[0]
    with pytest.raises(InputError, match=r"no validation split\. Only where rows are documents"):
        load_corpus("hf:wise/two", documents="files")


class Split:
    """What the library streams, as far as it is used, of rows that fail after a while."""

    info, split, features = datasets.DatasetInfo(), "train", {"text": datasets.Value("string")}

    def select_columns(self, columns):
        return self

    def iter(self, batch_size):
        yield {"text": ["one", None]}
        raise ConnectionResetError("Connection reset by peer\nand more")


def test_a_stream_that_breaks_off_leaves_nothing(hub_of, monkeypatch, cache):
    hub_of("wise/broken", {})
    monkeypatch.setattr(datasets, "load_dataset", lambda *arguments, **options: {"train": Split()})
    with pytest.raises(FetchError, match=r"broken cannot be read: Connection reset by peer\. Nothing of it is kept"):
        load_corpus("hf:wise/broken")
    assert list(cache.glob("*/*")) == []


@pytest.mark.parametrize(
    ("splits", "problem"),
    [
        (["dev", "unsupervised"], "has no train split; it has dev, unsupervised"),
        (["test", "validation"], "has no train split"),
    ],
)
def test_without_a_train_split_there_is_nothing_to_train_on(splits, problem):
    with pytest.raises(InputError, match=problem):
        hub._choose(splits, hub.parse("hf:wise/odd"), plain=False)


def test_splits_that_have_no_use_are_named():
    chosen, notices = hub._choose(["train", "unsupervised"], hub.parse("hf:wise/odd"), plain=False)
    assert chosen == {"train": ["all"]}
    assert notices == ["wise/odd: left out unsupervised."]
    assert hub._choose(["sayings"], hub.parse("hf:wise/odd"), plain=False)[0] == {"sayings": ["all"]}


def test_the_only_column_of_strings_is_the_text(hub_of):
    hub_of("wise/quotes", {"train.jsonl": rows(["one", "two"], key="quote")})
    assert load_corpus("hf:wise/quotes").whole.texts == ("one", "two")


def test_a_column_is_chosen_and_kept_in_the_config(hub_of):
    hub_of("wise/pairs", {"train.jsonl": [{"de": "eins", "en": "one"}, {"de": "zwei", "en": "two"}]})
    corpus = load_corpus("hf:wise/pairs", text_column="de")
    assert corpus.whole.texts == ("eins", "zwei")
    assert open_corpus(corpus.config).sha256 == corpus.sha256
    assert load_corpus("hf:wise/pairs", text_column="en").whole.texts == ("one", "two")
    assert hub.named("hf:wise/pairs", text_column="en").find(None) is not None
    assert hub.named("hf:wise/pairs", documents="files", text_column="en").find(None) is None


@pytest.mark.parametrize("column", [None, "fr", "number"])
def test_a_wrong_column_lists_them_all(hub_of, column):
    hub_of("wise/pairs", {"train.jsonl": [{"de": "eins", "en": "one", "number": 1}]})
    listed = r"its columns are: de \(string\), en \(string\), number \(int64\)\. Name the one .* --text-column"
    with pytest.raises(InputError, match=f"has no column '{column or 'text'}' of strings; {listed}"):
        load_corpus("hf:wise/pairs", text_column=column)


def test_several_configs_are_listed_and_one_is_chosen(hub_of):
    card = """---
configs:
- config_name: small
  data_files: small.jsonl
- config_name: large
  data_files: large.jsonl
---
"""
    hub_of("wise/sizes", {"README.md": card, "small.jsonl": rows(["s"]), "large.jsonl": rows(["l"])})
    assert load_corpus("hf:wise/sizes:large").whole.texts == ("l",)
    assert load_corpus("hf:wise/sizes:large").name == "sizes-large"
    with pytest.raises(InputError, match=r"has several configs\. Name one of: small, large, as hf:wise/sizes:small"):
        load_corpus("hf:wise/sizes")
    with pytest.raises(InputError, match=r"has no config 'huge'\. Name one of: small, large"):
        load_corpus("hf:wise/sizes:huge")


def test_a_dataset_with_code_is_refused_and_the_code_never_runs(hub_of, tmp_path):
    hub_of("wise/code", {"code.py": f"open({str(tmp_path / 'ran')!r}, 'w')", "train.jsonl": rows(["one"])})
    with pytest.raises(FetchError, match="Dataset scripts are no longer supported"):
        load_corpus("hf:wise/code")
    assert not (tmp_path / "ran").exists()


def test_without_the_extra_one_line_says_what_to_install(monkeypatch, cache):
    monkeypatch.setattr(hub.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"^hf:wise/sayings needs the library .*: pip install 'inkloom\[hf\]'$"):
        load_corpus("hf:wise/sayings")
    assert not cache.exists()


@pytest.mark.parametrize(
    "source", ["hf:", "hf:imdb", "hf:a/b/c", "hf:../../etc", "hf:../etc", "hf:a/b:", "hf:a/b@", "HF:a"]
)
def test_what_is_no_name_of_a_dataset_is_refused(source):
    with pytest.raises(InputError, match=r"names no dataset of the hub\. It takes hf:OWNER/NAME or hf:OWN"):
        load_corpus(source)


def test_names_are_read_and_written_alike():
    for source in ("hf:a/b", "hf:a/b:c", "hf:a/b@main", "hf:a/b:2022.en@refs/pr/1"):
        assert str(hub.parse(source)) == source
    assert hub.parse("HF:A/b").repo == "A/b"
    assert hub.parse("hf:a/b:x/../y z").corpus_name == "b-x-..-y-z"


@pytest.fixture
def endpoint(monkeypatch):
    """A server in the hub's place that knows one dataset."""
    with serving(json.dumps({"id": "wise/sayings", "sha": COMMIT}).encode()) as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url("").rstrip("/"))
        server.headers = {"Content-Type": "application/json"}
        yield server


def test_the_hub_is_asked_which_commit_a_revision_is(endpoint):
    assert hub._ask_hub(hub.parse("hf:wise/sayings@main")) == COMMIT
    assert hub._ask_hub(hub.parse("hf:wise/sayings")) == COMMIT
    asked = [path.partition("?")[0] for path in endpoint.paths if path.startswith("/api/datasets")]  # it asks for more
    assert asked == ["/api/datasets/wise/sayings/revision/main", "/api/datasets/wise/sayings"]


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (404, "RepoNotFound", InputError, "The Hugging Face hub has no dataset wise/sayings for you"),
        (404, "RevisionNotFound", InputError, "wise/sayings on the Hugging Face hub has no revision 'main'"),
        (500, "", FetchError, "Cannot ask the Hugging Face hub about wise/sayings: "),
    ],
)
def test_what_the_hub_refuses_is_one_line(endpoint, status, code, kind, words):
    endpoint.statuses = (status,) * 99
    endpoint.headers |= {"X-Error-Code": code}
    with pytest.raises(kind, match=words) as caught:
        hub._ask_hub(hub.parse("hf:wise/sayings@main"))
    assert "\n" not in str(caught.value)


def test_a_hub_out_of_reach_is_one_line(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://name.invalid")
    with pytest.raises(FetchError, match="Cannot ask the Hugging Face hub about wise/sayings: ") as caught:
        hub._ask_hub(hub.parse("hf:wise/sayings"))
    assert "\n" not in str(caught.value)
