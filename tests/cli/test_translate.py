"""`inkloom translate`: exactly one line out for each line in."""

import io
import json
import sys

import pytest

from inkloom.cli.main import run as inkloom


@pytest.fixture
def translate(translator_run, monkeypatch, capsys):
    """Runs the verb on some input; returns its exit code, stdout and stderr."""

    def run(text, *options, run=translator_run):
        data = text if isinstance(text, bytes) else text.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = inkloom(["translate", str(run), *options])
        out, err = capsys.readouterr()
        return code, out, err

    return run


LINES = "eins und zwanzig Hunde\n\nzwei und dreißig Katzen\n   \nvierzig Autos, drei"


@pytest.mark.parametrize("options", [(), ("--beam", "1"), ("--beam", "2", "--length-penalty", "1.5")])
def test_a_line_out_for_each_line_in(translate, options):
    code, out, _ = translate(LINES, *options)
    lines = out.split("\n")
    assert (code, len(lines), lines[-1]) == (0, 6, "")
    assert [bool(line) for line in lines[:-1]] == [True, False, True, False, True]
    assert "twenty" in lines[0]


def test_lines_do_not_depend_on_each_other(translate):
    _, together, _ = translate(LINES)
    for source, target in zip(LINES.split("\n"), together.split("\n"), strict=False):
        assert translate(f"{source}\r\n")[1] == f"{target}\n"


def test_no_line_in_is_no_line_out(translate):
    assert translate("")[:2] == (0, "")


def test_the_best_translations_come_with_scores(translate):
    code, out, _ = translate("eins und zwanzig Hunde\n\nzwei Katzen\n", "--n-best", "3")
    rows = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert {row[0] for row in rows} == {"1", "3"}
    scores = [float(score) for number, score, _ in rows if number == "1"]
    assert scores == sorted(scores, reverse=True)


def test_json_is_one_object(translate):
    code, out, _ = translate(LINES, "--json", "--n-best", "2")
    found = json.loads(out)["translations"]
    assert (code, len(found)) == (0, 5)
    assert [entry["source"] for entry in found] == LINES.split("\n")
    assert [len(entry["translations"]) for entry in found] == [2, 0, 2, 0, 2]
    assert found[0]["translations"][0].keys() == {"text", "score", "logprob", "tokens"}


def test_lines_of_a_file(translate, tmp_path):
    (tmp_path / "lines.de").write_text(LINES, encoding="utf-8")
    assert translate("", "--file", str(tmp_path / "lines.de"))[1] == translate(LINES)[1]


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("a\n", ("--n-best", "5"), "n_best 5"),
        ("a\n", ("--beam", "0"), "beam"),
        (b"\xff\xfe\x00", (), "not UTF-8"),
        ("", ("--file", "nothing.de"), "nothing.de cannot be read"),
    ],
)
def test_wrong_input_is_one_line(translate, text, options, words):
    code, out, err = translate(text, *options)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_other_runs_are_sent_to_their_verb(translate, finished_run):
    code, _, err = translate("a\n", run=finished_run)
    assert code == 2
    assert "inkloom generate" in err


def test_other_verbs_send_a_translator_here(translator_run, capsys):
    assert inkloom(["generate", str(translator_run)]) == 2
    assert "inkloom translate" in capsys.readouterr().err


def test_evaluate_prints_what_translations_are_worth(translator_run, capsys):
    assert inkloom(["evaluate", str(translator_run), "--split", "val"]) == 0
    out = capsys.readouterr().out
    assert "translations of val" in out
    assert "beam 4" in out
    assert "nrefs:1" in out


def test_two_files_need_no_corpus(tmp_path, capsys):
    for name, words in (("a.de", "Hund Katze Maus"), ("a.en", "dog cat mouse")):
        (tmp_path / name).write_text("".join(f"{word} {n}\n" for word in words.split() for n in range(60)))
    command = ["train", "--model", "seq2seq", "--source", str(tmp_path / "a.de"), "--target", str(tmp_path / "a.en")]
    tiny = ["model.width=8", "model.heads=2", "model.encoder_layers=1", "model.decoder_layers=1", "training.samples=0"]
    options = [part for setting in (*tiny, "tokenizer.vocab_size=260") for part in ("-o", setting)]
    code = inkloom([*command, *options, "--steps", "1", "--out", str(tmp_path / "run")])
    assert (code, capsys.readouterr().out.count("beam 4")) == (0, 1)
    assert inkloom(["train", "--model", "seq2seq", "--source", str(tmp_path / "a.de")]) == 2
    assert "go together" in capsys.readouterr().err
