"""A text larger than memory: how fast it is read and encoded, what training on it takes, and how much memory that is.

The text is made by repeating the lines of a file in random order, in a stream, until it has the size asked for. Each
step runs in a process of its own. On Linux its memory, and that of the processes that it starts, is sampled from /proc
every 50 ms: the most that one of them has resident, the most that all have together, and the part of that which is no
file mapped into memory (pages of a file are given back when others need the room).

Run: python benchmarks/large_corpus.py FILE [--size MB] [--tokenizers char,word,bpe] [--budget 60s]
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.05


def make_text(lines_of: Path, text: Path, size: int, seed: int) -> None:
    """Write lines of a file to another, drawn at random, until it has `size` bytes."""
    lines = lines_of.read_bytes().splitlines(keepends=True)
    draw = random.Random(seed)
    written = 0
    with text.open("wb") as file:
        while written < size:
            written += file.write(b"".join(draw.choices(lines, k=1000)))


@dataclass
class Memory:
    """The most that a process and those it started had, in bytes; zeros where the system does not tell."""

    of_one: int = 0
    of_all: int = 0
    of_all_but_files: int = 0

    def sample(self, process: int) -> None:
        """Take a look at a process and its descendants."""
        found = [status for pid in descendants(process) if (status := status_of(pid))]
        resident = [status["VmRSS"] for status in found]
        self.of_one = max(self.of_one, *resident, 0)
        self.of_all = max(self.of_all, sum(resident))
        self.of_all_but_files = max(self.of_all_but_files, sum(status["RssAnon"] for status in found))

    def __str__(self) -> str:
        if not self.of_one:
            return "memory not known"
        one, everyone, own = (size / 1e6 for size in (self.of_one, self.of_all, self.of_all_but_files))
        return f"{one:,.0f} MB resident in the largest process, {everyone:,.0f} in all, {own:,.0f} of it no mapped file"


def descendants(process: int) -> list[int]:
    """A process and all that it started, by number."""
    found = [process]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except OSError:  # it has ended
                continue
    return found


def status_of(process: int) -> dict[str, int]:
    """VmRSS and RssAnon in bytes; empty where the process has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return {}
    fields = dict(line.split(":", 1) for line in lines)
    if "VmRSS" not in fields:
        return {}
    return {name: 1024 * int(fields[name].split()[0]) for name in ("VmRSS", "RssAnon")}


def run(arguments: list[str], cache: Path) -> tuple[dict[str, float], float, Memory]:
    """The JSON that a command prints, the seconds it took, and its memory."""
    started = time.perf_counter()
    process = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, text=True, env={**os.environ, "INKLOOM_CACHE_DIR": str(cache)}
    )
    memory = Memory()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(SAMPLE_SECONDS):
            memory.sample(process.pid)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _ = process.communicate()
    done.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with exit code {process.returncode}")
    return json.loads(output), time.perf_counter() - started, memory


def encode(text: Path, tokenizer: str, split: str) -> None:
    """The step of one tokenizer: index the text, fit on train, encode train; prints the seconds of each."""
    from inkloom.corpus import load_corpus, split_corpus
    from inkloom.data import encode_part
    from inkloom.tokenizers import configured

    clock = [time.perf_counter()]

    def lap() -> float:
        clock.append(time.perf_counter())
        return clock[-1] - clock[-2]

    train = split_corpus(load_corpus(text), split)["train"]
    seconds = {"index": lap()}
    tokenizer_class, config = configured({"name": tokenizer})
    fitted = tokenizer_class.fit((piece.text for piece in train.pieces()), config)
    seconds["fit"] = lap()
    tokens = encode_part(fitted, train).tokens
    seconds["encode"] = lap()
    encode_part(fitted, train)
    seconds["again"] = lap()
    print(json.dumps({**seconds, "tokens": tokens, "bytes": train.bytes}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="whose lines are repeated; or the text itself, with --step")
    parser.add_argument("--size", type=float, default=1000, help="of the text, in MB")
    parser.add_argument("--tokenizers", default="char,word,bpe")
    parser.add_argument("--budget", default="60s", help="of the training; 0 leaves it out")
    parser.add_argument("--split", default="99.8,0.1,0.1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--step", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        encode(options.file, options.step, options.split)
        return
    with tempfile.TemporaryDirectory() as folder:
        text, cache = Path(folder) / "large.txt", Path(folder) / "cache"
        make_text(options.file, text, round(options.size * 1e6), options.seed)
        for tokenizer in options.tokenizers.split(","):
            step = [sys.executable, __file__, str(text), "--step", tokenizer, "--split", options.split]
            found, _, memory = run(step, cache)
            megabytes = found["bytes"] / 1e6
            print(
                f"{tokenizer}: {megabytes:,.0f} MB of train; index {found['index']:.1f} s, "
                f"fit {found['fit']:.1f} s ({megabytes / found['fit']:,.0f} MB/s), "
                f"encode {found['encode']:.1f} s ({megabytes / found['encode']:,.1f} MB/s, "
                f"{found['tokens'] / found['encode'] / 1e6:,.1f} million tokens/s), "
                f"from the cache {found['again'] * 1e3:,.0f} ms; {memory}",
                flush=True,
            )
        if options.budget != "0":
            command = [sys.executable, "-m", "inkloom", "train", str(text), "--split", options.split, "--json"]
            command += ["--budget", options.budget, "--out", str(Path(folder) / "run")]
            summary, seconds, memory = run(command, cache)
            print(
                f"train {options.budget}: {summary['steps']:,} steps in {summary['seconds']:.1f} s, "
                f"{summary['tokens_per_second']:,.0f} tokens/s; the whole command {seconds:.1f} s; {memory}"
            )


if __name__ == "__main__":
    main()
