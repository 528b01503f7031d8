"""Words of a small part of WikiText-2, in a quarter of an hour on two CPU cores: a two-layer LSTM mixed with n-grams.

It is for a folder with train, val and test files of some 200,000 words each, given on the command line, and holds for
other small texts of words. With so little to read, regularisation decides: dropout on everything that is dropped in
Merity et al. 2017 (arXiv 1708.02182), averaged weights, and Kneser-Ney's n-grams, which err elsewhere: alone the LSTM
comes to a perplexity of about 190 and the n-grams to 233, and no longer training takes the LSTM further.
"""

from typing import Any

from inkloom.recipes import Recipe

LSTM: dict[str, Any] = {
    "name": "lstm",
    "embedding_size": 400,
    "hidden_size": 400,
    "layers": 2,
    "tied": True,
    "locked_dropout": True,
    "dropout": 0.5,
    "embedding_dropout": 0.1,
    "weight_drop": 0.2,
}

TRAINING: dict[str, Any] = {
    "batch_size": 32,
    "seq_len": 35,
    "learning_rate": 3e-3,
    "weight_decay": 0.05,
    "averaging": 0.2,
}

RECIPE: Recipe = {
    # The text is cut into words already and rare ones are <unk> in it; the others are all to be predicted.
    "tokenizer": {"name": "word", "mode": "whitespace", "min_count": 1},
    "model": {"name": "mixture", "parts": ({**LSTM, "training": TRAINING}, {"name": "ngram", "order": 5})},
    "training": {"budget": 900.0},
}
