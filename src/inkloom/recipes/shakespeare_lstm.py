"""A character LSTM on tiny-Shakespeare at sequence length 128 for 30 epochs.

Source: the classic classroom comparison of an LSTM and a Transformer on this text at sequence lengths 8 to 256. Its
published losses come from windows drawn at random before splitting, which leak: neighbouring windows share most of
their text. Here the last tenth of the text is held out before any window is cut.
"""

from inkloom.recipes import Recipe

RECIPE: Recipe = {
    "corpus": {"sources": ("tinyshakespeare",)},
    "split": {"shares": "90,10"},  # the comparison has no test split
    "model": {"name": "lstm"},
    "training": {
        "seq_len": 128,
        "epochs": 30,
        # So many epochs over 1 MB over-fit: the weights that count are the best on val, scored after every epoch, and
        # five epochs without a better score end the training.
        "validations": 30,
        "patience": 5,
    },
}
