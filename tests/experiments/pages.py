"""A run directory made by hand, and a reader of pages that is strict about what it reads."""

import json
import math
from html.parser import HTMLParser
from pathlib import Path

from inkloom.corpus.base import CorpusConfig
from inkloom.evaluation import Scores
from inkloom.files import write_json, write_text
from inkloom.runs.directory import RunConfig, RunDirectory
from inkloom.runs.run import Run
from inkloom.tokenizers.char import CharTokenizer

HEADER = "step,seconds,tokens,train_loss,val_loss,learning_rate\n"

VOID = {"br", "hr", "img", "input", "link", "meta"}

SCORES = {
    "train": Scores("train", tokens=1000, chars=1000, bytes=1010, unknown_tokens=0, nats=1300.0, charge_nats=0.0),
    "val": Scores("val", tokens=1000, chars=1000, bytes=1020, unknown_tokens=2, nats=1500.0, charge_nats=20.0),
    "test": Scores("test", tokens=2000, chars=2000, bytes=2060, unknown_tokens=4, nats=3200.0, charge_nats=50.0),
}


def metrics(rows=40):
    """A course that falls, with a val score in every tenth row."""
    lines = []
    for row in range(1, rows + 1):
        loss = 1.5 + 2 * math.exp(-row / 8)
        val = f"{loss + 0.1:.6f}" if row % 10 == 0 else ""
        lines.append(f"{10 * row},{0.5 * row:.3f},{640 * row},{loss:.6f},{val},{1e-3 * row / rows:.6g}\n")
    return HEADER + "".join(lines)


def samples(*texts):
    return "".join(f"=== step {100 * n}, val 1.5 nats per token ===\n{text}\n\n" for n, text in enumerate(texts, 1))


def make_run(
    folder: Path,
    *,
    corpus="plays",
    model="lstm",
    splits=("train", "val", "test"),
    metrics_csv: str | None = None,
    samples_txt: str | None = None,
    machine: dict | None = None,
    **summary,
) -> Run:
    """A scored run as `inkloom train` leaves it, without weights."""
    directory = RunDirectory(folder)
    directory.write_config(
        RunConfig(
            name=corpus,
            created="2026-03-04T05:06:07+00:00",
            versions={"inkloom": "0.1.0", "python": "3.11.7"},
            corpus=CorpusConfig(sources=(f"{corpus}.txt",)),
            corpus_sha256="ab" * 32,
            tokenizer={"name": "char"},
            model={"name": model, "hidden_size": 512},
            training={"budget": 80.0, "patience": None, "tensorboard": False},
        )
    )
    tokenizer = CharTokenizer.fit(["".join(map(chr, range(32, 94)))], CharTokenizer.Config())
    assert tokenizer.vocab_size == 64
    write_json(directory.tokenizer_file, tokenizer.to_json())
    scores = {name: SCORES[name].as_json() for name in splits}
    scores["train"]["partial"] = True
    write_json(
        directory.evaluation_file, {"run": str(folder), "model": model, "parameters": 1234567, **summary, **scores}
    )
    for file, text in ((directory.metrics_file, metrics_csv), (directory.samples_file, samples_txt)):
        if text is not None:
            write_text(file, text)
    if machine is not None:
        write_json(directory.measured_file, machine)
    return Run(directory)


class Page(HTMLParser):
    """A page read with every element closed in its turn; fails with AssertionError where one is not."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), f"an attribute of <{tag}> stands there twice"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag: str | None = None) -> str:
        """The text of the page, or of all elements of one kind; that of style sheets is not part of a page's."""
        return "".join(data for inside, data in self.texts if inside == tag or (tag is None and inside != "style"))

    def score_row(self, split: str) -> dict[str, str]:
        """The cells of a split's row, by label."""
        row = self.html.split(f'scope="row">{split}', 1)[1].split("</tr>", 1)[0]
        cells = row.split('data-label="')[1:]
        return {cell.split('"', 1)[0]: cell.split(">", 1)[1].split("<", 1)[0] for cell in cells}


def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def evaluation_of(run: Run) -> dict:
    return json.loads(run.directory.evaluation_file.read_text(encoding="utf-8"))
