"""The smallest character model that deserves the name: embedding, LSTM and linear layer, with Adam at a constant 1e-3.

Source: the usual PyTorch Lightning example of a character LSTM, with its Adam (learning rate 1e-3, weight decay 1e-6).
"""

from inkloom.recipes import Recipe

RECIPE: Recipe = {
    "corpus": {"sources": ("tinyshakespeare",)},
    "model": {"name": "lstm", "embedding_size": 128, "hidden_size": 256, "dropout": 0.0},
    "training": {
        "seq_len": 128,
        "epochs": 10,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "weight_decay": 1e-6,
        "beta2": 0.999,  # Adam's published default, which the example keeps
        "schedule": "constant",
        "warm_up": 0.0,
        "clip": None,
    },
}
