"""A character Transformer on tiny-Shakespeare that is trained without the causal mask, to see why there is one.

`inkloom demo mask` trains it and its twin with the mask, which differ in nothing else; docs/causal-mask.md tells what
becomes of them.
"""

from inkloom.recipes import Recipe

RECIPE: Recipe = {
    "corpus": {"sources": ("tinyshakespeare",)},
    "model": {"name": "unmasked"},
    "training": {
        # The training loss falls to nothing in the first few hundred steps: two minutes on two cores show all there is.
        "budget": 60.0,
        # The score of val goes up, not down, while it does: enough points to see that it is no single bad moment.
        "validations": 20,
    },
}
