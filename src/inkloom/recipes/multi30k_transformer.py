"""A small Transformer from German to English on Multi30k, in 20 minutes of two cores.

Source: D. Elliott, S. Frank, K. Sima'an and L. Specia, "Multi30K: Multilingual English-German Image Descriptions", 2016
(arXiv:1605.00459): 29,000 short sentences. The user gives the folder, with train.de, train.en, val.de and so on.
"""

from inkloom.recipes import Recipe

RECIPE: Recipe = {
    "corpus": {"source_name": "de", "target_name": "en"},
    "tokenizer": {"name": "bpe", "vocab_size": 8000},
    "model": {"name": "seq2seq", "width": 256, "encoder_layers": 3, "decoder_layers": 3, "dropout": 0.25},
    "training": {"budget": 1200.0},
}
