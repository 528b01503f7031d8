"""NUMBERS: likelihood by the evaluation protocol, and measures of generated text."""

from inkloom.evaluation.likelihood import Scores, score, score_tokens

__all__ = ["Scores", "score", "score_tokens"]
