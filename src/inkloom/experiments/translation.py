"""The report of a translator: its scores, how it learned, translations beside their references, where it looked."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inkloom.experiments import wording
from inkloom.experiments.history import read_course
from inkloom.experiments.report import finished_evaluation, learning_figures, remarks_on, scores_of, write_page
from inkloom.pages.page import count, decimal, percent
from inkloom.runs.run import Run
from inkloom.runs.translation import TranslationRun

MOST_MAPS = 3
"""Sentences whose attention is shown."""

LONGEST_MAP = 30
"""Tokens of a side; a map of a longer sentence does not fit the page."""


@dataclass(frozen=True)
class Metric:
    """A line of the table of scores."""

    name: str
    searched: str
    """By beam search."""

    greedy: str


@dataclass(frozen=True)
class Map:
    """Where a decoder looked while it wrote a sentence: a row for each token written, a column for each read."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[tuple[float, str]]]]
    """What was written, and for each token of the source how much it was looked at: from 0 to 1, and in words."""


def write_report(run: Run) -> Path:
    """Write the run's report.html, whole or not at all, and return its path.

    Raises InputError for a run that has not been scored yet.
    """
    assert isinstance(run, TranslationRun)
    evaluation = finished_evaluation(run)
    scores, headline = scores_of(evaluation)
    course = read_course(run.directory.metrics_file)
    examples = evaluation.get("examples", [])
    return write_page(
        run,
        "translation.html.jinja",
        evaluation,
        scores=scores,
        headline=headline,
        metrics={name: _metrics(score) for name, score in scores.items() if "translation" in score},
        signatures={name: headline["translation"][key]["signature"] for key, name in METRICS.items()},
        gain=_gain(headline),
        repeats=wording.repeats(headline),
        figures=learning_figures(course, headline),
        remarks=remarks_on(scores, {}, course, counts=False),
        examples=examples,
        maps=_maps(run, examples),
        commands=_commands(run),
    )


METRICS = {
    "bleu": "BLEU",
    "bleu_lowercased": "BLEU, lower-cased",
    "chrf": "chrF",
    "chrf_lowercased": "chrF, lower-cased",
}


def _metrics(score: Mapping[str, Any]) -> list[Metric]:
    """The scores of a split's translations, by beam search and greedy."""
    searched, greedy = score["translation"], score["greedy"]
    table = [
        Metric(name, decimal(searched[key]["score"], 2), decimal(greedy[key]["score"], 2))
        for key, name in METRICS.items()
    ]
    exact = [
        Metric(name, percent(searched[key]), percent(greedy[key]))
        for key, name in (("exact", "Exact matches"), ("exact_lowercased", "Exact matches, lower-cased"))
    ]
    return table + exact


def _gain(score: Mapping[str, Any]) -> str:
    """What beam search is worth, in a sentence."""
    searched, greedy = score["translation"], score["greedy"]
    gain = searched["bleu_lowercased"]["score"] - greedy["bleu_lowercased"]["score"]
    change = f"gains {gain:.2f} BLEU over" if gain >= 0 else f"loses {-gain:.2f} BLEU against"
    return (
        f"On {score['split']}, a beam of {searched['beam']} with a length penalty of {searched['length_penalty']:g} "
        f"{change} the likeliest token at each step; {count(searched['sentences'])} sentences, one reference each."
    )


def _maps(run: TranslationRun, examples: Sequence[Mapping[str, str]]) -> list[Map]:
    """The attention of the first examples that fit; none for a decoder without attention."""
    maps: list[Map] = []
    for example in examples:
        found = attention_map(run, example["source"], example["translation"])
        if found is not None and len(maps) < MOST_MAPS and max(len(found.columns), len(found.rows)) <= LONGEST_MAP:
            maps.append(found)
    return maps


def attention_map(run: TranslationRun, source: str, target: str) -> Map | None:
    """How much each token of a target looked at each of its source, the mean of all layers and heads.

    None for a decoder without attention.
    """
    source_ids, target_ids = run.source_ids(source), run.tokenizer.encode(target).ids.tolist()
    inputs = [run.tokenizer.end_id, *target_ids]
    weights_LTS = run.model.attention_maps(source_ids, inputs)
    if not len(weights_LTS):
        return None
    weights_TS = weights_LTS.mean(dim=0).numpy()
    columns = [_text(run.source_tokenizer.text_of(token)) for token in source_ids[:-1]] + ["end"]
    written = [_text(run.tokenizer.text_of(token)) for token in target_ids] + ["end"]
    rows = [
        (text, [(round(float(np.sqrt(weight)), 2), percent(float(weight))) for weight in weights_S])
        for text, weights_S in zip(written, weights_TS, strict=True)
    ]
    return Map(columns, rows)


def _text(token: str) -> str:
    return token.replace(" ", "\u00a0") or "·"


def _commands(run: TranslationRun) -> list[tuple[str, str]]:
    """Command lines, and what each does."""
    path = shlex.quote(str(run.directory.path))
    return [
        (f"inkloom translate {path} < lines.txt", "translates line by line"),
        (f"inkloom evaluate {path}", "translates and scores the held-out pairs again"),
        (
            f"inkloom train --resume {path}",
            "goes on with a training that was interrupted; a finished one stays as it is",
        ),
    ]
