"""A WGAN-GP that writes fortunes, at the settings of the side project that published it (PyTorch_TextGen, 2022).

Nearly all of them are the family's defaults: 64 sentences of 64 words, embeddings of 64, M 6, B 6, O 2 in the
generator, T 6, B 4, O 2 in the critic, 8 heads, 6 updates of the critic to one of the generator, Adam 1e-4 with betas 0
and 0.9, penalty 10.
"""

from inkloom.recipes import Recipe

RECIPE: Recipe = {
    "corpus": {"sources": ("fortunes",)},
    # The published vocabulary has every word of the text.
    "tokenizer": {"name": "word", "min_count": 1},
    "model": {"name": "gan"},
}
