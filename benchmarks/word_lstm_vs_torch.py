"""How fast a word LSTM trains: inkloom beside the same network written plainly with torch.nn, in float32.

The network and its training are those of PyTorch's example of a word language model: embedding and two LSTM layers
of 200, dropout 0.2, 20 streams of 35 words, plain SGD with learning rate 20, gradients clipped to a norm of 0.25.
The plain side is a bare loop; inkloom's is a whole `inkloom train`, with all that it writes down on the way. Every
side has a process of its own, they run in turn, several rounds; medians count, since a machine's speed drifts.

Run: python benchmarks/word_lstm_vs_torch.py FOLDER [--steps N] [--rounds N]
     FOLDER has train.txt, val.txt and test.txt: words between white space.
"""

import argparse
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

BATCH_SIZE, SEQ_LEN, SIZE, LAYERS, DROPOUT, LEARNING_RATE, CLIP = 20, 35, 200, 2, 0.2, 20.0, 0.25
TOKENS = BATCH_SIZE * SEQ_LEN
SCORED_LINES = 50
"""Of val and test: what is measured are the steps, not the scores after them."""

COMMON = {
    "model.embedding_size": SIZE,
    "model.hidden_size": SIZE,
    "model.layers": LAYERS,
    "model.dropout": DROPOUT,
    "tokenizer.mode": "whitespace",
    "tokenizer.min_count": 1,
    "training.schedule": "constant",
}
AS_PLAIN = {"training.optimizer": "sgd", "training.learning_rate": LEARNING_RATE, "training.clip": CLIP}
WITH_ADAMW = {"training.optimizer": "adamw", "training.learning_rate": 3e-3}
INKLOOM = {
    "inkloom, full softmax, SGD": AS_PLAIN,
    "inkloom, full softmax, AdamW": WITH_ADAMW,
    "inkloom, adaptive softmax, SGD": {**AS_PLAIN, "model.softmax": "adaptive"},
    "inkloom, adaptive softmax, AdamW": {**WITH_ADAMW, "model.softmax": "adaptive"},
}
PLAIN = "plain torch.nn"


def plain_seconds_per_step(folder: Path, steps: int) -> float:
    """The example's network and training, without anything around the steps."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Network(nn.Module):
        def __init__(self, vocab_size: int) -> None:
            super().__init__()
            self.dropout = nn.Dropout(DROPOUT)
            self.embedding = nn.Embedding(vocab_size, SIZE)
            self.lstm = nn.LSTM(SIZE, SIZE, LAYERS, dropout=DROPOUT)
            self.head = nn.Linear(SIZE, vocab_size)

        def forward(self, tokens_TB, state):
            x_TBH, state = self.lstm(self.dropout(self.embedding(tokens_TB)), state)
            return self.head(self.dropout(x_TBH)), state

    text = (folder / "train.txt").read_text(encoding="utf-8")
    words = [word for line in text.splitlines() for word in (*line.split(), "<eos>")]
    ids = {word: number for number, (word, _) in enumerate(Counter(words).most_common())}
    rows = len(words) // BATCH_SIZE
    tokens_NB = torch.tensor([ids[word] for word in words[: rows * BATCH_SIZE]]).view(BATCH_SIZE, rows).t().contiguous()
    network = Network(len(ids)).train()
    state = None
    times = []
    for step in range(steps):
        started = time.perf_counter()
        first = step * SEQ_LEN % (rows - SEQ_LEN - 1)
        inputs_TB, targets_TB = tokens_NB[first : first + SEQ_LEN], tokens_NB[first + 1 : first + SEQ_LEN + 1]
        network.zero_grad()
        logits_TBV, state = network(inputs_TB, state)
        state = tuple(part.detach() for part in state)
        functional.cross_entropy(logits_TBV.flatten(0, 1), targets_TB.flatten()).backward()
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        for parameter in network.parameters():
            parameter.data.add_(parameter.grad, alpha=-LEARNING_RATE)
        times.append(time.perf_counter() - started)
    return statistics.median(times[steps // 10 :])


def inkloom_seconds_per_step(folder: Path, steps: int, overrides: dict[str, object]) -> float:
    """The median time between two rows of metrics.csv in which nothing was validated, by step."""
    from rich.console import Console

    import inkloom
    from inkloom.runs.directory import RunDirectory

    with tempfile.TemporaryDirectory() as parent:
        text, out = Path(parent) / "text", Path(parent) / "run"
        text.mkdir()
        for part, lines in (("train", None), ("val", SCORED_LINES), ("test", SCORED_LINES)):
            cut = (folder / f"{part}.txt").read_text(encoding="utf-8").splitlines(keepends=True)[:lines]
            (text / f"{part}.txt").write_text("".join(cut), encoding="utf-8")
        inkloom.train(
            text,
            tokenizer="word",
            steps=steps,
            batch_size=BATCH_SIZE,
            seq_len=SEQ_LEN,
            overrides=[f"{name}={value}" for name, value in {**COMMON, **overrides}.items()],
            out=out,
            console=Console(quiet=True),
            validations=1,
            samples=0,
        )
        rows = [line.split(",") for line in RunDirectory(out).metrics_file.read_text().splitlines()[1:]]
    times = [
        (float(after[1]) - float(before[1])) / (int(after[0]) - int(before[0]))
        for before, after in itertools.pairwise(rows)
        if not before[4] and not after[4]
    ]
    return statistics.median(times[len(times) // 10 :])


def measured(side: str, folder: Path, steps: int) -> float:
    """Seconds a step of one side, from a process of its own."""
    command = [sys.executable, __file__, str(folder), "--steps", str(steps), "--side", side]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side == PLAIN:
        print(plain_seconds_per_step(options.folder, options.steps))
        return
    if options.side:
        print(inkloom_seconds_per_step(options.folder, options.steps, INKLOOM[options.side]))
        return
    seconds: dict[str, list[float]] = {side: [] for side in (PLAIN, *INKLOOM)}
    for number in range(options.rounds):
        for side, found in seconds.items():
            found.append(measured(side, options.folder, options.steps))
            print(f"round {number + 1}: {side}: {TOKENS / found[-1]:,.0f} tokens/s", flush=True)
    for side, found in seconds.items():
        ratio = statistics.median(plain / own for plain, own in zip(seconds[PLAIN], found, strict=True))
        step = statistics.median(found)
        print(f"{side:33} {1e3 * step:6.1f} ms a step, {TOKENS / step:7,.0f} tokens/s, {ratio:.2f} times {PLAIN}")


if __name__ == "__main__":
    main()
