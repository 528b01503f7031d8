"""The n-gram family beside KenLM: perplexity on characters and on words, time and memory of estimation, scoring rate.

KenLM's perplexities are figures of its `lmplz`, measured once on the same data. Where the package `kenlm` is installed
(`pip install kenlm`; it asks, it does not estimate, and reads up to order 6), it also scores the same tokens with the
tables that inkloom exports as ARPA. Times are medians.

The data is a folder with tinyshakespeare.txt and wikitext2-small/{train,test}.txt.
Run: python benchmarks/ngram_vs_kenlm.py [--data FOLDER] [--rounds N]
"""

import argparse
import importlib
import importlib.util
import itertools
import math
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inkloom.models.arpa import END, UNKNOWN, arpa_words, write_arpa
from inkloom.models.kneser_ney import count_ngrams, estimate
from inkloom.models.ngram import NGram
from inkloom.tokenizers.base import Ids
from inkloom.tokenizers.char import CharTokenizer

CHARACTERS = {3: 7.6766, 4: 5.5796, 5: 4.7649, 6: 4.5847, 7: 4.5569, 8: 4.5691}
"""KenLM's perplexity by order: the last 10 % of tinyshakespeare.txt as one stream, the rest is train."""

WORDS = {3: 235.81, 4: 234.15, 5: 233.40}
"""The same of wikitext2-small: an end token a line, a context that starts afresh after it, --discount_fallback."""


@dataclass(frozen=True)
class Task:
    """Texts as ids, an end token before each, and what KenLM scores on them."""

    name: str
    train: Ids
    test: Ids
    words: Sequence[str]
    end_id: int
    published: dict[int, float]

    def estimate(self, order: int) -> NGram:
        """The model of train."""
        levels = count_ngrams(self.train, len(self.words), self.end_id)
        return estimate(list(itertools.islice(levels, order)), len(self.words))


def characters(file: Path) -> Task:
    """Nine tenths of a text, and the last tenth."""
    text = file.read_text(encoding="utf-8")
    cut = int(0.9 * len(text))
    tokenizer = CharTokenizer.fit([text[:cut]], CharTokenizer.Config())
    end = np.array([tokenizer.end_id], tokenizer.dtype)
    train, test = (np.concatenate([end, tokenizer.encode(part).ids]) for part in (text[:cut], text[cut:]))
    return Task("characters", train, test, arpa_words(tokenizer), tokenizer.end_id, CHARACTERS)


def words(folder: Path) -> Task:
    """Lines of words. Words that train lacks are the same as a literal <unk>."""
    train, test = (
        [line.split() for line in (folder / name).read_text(encoding="utf-8").removesuffix("\n").split("\n")]
        for name in ("train.txt", "test.txt")
    )
    known = [UNKNOWN, END, *sorted({word for line in train for word in line} - {UNKNOWN})]
    number = {word: token for token, word in enumerate(known)}

    def ids(lines: list[list[str]]) -> Ids:
        return np.array([1, *(i for line in lines for i in (*(number.get(word, 0) for word in line), 1))], np.uint16)

    return Task("words", ids(train), ids(test), known, 1, WORDS)


def measure(task: Task, order: int, rounds: int) -> None:
    """One line of the table."""
    estimating, scoring = [], []
    tokens_N = torch.from_numpy(task.test.astype(np.int64))
    for _ in range(rounds):
        started = time.perf_counter()
        model = task.estimate(order)
        estimated = time.perf_counter()
        log_probs_N = model.token_log_probs(tokens_N)
        estimating.append(estimated - started)
        scoring.append(time.perf_counter() - estimated)
    perplexity = math.exp(-log_probs_N.double().mean())
    tables = sum(table.numel() * table.element_size() for table in model.state_dict().values())
    print(
        f"{task.name:10} {order:5} {perplexity:10.4f} {task.published[order]:9} "
        f"{perplexity / task.published[order] - 1:+8.3%} {statistics.median(estimating):7.2f} s "
        f"{peak_bytes(task, order) / 1e6:6.0f} MB {len(log_probs_N) / statistics.median(scoring):12,.0f} "
        f"{token_seconds(model, tokens_N[:1000]) * 1e6:6.0f} us {sum(model.sizes):9,} {tables / 1e6:6.1f} MB"
        f"   {asked_of_kenlm(task, model, log_probs_N.numpy())}",
        flush=True,
    )


def peak_bytes(task: Task, order: int) -> int:
    """The most memory that estimation holds at a time, beside the text."""
    tracemalloc.start()
    task.estimate(order)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@torch.inference_mode()
def token_seconds(model: NGram, tokens_N: torch.Tensor) -> float:
    """How long the next token's whole distribution takes, one token at a time in one row."""
    state = model.initial_state(1)
    times = []
    for token_1 in tokens_N.split(1):
        started = time.perf_counter()
        _, state = model(token_1[None], state)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def asked_of_kenlm(task: Task, model: NGram, log_probs_N: np.ndarray) -> str:
    """The largest difference between KenLM's score of a token with our tables and ours."""
    if importlib.util.find_spec("kenlm") is None:
        return "kenlm is not installed"
    kenlm: Any = importlib.import_module("kenlm")
    quiet = kenlm.Config()
    quiet.show_progress = False
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.arpa"
        write_arpa(model, task.words, file)
        try:
            theirs = kenlm.Model(str(file), quiet)
        except OSError:
            return "above the order that kenlm was built for"
    state = kenlm.State()
    theirs.BeginSentenceWrite(state)
    worst = 0.0
    for token, ours in zip(task.test[1:].tolist(), log_probs_N.tolist(), strict=True):
        after = kenlm.State()
        worst = max(worst, abs(theirs.BaseScore(state, task.words[token], after) * math.log(10) - ours))
        state = after
        if token == task.end_id:
            theirs.BeginSentenceWrite(state)
    return f"{worst:.0e} nats"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(
        "text       order perplexity    KenLM  difference  estimation, memory  tokens/s scored  "
        "a token    n-grams    tables   KenLM asked"
    )
    for task in (characters(options.data / "tinyshakespeare.txt"), words(options.data / "wikitext2-small")):
        for order in task.published:
            measure(task, order, options.rounds)


if __name__ == "__main__":
    main()
