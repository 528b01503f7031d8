"""What the training loop costs beside the work itself: `inkloom train` against a bare PyTorch loop, step for step.

Both take the same batches in the same precision with the same optimiser. They run in turn, several times; medians
count, since a machine's speed drifts.

Run: python benchmarks/training_overhead.py [--text FILE] [--model NAME] [--rounds N]
"""

import argparse
import itertools
import pydoc_data.topics
import statistics
import tempfile
import time
from pathlib import Path

import torch
from rich.console import Console
from torch.nn import functional

import inkloom
from inkloom.config import build
from inkloom.data import encode_part
from inkloom.data.batches import BATCHINGS
from inkloom.models.base import detach_state
from inkloom.runs.directory import RunDirectory
from inkloom.runs.run import Run, build_model
from inkloom.training.config import TrainingConfig
from inkloom.training.optimizers import build_optimizer


def bare_seconds_per_step(run: Run, steps: int) -> float:
    """The same steps in a plain loop: no Lightning, no callbacks, no schedule."""
    settings = build(TrainingConfig, run.config.training, "training")
    ids = encode_part(run.tokenizer, run.parts()["train"]).ids
    source = BATCHINGS.load(settings.batching)(ids, settings.batch_size, settings.seq_len, settings.seed)
    model = build_model(run.config, run.tokenizer).train()
    optimizer = build_optimizer(model, settings)
    machine = run.directory.read_json(run.directory.measured_file)
    state, times = None, []
    for step in range(steps):
        started = time.perf_counter()
        batch = source.batch(step)
        state = state if batch.carries and state is not None else model.initial_state(settings.batch_size)
        with torch.autocast("cpu", torch.bfloat16, enabled=machine["precision"] == "bfloat16"):
            logits_BTV, state = model(batch.inputs_BT, state)
            loss = functional.cross_entropy(logits_BTV.float().flatten(0, 1), batch.targets_BT.flatten())
        state = detach_state(state)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip or 1.0)
        optimizer.step()
        optimizer.zero_grad()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def seconds_per_step_of(run: RunDirectory) -> float:
    """The median time between two rows of metrics.csv in which nothing was validated, by step."""
    rows = [line.split(",") for line in run.metrics_file.read_text().splitlines()[1:]]
    times = [
        (float(after[1]) - float(before[1])) / (int(after[0]) - int(before[0]))
        for before, after in itertools.pairwise(rows)
        if not before[4] and not after[4]
    ]
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path)
    parser.add_argument("--model", default="lstm")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        text = options.text
        if text is None:
            text = Path(folder) / "reference.txt"
            text.write_text("\n".join(pydoc_data.topics.topics.values()), encoding="utf-8")
        for number in range(options.rounds):
            out = Path(folder) / str(number)
            inkloom.train(text, model=options.model, steps=options.steps, out=out, console=Console(quiet=True))
            ours.append(seconds_per_step_of(RunDirectory(out)))
            bare.append(bare_seconds_per_step(inkloom.load_run(out), options.steps))
            print(
                f"round {number + 1}: inkloom {ours[-1] * 1e3:.2f} ms, bare {bare[-1] * 1e3:.2f} ms a step", flush=True
            )
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    print(
        f"{options.model}, {options.steps} steps: inkloom {statistics.median(ours) * 1e3:.2f} ms, bare "
        f"{statistics.median(bare) * 1e3:.2f} ms a step; overhead {ratio - 1:+.1%} (median of {options.rounds} pairs)"
    )


if __name__ == "__main__":
    main()
