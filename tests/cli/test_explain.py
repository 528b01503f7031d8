"""`inkloom explain` as a user types it."""

import contextlib
import io
import json
import re
import shutil

import pytest

import inkloom as library
from inkloom.cli.main import run as inkloom
from inkloom.explain.tokens import UNKNOWN
from tests.experiments.pages import Page

PROMPT = 'The "if" statement (see\nbelow) is <b>used</b> for it.'
CHARS = 12_000
SMALL = {
    "gru": ("model.hidden_size=16", "model.embedding_size=8", "model.layers=2"),
    "transformer": ("model.width=16", "model.heads=2", "model.layers=2"),
    "unmasked": ("model.width=16", "model.heads=2", "model.layers=2"),
    "ngram": ("model.order=3",),
}
VIEWS = {
    "gru": ["surprisal", "next", "units"],
    "transformer": ["surprisal", "next", "attention", "lens"],
    "unmasked": ["surprisal", "next", "attention", "training_attention", "lens"],
    "ngram": ["surprisal", "next", "evidence"],
    "mixture": ["surprisal", "next", "mixture"],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory, real_text):
    """A run of every family on 12,000 characters, hardly trained, by its name."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "text.txt").write_text(real_text[:CHARS], encoding="utf-8")
    for model, overrides in SMALL.items():
        given = {} if model == "ngram" else {"steps": 2, "batch_size": 2, "seq_len": 64}
        library.train(folder / "text.txt", model=model, out=folder / model, overrides=overrides, **given)
    library.train(of=[str(folder / "ngram"), str(folder / "gru")], out=folder / "mixture")
    return folder


@pytest.fixture(scope="module")
def written(runs, tmp_path_factory):
    """For every family what the command printed of a prompt, and the folder that it wrote to."""
    found = {}
    for model in VIEWS:
        folder = tmp_path_factory.mktemp(model)
        found[model] = explain(runs / model, "--prompt", PROMPT, "--top", 2, "--out", folder), folder
    return found


def explain(*arguments):
    """Run the command, which must succeed; what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert inkloom(["explain", *map(str, arguments)]) == 0
    return printed.getvalue()


def page_in(folder):
    return Page((folder / "explain.html").read_text(encoding="utf-8"))


def refused(capsys, *arguments):
    """The one line of a command that is not accepted."""
    assert inkloom(["explain", *map(str, arguments)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err


def test_the_help_names_the_views_of_every_family(capsys):
    assert inkloom(["explain", "--help"]) == 0
    said = capsys.readouterr().out
    assert all(view in said for model in VIEWS if model != "unmasked" for view in VIEWS[model])


@pytest.mark.parametrize("model", VIEWS)
def test_every_family_gets_a_page_pictures_and_its_views(written, model):
    printed, folder = written[model]
    assert f"Page:     {folder / 'explain.html'}" in printed
    assert [section["id"] for section in page_in(folder).all("section") if "id" in section] == VIEWS[model]
    pictures = list(folder.glob("*.png"))
    assert f"{len(pictures)} files" in printed
    assert len(pictures) >= len(VIEWS[model])
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)


@pytest.mark.parametrize("model", VIEWS)
def test_the_page_needs_nothing_but_itself_and_escapes_the_text(written, model):
    page = page_in(written[model][1])
    assert not page.all("script")
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page.html)
    assert "http" not in page.html.replace("http-equiv", "")
    assert "used" not in [data for inside, data in page.texts if inside == "b"]
    assert all(attributes.get("aria-label") for attributes in page.all("input"))
    identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identities) == len(set(identities))


def test_the_text_stands_on_the_page_token_by_token(written):
    page = page_in(written["gru"][1])
    assert len([one for one in page.all("input") if one["name"] == "surprisal"]) == len(PROMPT)
    assert "↵\n" in page.text("span")


def test_numbers_go_to_stdout_as_one_object_and_nothing_is_written(runs):
    found = json.loads(explain(runs / "ngram", "--prompt", "the", "--json"))
    assert found["run"] == "ngram"
    assert list(found["views"]) == VIEWS["ngram"]
    assert found["views"]["surprisal"]["tokens"] == ["t", "h", "e"]
    assert found["files"] == []
    assert not (runs / "ngram" / "explain").exists()


def test_with_a_folder_files_are_written_beside_the_numbers(runs, tmp_path):
    found = json.loads(
        explain(runs / "ngram", "--prompt", "the", "--views", "next", "--json", "--out", tmp_path / "new")
    )
    assert found["files"] == [str(tmp_path / "new" / name) for name in ("explain.html", "next.png")]


def test_without_a_folder_the_files_lie_in_the_run(runs, tmp_path):
    shutil.copytree(runs / "ngram", tmp_path / "run")
    explain(tmp_path / "run", "--prompt", "the", "--views", "surprisal")
    assert {path.name for path in (tmp_path / "run" / "explain").iterdir()} == {"explain.html", "surprisal.png"}


