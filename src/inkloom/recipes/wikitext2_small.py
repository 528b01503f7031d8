"""Words of a small part of WikiText-2, in a quarter of an hour on two CPU cores: a regularised two-layer LSTM.

It is for a folder with train, val and test files of some 200,000 words each, given on the command line, and holds for
other small texts of words. With so little to read, regularisation decides: dropout on everything that is dropped in
Merity et al. 2017 (arXiv 1708.02182), and averaged weights.
"""

from inkloom.recipes import Recipe

RECIPE: Recipe = {
    # The text is cut into words already and rare ones are <unk> in it; the others are all to be predicted.
    "tokenizer": {"name": "word", "mode": "whitespace", "min_count": 1},
    "model": {
        "name": "lstm",
        "embedding_size": 400,
        "hidden_size": 400,
        "layers": 2,
        "tied": True,
        "locked_dropout": True,
        "dropout": 0.5,
        "embedding_dropout": 0.1,
    },
    "training": {
        "budget": 900.0,
        "batch_size": 32,
        "seq_len": 35,
        "learning_rate": 3e-3,
        "averaging": 0.2,
    },
}
