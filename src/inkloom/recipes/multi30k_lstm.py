"""An LSTM with attention from German to English on Multi30k, in 20 minutes of two cores.

The same text as `multi30k_transformer`; `-o model.attention=none` leaves the decoder what its first state tells.
"""

from inkloom.recipes import Recipe
from inkloom.recipes.multi30k_transformer import RECIPE as TRANSFORMER

RECIPE: Recipe = {
    "corpus": TRANSFORMER["corpus"],
    "tokenizer": TRANSFORMER["tokenizer"],
    "model": {
        "name": "seq2seq",
        "network": "lstm",
        "width": 512,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "dropout": 0.3,
    },
    "training": {"budget": 1200.0, "optimizer": "adamw", "learning_rate": 3e-3},
}
