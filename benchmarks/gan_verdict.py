"""Does a critic beat likelihood? Trains writers of sentences for the same wall time, and judges them side by side.

    python benchmarks/gan_verdict.py captions.txt --budget 10m --seeds 3 --out verdicts/captions

Four kinds of run, each with every seed: `likelihood`, the generator by likelihood alone; `pretrained gan`, the same
with a critic for the last part of its time; `gan from scratch`, critic and generator from the start; `lstm`. All have
one vocabulary, and unigrams, bigrams and real text are beside them. A run that is there is not trained again, and one
that was interrupted goes on. Writes OUT/verdict.html and OUT/verdict.json, and prints the areas.
"""

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

import inkloom
from inkloom import api
from inkloom.experiments.gan import write_verdict
from inkloom.experiments.verdict import COUNT, PLANES, Verdict, verdict_on
from inkloom.files import write_json
from inkloom.runs.directory import RunDirectory
from inkloom.runs.run import Run

WRITERS: dict[str, dict[str, Any]] = {
    "pretrained gan": {"recipe": "captions-gan"},
    "likelihood": {"recipe": "captions-gan", "overrides": ["model.objective=likelihood", "model.pretraining=0"]},
    "gan from scratch": {
        "recipe": "captions-gan",
        "overrides": [
            "model.pretraining=0",
            "model.likelihood_weight=0",
            "training.learning_rate=3e-4",
            "training.beta1=0",
            "training.beta2=0.9",
            "training.schedule=constant",
        ],
    },
    "lstm": {
        "model": "lstm",
        "overrides": ["model.embedding_size=128", "model.hidden_size=256", "model.dropout=0.3", "training.seq_len=64"],
    },
}


def main() -> None:
    arguments = _arguments()
    console = Console()
    out = Path(arguments.out)
    vocabulary = out / "vocabulary.json"
    corpus = inkloom.load_corpus(arguments.corpus, documents="lines")
    runs: dict[str, list[Run]] = {name: [] for name in arguments.writers.split(",")}
    for name in runs:
        for seed in range(arguments.seeds):
            console.rule(f"{name}, seed {seed}")
            folder = out / f"{name.replace(' ', '-')}-{seed}"
            runs[name].append(_trained(corpus, folder, vocabulary, arguments.budget, seed, console, **WRITERS[name]))
    verdict = verdict_on(runs, count=arguments.sentences)
    write_json(out / "verdict.json", verdict.as_json())
    write_verdict(verdict, corpus.name, out / "verdict.html")
    _print(verdict, console)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", help="a file with a sentence a line")
    parser.add_argument("--budget", default="10m", help="wall time of each run")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sentences", type=int, default=COUNT, help="of each writer at each temperature")
    parser.add_argument("--writers", default=",".join(WRITERS), help="which ones; the first has to be a GAN")
    parser.add_argument("--out", default="verdicts/gan")
    return parser.parse_args()


def _trained(
    corpus: Any, folder: Path, vocabulary: Path, budget: str, seed: int, console: Console, **settings: Any
) -> Run:
    """The run of a folder, trained or gone on with where it is not finished. The first run's vocabulary is kept."""
    directory = RunDirectory(folder)
    if directory.config_file.exists():
        run = api.resume(folder, console)
    else:
        given = {"vocab": vocabulary} if vocabulary.exists() else {"tokenizer": "word"}
        run = inkloom.train(corpus, budget=budget, seed=seed, out=folder, console=console, **given, **settings)
    if not vocabulary.exists():
        write_json(vocabulary, run.tokenizer.to_json())
    return run


def _print(verdict: Verdict, console: Console) -> None:
    for writer in verdict.writers:
        areas = (f"{plane} {area.mean:.3f} ({area.low:.3f} to {area.high:.3f})" for plane, area in writer.areas.items())
        console.print(f"{writer.name:18} {'  '.join(areas)}")
    bigrams = next(writer for writer in verdict.writers if writer.name == "bigrams")
    at_one = min(bigrams.runs[0], key=lambda point: abs((point.temperature or 0.0) - 1))
    for plane in PLANES:
        diversity = at_one.places[plane].diversity
        for writer in verdict.writers:
            quality = writer.quality_at(plane, diversity)
            shown = "none so diverse" if quality is None else f"{quality:.3f}"
            console.print(f"quality at the diversity of bigrams ({plane}, {diversity:.3f}): {writer.name} {shown}")


if __name__ == "__main__":
    main()
