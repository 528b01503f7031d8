"""A small Transformer from German to English on Multi30k, in 20 minutes of two cores.

Source: D. Elliott, S. Frank, K. Sima'an and L. Specia, "Multi30K: Multilingual English-German Image Descriptions", 2016
(arXiv:1605.00459): 29,000 sentences of a dozen words. The user gives the folder, with train.de, train.en, val.de and so
on; `--source en --target de` goes the other way, `--lowercase` writes small letters alone.
"""

from inkloom.recipes import Recipe

RECIPE: Recipe = {
    "corpus": {"source_name": "de", "target_name": "en"},
    # Both languages share names and many words, and one matrix then serves source, target and output.
    "tokenizer": {"name": "bpe", "vocab_size": 8000},
    "model": {
        "name": "seq2seq",
        "heads": 4,  # of 64 numbers: smaller ones take longer on a CPU
        "dropout": 0.25,  # a dozen epochs over so few sentences over-fit
    },
    "training": {"budget": 1200.0},
}
