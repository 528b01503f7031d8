"""What the numbers of a run mean, in sentences."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from inkloom.experiments.history import Course
from inkloom.pages.page import count, decimal, percent

ScoreKeys = Mapping[str, Any]
"""A split's part of evaluation.json: the keys of `inkloom evaluate --json`."""

LEAST_CHARGE = 0.0005
"""Bits per character: less does not show in three digits."""


def uniform_bits_per_char(score: ScoreKeys, vocab_size: int) -> float:
    """What a uniform guess over the vocabulary would need; text that the tokenizer loses costs it the same charge."""
    per_token = math.log2(vocab_size)
    return float(per_token * score["tokens"] / score["chars"] + score["bits_per_char"] * score["charge_share"])


def stored_bits_per_char(score: ScoreKeys) -> float:
    """What the text takes on disk, as UTF-8."""
    return 8 * float(score["bytes"]) / float(score["chars"])


def reads_characters(score: ScoreKeys) -> bool:
    """Whether a token is a character, so that bits per token are bits per character."""
    return bool(score["tokens"] == score["chars"])


def meaning(score: ScoreKeys, vocab_size: int) -> str:
    """The headline's number in one sentence, for somebody who meets the unit for the first time."""
    bits, uniform = decimal(score["bits_per_char"], 2), decimal(uniform_bits_per_char(score, vocab_size), 2)
    symbols = "symbols" if reads_characters(score) else "tokens"
    return (
        f"To name each next character of text it never trained on, the model needs {bits} yes-or-no answers "
        f"on average; an even guess among the {count(vocab_size)} {symbols} it knows would need {uniform}."
    )


def charge(score: ScoreKeys) -> str | None:
    """How much of the score is for what the ids do not tell, and the score per token, which leaves it out."""
    bits = score["charge_share"] * score["bits_per_char"]
    if bits < LEAST_CHARGE:
        return None
    unknown = f"; {count(score['unknown_tokens'])} tokens are unknown" if score["unknown_tokens"] else ""
    return (
        f"Of the {decimal(score['bits_per_char'], 3)} bits per character on {score['split']}, {decimal(bits, 3)} are "
        f"the charge for what the ids do not tell{unknown}. Closed-vocabulary perplexity, which leaves it out: "
        f"{decimal(score['perplexity'], 1)}."
    )


def gap(train: ScoreKeys, val: ScoreKeys, *, counts: bool = False) -> str:
    """What the distance between train and val says about over-fitting.

    counts: whether the model holds counts of its training text, which it knows by heart then whatever its size.
    """
    train_nats, val_nats = train["nats_per_token"], val["nats_per_token"]
    figures = f"{decimal(train_nats)} nats per token on train and {decimal(val_nats)} on val"
    if val_nats <= train_nats:
        return f"No sign of over-fitting: {figures}."
    if counts:
        return f"{figures}: counts know the text they were taken from, so only val tells."
    excess = val_nats / train_nats - 1 if train_nats > 0 else math.inf
    distance = f"{percent(excess)} more" if excess < 10 else "more than tenfold"
    if excess < 0.03:
        return f"Hardly any over-fitting: {figures}, {distance}. A larger model may still gain."
    if excess < 0.15:
        return f"Some over-fitting, as is usual: {figures}, {distance}."
    return (
        f"Strong over-fitting: {figures}, {distance}. The model knows much of its training text by heart; "
        "more text or a smaller model would narrow the gap."
    )


def leak(leaks: Mapping[str, Any]) -> str | None:
    """What a held-out split owes to text that stands in train, from its part of `leaks` in evaluation.json."""
    if "without_leaks" not in leaks:
        return None
    split, whole = leaks["split"], count(leaks["duplicate_documents"])
    if leaks["share"] or not leaks["duplicate_documents"]:
        found = f"{percent(leaks['share'])} of {split} stands in train too, where a model may know it by heart."
        if leaks["duplicate_documents"]:
            found += f" {whole} of its documents are whole documents of train."
    else:  # too short for the spans that a share is made of
        found = f"{whole} documents of {split} are whole documents of train, which a model may know by heart."
    if leaks["without_leaks"] is None:
        return found
    return (
        f"{found} Without that text the score is {decimal(leaks['without_leaks']['bits_per_char'])} bits per character."
    )


def repeats(scores: Mapping[str, Any]) -> str | None:
    """What train has word for word of a split of pairs, and the score without it; None where it has nothing."""
    found = scores.get("repeats", {})
    if not (found.get("sources") or found.get("targets")):
        return None
    remark = (
        f"Of {count(scores['translation']['sentences'])} pairs of {scores['split']}, train has the source of "
        f"{count(found['sources'])} word for word, the target of {count(found['targets'])} and both of "
        f"{count(found['pairs'])}"
    )
    if found["new"] is None:
        return f"{remark}."
    return (
        f"{remark}; without these pairs BLEU, lower-cased, is {decimal(found['new']['bleu_lowercased']['score'], 2)}."
    )


def outcome(course: Course) -> str | None:
    """How the training ended and what that says about its length; None where val was never scored."""
    best = course.best
    if best is None:
        return None
    best_step, lowest = count(course.step[best]), course.val_loss[best]
    if course.diverged:
        return (
            "The loss ceased to be a number: the training diverged. A lower learning rate usually helps. "
            f"The saved weights are those of step {best_step}."
        )
    scored = np.flatnonzero(np.isfinite(course.val_loss))
    if best == scored[-1]:
        return f"Val was lowest when it was last scored, at step {best_step}: a longer training may still gain."
    rise, last_step = decimal(course.val_loss[scored[-1]] - lowest), count(course.step[scored[-1]])
    return (
        f"Val was lowest at step {best_step} and had risen by {rise} nats per token at step {last_step}; "
        "the saved weights are those of the lowest."
    )
