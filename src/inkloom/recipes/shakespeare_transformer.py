"""A character Transformer on tiny-Shakespeare at sequence length 128, the default, for up to 50 epochs.

Source: the classic classroom comparison of an LSTM and a Transformer on this text at sequence lengths 8 to 256, whose
split leaks (see `shakespeare_lstm`). The layout is the default one; `-o model.preset=vaswani` is nearest to the
original.
"""

from inkloom.recipes import Recipe

RECIPE: Recipe = {
    "corpus": {"sources": ("tinyshakespeare",)},
    "split": {"shares": "90,10"},  # the comparison has no test split
    "model": {"name": "transformer"},
    "training": {
        "epochs": 50,
        # So many epochs over 1 MB over-fit: the weights that count are the best on val, scored after every epoch, and
        # five epochs without a better score end the training.
        "validations": 50,
        "patience": 5,
    },
}
