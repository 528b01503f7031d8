"""PICTURES: what a trained model does with a text, and why.

Each view is a function of a model, its tokenizer and a text, which gives a frozen dataclass of arrays:

>>> from inkloom import load_run
>>> from inkloom.explain import explain, surprisal
>>> run = load_run("my-lstm")                                                 # doctest: +SKIP
>>> surprisal(run.model, run.tokenizer, "To be, or not to be").bits_T         # doctest: +SKIP
>>> explain(run, "To be, or not to be")["units"].values["forget"].shape       # doctest: +SKIP
(1, 19, 512)
"""

from inkloom.explain.attention import AttentionMaps, attention
from inkloom.explain.evidence import NGramEvidence, evidence
from inkloom.explain.lens import Lens, lens
from inkloom.explain.mixing import MixtureWeights, mixture_weights
from inkloom.explain.next_token import NextToken, next_token
from inkloom.explain.surprisal import Surprisal, surprisal
from inkloom.explain.units import Units, units
from inkloom.explain.views import VIEWS, explain, views_of

__all__ = [
    "VIEWS",
    "AttentionMaps",
    "Lens",
    "MixtureWeights",
    "NGramEvidence",
    "NextToken",
    "Surprisal",
    "Units",
    "attention",
    "evidence",
    "explain",
    "lens",
    "mixture_weights",
    "next_token",
    "surprisal",
    "units",
    "views_of",
]