def test_without_a_prompt_it_is_held_out_text(runs, real_text):
    held_out = real_text[round(0.95 * CHARS) : CHARS].partition("\n")[2]
    for model, length in (("gru", 400), ("transformer", 60)):
        tokens = json.loads(explain(runs / model, "--views", "surprisal", "--json"))["views"]["surprisal"]["tokens"]
        assert len(tokens) == length
        assert all(token in (char, UNKNOWN) for token, char in zip(tokens, held_out.lstrip(), strict=False))


def test_a_prompt_may_come_from_a_file(runs, tmp_path):
    (tmp_path / "prompt.txt").write_text("the if", encoding="utf-8")
    found = json.loads(explain(runs / "ngram", "--prompt-file", tmp_path / "prompt.txt", "--json"))
    assert "".join(found["views"]["surprisal"]["tokens"]) == "the if"


def test_the_terminal_shows_the_text_without_colours_when_piped(written):
    printed, _ = written["gru"]
    assert printed.startswith(PROMPT)
    assert "\x1b" not in printed
    body = printed.split("\nPage:")[0]
    assert max(len(line.rstrip()) for line in body.splitlines()) <= 80


@pytest.mark.parametrize(
    ("model", "parts"),
    [
        ("gru", ("bits per token", "What comes next", "Layer 2: reset gates are shut in")),
        ("transformer", ("looks most at", "Layer 1, head 2", "after the embedding and after each layer")),
        ("unmasked", ("as in training, without a mask",)),
        ("ngram", ("3 tokens", "The tables hold the longest possible n-gram")),
        ("mixture", ("ngram", "gru", "together")),
    ],
)
def test_the_terminal_shows_the_gist_of_every_view(written, model, parts):
    printed, _ = written[model]
    for part in parts:
        assert part in printed


def test_surprise_has_colours_in_a_terminal(runs, tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    printed = explain(runs / "gru", "--prompt", PROMPT, "--views", "surprisal", "--out", tmp_path)
    assert "\x1b[" in printed
    assert re.sub(r"\x1b\[[0-9;]*m", "", printed).startswith(PROMPT)


def test_units_and_heads_are_counted_from_one(runs, tmp_path):
    found = json.loads(explain(runs / "gru", "--prompt", PROMPT, "--units", "1,16", "--layer", 2, "--json"))
    assert [(one["layer"], one["unit"]) for one in found["views"]["units"]["chosen"]] == [(2, 1), (2, 16)]
    explain(
        runs / "transformer", "--prompt", PROMPT, "--views", "attention", "--layer", 2, "--head", 1, "--out", tmp_path
    )
    assert (tmp_path / "attention-layer-2-head-1.png").exists()
    assert [one["id"] for one in page_in(tmp_path).all("input") if "checked" in one] == ["attention-2-1"]


def test_top_is_how_many_alternatives_there_are(runs):
    found = json.loads(explain(runs / "ngram", "--prompt", "the", "--top", 3, "--json"))["views"]
    assert {len(row) for row in found["surprisal"]["alternatives"]} == {3}
    assert len(found["next"]["likeliest"]) == 3
    assert {len(row) for row in found["evidence"]["continuations"]} == {3}


@pytest.mark.parametrize(
    ("model", "arguments", "parts"),
    [
        ("gru", ("--views", "attention"), ("no view of this model (GRU)", "Known: next, surprisal, units")),
        ("ngram", ("--views", "surprisal,surprise"), ("'surprise'", "Did you mean surprisal?")),
        ("gru", ("--prompt", "☃"), ("U+2603",)),
        ("gru", ("--layer", "3"), ("There is no layer 3. Give one of 1 to 2.",)),
        ("gru", ("--units", "5,17"), ("There is no unit 17. Give one of 1 to 16.",)),
        ("gru", ("--units", "five"), ("--units got 'five'", "such as 5,17")),
        ("gru", ("--head", "1"), ("--head is for views such as attention", "surprisal, next, units")),
        ("transformer", ("--head", "3"), ("There is no head 3. Give one of 1 to 2.",)),
        ("transformer", ("--head", "0"), ("There is no head 0. Give one of 1 to 2.",)),
        ("transformer", ("--prompt", "the " * 16), ("The text has 64 tokens", "holds 63")),
        ("gru", ("--prompt", "the " * 501), ("The text has 2,004 tokens", "at most 2,000")),
        ("gru", ("--top", "0"), ("'--top'",)),
        ("gru", ("--prompt", "a", "--prompt-file", "b"), ("both given",)),
        ("gru", ("--prompt-file", "nowhere"), ("nowhere cannot be read",)),
    ],
)
def test_what_is_not_accepted_is_refused_in_one_line(runs, capsys, model, arguments, parts):
    line = refused(capsys, runs / model, *arguments)
    for part in parts:
        assert part in line


def test_a_folder_that_is_a_file_is_refused_before_any_work(runs, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert f"{tmp_path / 'file'} is a file" in refused(capsys, runs / "gru", "--out", tmp_path / "file" / "folder")


def test_where_the_held_out_text_is_gone_a_prompt_is_asked_for(finished_run, tmp_path, capsys):
    shutil.copytree(finished_run, tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    config["corpus"]["sources"] = [str(tmp_path / "gone.txt")]
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    assert "give a text with --prompt" in refused(capsys, tmp_path / "run")
