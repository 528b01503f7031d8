"""A captioner of drawn scenes that names combinations it has never seen.

Train never shows a small red star, so whatever the words before tell of the next one says "not a star": a decoder that
trusts them is right on train and wrong on test. What helps is to make it look.
"""

from inkloom.recipes import Recipe

RECIPE: Recipe = {
    "corpus": {"sources": ("scenes",)},
    "model": {
        "name": "captioner",
        # Shapes of one colour on a plain ground need few channels, and half as many take half the time.
        "channels": (16, 32, 64),
        # Half of the words hidden: the decoder cannot learn by heart what follows "small red".
        "word_dropout": 0.5,
    },
    "tokenizer": {"name": "word", "min_count": 1},  # every word of this corpus is one to write
    "training": {
        "budget": 290.0,
        "learning_rate": 3e-3,
        "precision": "float32",  # so few channels are no faster in bfloat16
    },
}
