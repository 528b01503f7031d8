"""A character Transformer on tiny-Shakespeare at sequence length 128 for 50 epochs.

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
        "seq_len": 128,
        "epochs": 50,
        "validations": 50,  # the best of 50 epochs counts, not the last
    },
}
