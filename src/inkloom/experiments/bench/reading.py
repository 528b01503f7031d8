"""How fast a text becomes batches: vocabulary, ids, windows and streams, and the leak check."""

from collections.abc import Callable

from inkloom.corpus.base import Corpus, Part
from inkloom.corpus.leaks import find_leaks
from inkloom.corpus.splits import split_corpus
from inkloom.data import encode_part
from inkloom.data.batches import BATCHINGS
from inkloom.data.encoding import encoded_batches
from inkloom.experiments.bench.timing import Line, rates_in_turn
from inkloom.tokenizers import TOKENIZERS, Ids, Tokenizer

TOKENIZERS_MEASURED = ("char", "word", "bpe")

BATCHES, ROWS, LENGTH = 200, 16, 128
"""Batches that are made a round, their rows, and the tokens in each."""


def bench_data(corpus: Corpus, rounds: int) -> list[Line]:
    """Bytes a second of what is done once with a text, tokens a second of what is done in every step."""
    parts = split_corpus(corpus)
    train = parts["train"]
    works: dict[str, Callable[[], float]] = {}
    for name in TOKENIZERS_MEASURED:
        works |= {f"{name}: vocabulary": _fitting(name, train), f"{name}: ids": _encoding(name, train)}
    works["leak check"] = _checking(train, parts["val"])
    lines = rates_in_turn(works, "bytes/s", rounds)
    ids = encode_part(_fitted("char", train), train).ids
    batches = {f"batches: {name}": _batching(name, ids) for name in BATCHINGS}
    return [*lines.values(), *rates_in_turn(batches, "tokens/s", rounds).values()]


def _fitted(name: str, part: Part) -> Tokenizer:
    tokenizer_class = TOKENIZERS.load(name)
    return tokenizer_class.fit((piece.text for piece in part.pieces()), tokenizer_class.Config())


def _fitting(name: str, part: Part) -> Callable[[], float]:
    def work() -> float:
        _fitted(name, part)
        return part.text_bytes

    return work


def _encoding(name: str, part: Part) -> Callable[[], float]:
    tokenizer = _fitted(name, part)
    return lambda: sum(size for _, size in encoded_batches(tokenizer, part))


def _checking(train: Part, held_out: Part) -> Callable[[], float]:
    def work() -> float:
        find_leaks(train, held_out)
        return train.text_bytes

    return work


def _batching(name: str, ids: Ids) -> Callable[[], float]:
    source = BATCHINGS.load(name)(ids, ROWS, min(LENGTH, len(ids) - 1), 0)
    return lambda: sum(source.batch(step).inputs_BT.numel() for step in range(BATCHES))
