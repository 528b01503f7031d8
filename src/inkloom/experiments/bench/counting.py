"""How fast n-grams are counted and estimated, and how fast they score and write."""

import itertools

from inkloom.corpus.base import Corpus
from inkloom.corpus.splits import split_corpus
from inkloom.data import encode_part
from inkloom.evaluation.likelihood import token_nats
from inkloom.experiments.bench.timing import Line, rates_in_turn
from inkloom.experiments.bench.writing import writing
from inkloom.models.kneser_ney import count_ngrams, estimate
from inkloom.models.ngram import NGram
from inkloom.tokenizers import Ids, Tokenizer
from inkloom.tokenizers.char import CharTokenizer

ORDERS = (3, 5, 7)


def bench_ngram(corpus: Corpus, rounds: int) -> list[Line]:
    """Characters a second of estimation from the text to a model, for some orders; of scoring and of writing."""
    part = split_corpus(corpus)["train"]
    tokenizer = CharTokenizer.fit((piece.text for piece in part.pieces()), CharTokenizer.Config())
    ids = encode_part(tokenizer, part).ids

    def estimation(order: int) -> float:
        counted(ids, tokenizer, order)
        return len(ids) - 1

    works = {f"estimation, order {order}": lambda order=order: estimation(order) for order in ORDERS}
    lines = list(rates_in_turn(works, "characters/s", rounds).values())
    model = counted(ids, tokenizer, ORDERS[-1])
    scoring = {f"scoring, order {ORDERS[-1]}": lambda: float(len(token_nats(model, ids)))}
    written = {f"writing, order {ORDERS[-1]}": writing(model, tokenizer, 1, "float32")}
    lines += rates_in_turn(scoring, "characters/s", rounds).values()
    return lines + list(rates_in_turn(written, "tokens/s", rounds).values())


def counted(ids: Ids, tokenizer: Tokenizer, order: int) -> NGram:
    """n-grams of one order, estimated from an encoded text."""
    counts = itertools.islice(count_ngrams(ids, tokenizer.vocab_size, tokenizer.end_id), order)
    return estimate(list(counts), tokenizer.vocab_size)
