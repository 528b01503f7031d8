"""The word-level LSTM on WikiText-2 for 50 epochs: embedding, LSTM, dropout, linear layer.

Source: the classic exercise, whose weights start from Xavier and orthogonal matrices and zero biases (here the default,
but for the forget gate's bias of 1), and which is trained with Adam. `REGULARISED` is the same text and length with
what `wikitext2_small` does against over-fitting. Neither result is measured yet.
"""

from inkloom.recipes import Recipe
from inkloom.recipes.wikitext2_small import LSTM, TRAINING
from inkloom.recipes.wikitext2_small import RECIPE as SMALL

CORPUS = {"sources": ("wikitext-2",)}
TOKENIZER = SMALL["tokenizer"]

RECIPE: Recipe = {
    "corpus": CORPUS,
    "tokenizer": TOKENIZER,
    "model": {"name": "lstm", "embedding_size": 300, "dropout": 0.5, "forget_bias": 0.0},
    "training": {
        "batch_size": 32,
        "seq_len": 35,
        "epochs": 50,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "beta2": 0.999,  # Adam's published default
        "schedule": "constant",
        "warm_up": 0.0,
        # 50 epochs over-fit: the weights that count are the best on val, scored after every epoch.
        "validations": 50,
        "patience": 5,
    },
}

REGULARISED: Recipe = {
    "corpus": CORPUS,
    "tokenizer": TOKENIZER,
    "model": {**LSTM, "dropout": 0.4},  # ten times the text of wikitext2_small over-fits less
    "training": {**TRAINING, "epochs": 50},
}
