"""How fast a text is scored, by the way of each kind of model."""

from collections.abc import Callable

import torch

from inkloom.corpus.base import Corpus
from inkloom.corpus.splits import split_corpus
from inkloom.data import EncodedPart, encode_part
from inkloom.evaluation.likelihood import score
from inkloom.experiments.bench.counting import counted
from inkloom.experiments.bench.timing import Line, rates_in_turn
from inkloom.models.base import LanguageModel
from inkloom.models.lstm import LSTM
from inkloom.models.transformer import Transformer
from inkloom.tokenizers.char import CharTokenizer

CHARS = 50_000
"""Of train that are scored a round; a shorter text whole."""

ORDER = 5


def bench_evaluate(corpus: Corpus, rounds: int) -> list[Line]:
    """Characters a second of the default LSTM and Transformer with random weights, and of n-grams."""
    part = split_corpus(corpus)["train"].head(CHARS)
    tokenizer = CharTokenizer.fit((piece.text for piece in part.pieces()), CharTokenizer.Config())
    encoded = encode_part(tokenizer, part)
    torch.manual_seed(0)
    models: dict[str, LanguageModel] = {
        "lstm": LSTM(LSTM.Config(), tokenizer.vocab_size),
        "transformer": Transformer(Transformer.Config().resolve(128), tokenizer.vocab_size),
        f"ngram of order {ORDER}": counted(encoded.ids, tokenizer, ORDER),
    }
    works = {name: _scoring(model.eval(), encoded) for name, model in models.items()}
    return list(rates_in_turn(works, "characters/s", rounds).values())


def _scoring(model: LanguageModel, encoded: EncodedPart) -> Callable[[], float]:
    def work() -> float:
        return score(model, encoded).chars

    return work
