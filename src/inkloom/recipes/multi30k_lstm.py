"""An LSTM with attention from German to English on Multi30k, in 20 minutes of two cores.

The text of `multi30k_transformer`. `-o model.attention=none` leaves the decoder with one vector of the source, as in
Cho et al. 2014; `-o model.attention=additive` scores the source's words as Bahdanau et al. 2015 do.
"""

from inkloom.recipes import Recipe
from inkloom.recipes.multi30k_transformer import RECIPE as TRANSFORMER

RECIPE: Recipe = {
    "corpus": TRANSFORMER["corpus"],
    "tokenizer": TRANSFORMER["tokenizer"],
    "model": {
        "name": "seq2seq",
        "network": "lstm",
        "width": 512,  # one layer of 512 costs less than three blocks of 256
        "encoder_layers": 1,
        "decoder_layers": 1,
        "dropout": 0.3,
    },
    "training": {
        "budget": 1200.0,
        "batch_size": 64,  # an LSTM without Muon gains more from steps than from large batches
    },
}
