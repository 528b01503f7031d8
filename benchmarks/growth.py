"""How seconds and memory grow with the corpus, with the length of a sequence and with the model: a table and a figure.

    python benchmarks/growth.py --out growth.png [--megabytes 1,10,100] [--rounds 3]

corpus     a text of so many megabytes (Python's reference over and over, its lines numbered so that they differ) is
           read, split, encoded and made into 200 batches
sequence   a training step of the default Transformer over 2,048 tokens, in windows of 64 to 4,096
recurrent  the same of the default LSTM
model      the same of LSTMs of 128 to 2,048 units, in windows of 64

Each point is measured in a process of its own, so that its peak of memory is its own.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

STEPS = 5
TOKENS = 2048


def corpus_point(megabytes: float) -> float:
    """Seconds from a file to batches."""
    from inkloom.corpus import load_corpus, split_corpus
    from inkloom.data import encode_part
    from inkloom.data.batches import BATCHINGS
    from inkloom.tokenizers.char import CharTokenizer

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "text.txt"
        write_text(file, int(megabytes * 1e6))
        began = time.perf_counter()
        part = split_corpus(load_corpus(file))["train"]
        tokenizer = CharTokenizer.fit((piece.text for piece in part.pieces()), CharTokenizer.Config())
        ids = encode_part(tokenizer, part).ids
        source = BATCHINGS.load("windows")(ids, 16, 128, 0)
        for step in range(200):
            source.batch(step)
        return time.perf_counter() - began


def write_text(file: Path, size: int) -> None:
    """Lines of Python's reference, each with its number behind it."""
    from inkloom.corpus import load_corpus

    lines = "".join(piece.text for piece in load_corpus("python-docs").whole.pieces()).splitlines()
    written = number = 0
    with file.open("w", encoding="utf-8") as out:
        while written < size:
            written += out.write(f"{lines[number % len(lines)]} {number}\n")
            number += 1


def sequence_point(seq_len: float) -> float:
    """Seconds of a Transformer's training step over TOKENS tokens in windows of so many."""
    from inkloom.models.transformer import Transformer

    return seconds_of_step(Transformer(Transformer.Config(context_length=int(seq_len)), 100), int(seq_len))


def recurrent_point(seq_len: float) -> float:
    """The same of an LSTM."""
    from inkloom.models.lstm import LSTM

    return seconds_of_step(LSTM(LSTM.Config(), 100), int(seq_len))


def model_point(units: float) -> float:
    """Seconds of an LSTM's training step over TOKENS tokens, by its units."""
    from inkloom.models.lstm import LSTM

    return seconds_of_step(LSTM(LSTM.Config(hidden_size=int(units)), 100), 64)


def seconds_of_step(model, seq_len: int) -> float:
    """The median of STEPS steps; a batch has at least one row."""
    from inkloom.training.config import TrainingConfig
    from inkloom.training.machine import choose, keep_memory
    from inkloom.training.optimizers import build_optimizer

    keep_memory()
    machine = choose(TrainingConfig(device="cpu"))
    optimizer = build_optimizer(model, TrainingConfig.model_validate(dict(model.training_defaults)))
    tokens_BT = torch.randint(100, (max(1, TOKENS // seq_len), seq_len))
    seconds = []
    for _ in range(1 + STEPS):
        began = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=machine.precision == "bfloat16"):
            loss, _ = model.training_loss(tokens_BT, tokens_BT, model.initial_state(len(tokens_BT)))
        loss.nats.backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds.append((time.perf_counter() - began) * TOKENS / tokens_BT.numel())
    return statistics.median(seconds[1:])


POINTS: dict[str, tuple[Callable[[float], float], str, tuple[float, ...]]] = {
    "corpus": (corpus_point, "megabytes of text", (1, 10, 100)),
    "sequence": (sequence_point, "tokens of a Transformer's window", (64, 128, 256, 512, 1024, 2048, 4096)),
    "recurrent": (recurrent_point, "tokens of an LSTM's window", (64, 128, 256, 512, 1024, 2048, 4096)),
    "model": (model_point, "units of an LSTM", (128, 256, 512, 1024, 2048)),
}


def measure(series: str, size: float) -> tuple[float, float]:
    """Seconds, and megabytes at the peak, in a process of its own."""
    command = [sys.executable, __file__, "--point", series, str(size)]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    return answer["seconds"], answer["megabytes"]


def answer_point(series: str, size: float) -> None:
    seconds = POINTS[series][0](size)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform != "darwin" else 1024)
    print(json.dumps({"seconds": seconds, "megabytes": kilobytes / 1024}))


def draw(found: dict[str, list[tuple[float, float, float]]], path: Path) -> None:
    """Seconds on logarithmic axes, where a straight line is a power; memory from zero, where most of it is fixed."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    figure = Figure(figsize=(4 * len(found), 6), layout="constrained")
    for column, (series, points) in enumerate(found.items()):
        sizes, seconds, megabytes = zip(*points, strict=True)
        for row, (values, label) in enumerate(((seconds, "seconds"), (megabytes, "MB at the peak"))):
            axes = figure.add_subplot(2, len(found), 1 + column + row * len(found))
            axes.plot(sizes, values, marker="o")
            axes.set(xscale="log", xlabel=POINTS[series][1], ylabel=label)
            axes.set_xticks(sizes, labels=[f"{size:,g}" if size < 1e6 else f"{size:.0e}" for size in sizes], fontsize=8)
            axes.xaxis.set_minor_formatter(NullFormatter())
            if row == 0:
                axes.set_yscale("log")
                axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
                axes.yaxis.set_minor_formatter(
                    StrMethodFormatter("{x:g}") if max(values) < 10 * min(values) else NullFormatter()
                )
            else:
                axes.set_ylim(0, 1.1 * max(values))
            axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="the figure")
    parser.add_argument("--megabytes", default="1,10,100", help="sizes of the corpus; 1000 takes minutes")
    parser.add_argument("--only", default=",".join(POINTS), help="of " + ", ".join(POINTS))
    parser.add_argument("--rounds", type=int, default=3, help="of which the median is given")
    parser.add_argument("--point", nargs=2, metavar=("SERIES", "SIZE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.point:
        answer_point(options.point[0], float(options.point[1]))
        return
    found: dict[str, list[tuple[float, float, float]]] = {}
    for series in options.only.split(","):
        _, label, sizes = POINTS[series]
        sizes = tuple(float(size) for size in options.megabytes.split(",")) if series == "corpus" else sizes
        print(f"\n| {label} | seconds | MB at the peak |\n| --- | --- | --- |")
        found[series] = []
        for size in sizes:
            seconds, megabytes = zip(*(measure(series, size) for _ in range(options.rounds)), strict=True)
            found[series].append((size, statistics.median(seconds), statistics.median(megabytes)))
            print(f"| {size:,.0f} | {found[series][-1][1]:.3f} | {found[series][-1][2]:,.0f} |", flush=True)
    if options.out:
        draw(found, options.out)


if __name__ == "__main__":
    main()
