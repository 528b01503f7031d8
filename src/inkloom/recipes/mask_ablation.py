"""A character Transformer on tiny-Shakespeare that is trained without the causal mask, to see why there is one.

`inkloom demo mask` trains it and its twin with the mask, which differ in nothing else; docs/causal-mask.md tells what
becomes of them.
"""

from inkloom.recipes import Recipe

RECIPE: Recipe = {
    "corpus": {"sources": ("tinyshakespeare",)},
    # Small, so that a minute of two cores shows all there is, and every head fits into one picture.
    "model": {"name": "unmasked", "layers": 2, "width": 128, "heads": 4},
    "training": {
        "budget": 60.0,
        # The training loss falls to nothing within a hundred steps; val is scored often enough to show what it does.
        "validations": 20,
    },
}
