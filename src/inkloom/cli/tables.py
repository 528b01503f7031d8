"""Tables that several verbs print."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from inkloom.evaluation.copying import CopyLevel
    from inkloom.evaluation.text_metrics import TextMetrics


SPLITS = ("train", "val", "test")


def print_summary(console: Console, verb: str, summary: Mapping[str, Any]) -> None:
    """What a training ended with. verb: what the run is there for."""
    _printers(verb, summary["val"]).summary(console, summary)


def print_evaluation(console: Console, verb: str, scores: Mapping[str, Any]) -> None:
    """The scores of one split. verb: what the run is there for."""
    _printers(verb, scores).split(console, scores)


def print_scores(console: Console, summary: Mapping[str, Any]) -> None:
    """A run's scores, split by split, and where its report lies."""
    table = Table("split", box=None, pad_edge=False, header_style="bold")
    for title in ("characters", "nats/token", "perplexity", "nats/char", "bits/char", "bits/byte"):
        table.add_column(title, justify="right")
    for name in SPLITS:
        if name in summary:
            table.add_row(*score_row(summary[name]))
    console.print(table)
    main = summary.get("test", summary["val"])
    console.print(
        f"\n[bold]{main['bits_per_char']:.3f} bits per character[/bold] on {main['split']}, after "
        f"{_steps(summary)}, {summary['tokens_seen']:,} tokens, {summary['seconds']:.0f} s."
    )
    print_charge(console, main)
    print_translation(console, main)
    leaks = summary.get("leaks", {}).get(main["split"], {})
    if without := leaks.get("without_leaks"):
        # Whole documents may be too short for the spans that a share is made of.
        share, documents = leaks["share"], leaks["duplicate_documents"]
        shared = f"{share:.1%} that stands" if share else f"{documents:,} documents that stand"
        console.print(f"{without['bits_per_char']:.3f} without the {shared} in train too.")
    _print_places(console, summary)


def print_translation(console: Console, scores: Mapping[str, Any]) -> None:
    """What the translations of a split are worth, where the run is one that translates."""
    if "translation" not in scores:
        return
    from inkloom.experiments.wording import repeats

    searched, greedy = scores["translation"], scores["greedy"]
    table = Table(f"translations of {scores['split']}", box=None, pad_edge=False, header_style="bold")
    for title in ("BLEU", "lower-cased", "chrF", "lower-cased", "exact"):
        table.add_column(title, justify="right")
    for name, found in ((f"beam {searched['beam']}", searched), ("greedy", greedy)):
        metrics = (found[key]["score"] for key in ("bleu", "bleu_lowercased", "chrf", "chrf_lowercased"))
        table.add_row(name, *(f"{score:.2f}" for score in metrics), f"{found['exact']:.1%}")
    console.print()
    console.print(table)
    if remark := repeats(scores):
        console.print(remark)
    console.print(f"BLEU is {searched['bleu']['signature']}", style="dim", soft_wrap=True)


def print_captioning(console: Console, summary: Mapping[str, Any]) -> None:
    """A captioner's scores, split by split, and where its report lies."""
    print_caption_scores(console, {name: summary[name] for name in SPLITS if name in summary})
    main = summary.get("test", summary["val"])
    console.print(
        f"\n[bold]{main['exact']:.1%} exact captions[/bold] on {main['split']}, after {_steps(summary)}, "
        f"{summary['seconds']:.0f} s."
    )
    _print_places(console, summary)


def print_caption_scores(console: Console, scores: Mapping[str, Mapping[str, Any]]) -> None:
    """Scores of captions by the name of the split."""
    table = Table("split", box=None, pad_edge=False, header_style="bold")
    for title in ("images", "captions", "exact", "BLEU", "nats/token", "bits/char"):
        table.add_column(title, justify="right")
    for name, one in scores.items():
        table.add_row(
            name + (" (part)" if one.get("partial") else ""),
            f"{one['images']:,}",
            f"{one['captions']:,}",
            f"{one['exact']:.1%}",
            f"{one['bleu']:.3f}",
            f"{one['nats_per_token']:.4f}",
            f"{one['bits_per_char']:.4f}",
        )
    console.print(table)


def print_classification(console: Console, summary: Mapping[str, Any]) -> None:
    """A classifier's scores, split by split and beside the baselines, and where its report lies."""
    main = summary.get("test", summary["val"])
    leaks = summary["leaks"][main["split"]]
    baselines = {name.replace("_", " "): scores for name, scores in summary["baselines"].items()}
    print_class_scores(console, {**{name: summary[name] for name in SPLITS if name in summary}, **baselines})
    console.print(
        f"\n[bold]{main['accuracy']:.1%} right[/bold] on {main['split']}, macro F1 {main['macro_f1']:.3f}, after "
        f"{_steps(summary)}, {summary['texts_seen']:,} texts, {summary['seconds']:.0f} s."
    )
    if (new := leaks["without_leaks"]) and leaks["texts_in_train"]:
        of_baseline = leaks["baselines"]["naive_bayes"]["accuracy"]
        console.print(
            f"{new['accuracy']:.1%} without the {leaks['share']:.1%} that stands in train too (naive Bayes "
            f"{of_baseline:.1%})."
        )
    _print_places(console, summary)


def print_estimates(console: Console, summary: Mapping[str, Any]) -> None:
    """A GAN's estimates, split by split, and where its report lies."""
    print_sentence_estimates(console, [summary[name] for name in SPLITS if name in summary])
    console.print(
        f"\nAfter {_steps(summary)}, {summary['tokens_seen']:,} tokens, {summary['seconds']:.0f} s. "
        "A GAN has no likelihood: these are estimates, to be read beside real text."
    )
    if summary["stopped"]:
        console.print(f"The watch ended the training: {summary['stopped']}", markup=False)
    _print_places(console, summary)


def print_sentence_estimates(console: Console, estimates: Sequence[Mapping[str, Any]]) -> None:
    """What a GAN wrote beside real sentences, against each split."""
    table = Table("", box=None, pad_edge=False, header_style="bold")
    titles = ("nats, theirs", "nats, real", "BLEU-4", "self-BLEU-4", "distinct 2s", "bound")
    for title in titles:
        table.add_column(title, justify="right")
    for of_split in estimates:
        for name, key in ((of_split["split"], "estimates"), ("  real text", "real")):
            measures = of_split[key]
            shares = (measures["bleu"]["4"], measures["self_bleu"]["4"])
            bound = measures.get("bound_nats")
            table.add_row(
                name,
                *(f"{measures[nats]:.3f}" for nats in ("sample_nats", "real_nats")),
                *(f"{share:.3f}" for share in shares),
                f"{measures['distinct']['2'] or 0:.1%}",
                "" if bound is None else f"{bound:.3f}",
            )
    console.print(table)


def print_class_scores(console: Console, scores: Mapping[str, Mapping[str, Any]]) -> None:
    """Scores of classifications by name."""
    table = Table("", box=None, pad_edge=False, header_style="bold")
    for title in ("texts", "accuracy", "macro F1", "nats/text", "calibration error"):
        table.add_column(title, justify="right")
    for name, one in scores.items():
        table.add_row(
            name + (" (part)" if one.get("partial") else ""),
            f"{one['texts']:,}",
            f"{one['accuracy']:.2%}",
            f"{one['macro_f1']:.4f}",
            f"{one['nats_per_text']:.4f}",
            f"{one['calibration_error']:.2%}",
        )
    console.print(table)


def _steps(summary: Mapping[str, Any]) -> str:
    return "1 step" if summary["steps"] == 1 else f"{summary['steps']:,} steps"


def _print_places(console: Console, summary: Mapping[str, Any]) -> None:
    console.print(f"Run:    {summary['run']}", soft_wrap=True, markup=False)
    console.print(f"Report: {summary['run']}/report.html", soft_wrap=True, markup=False)


def _print_likelihood(console: Console, scores: Mapping[str, Any]) -> None:
    """What one split costs, and what its translations are worth where there are some."""
    names = ("split", "characters", "nats/token", "perplexity", "nats/char", "bits/char", "bits/byte")
    table = Table(*names, box=None, pad_edge=False, header_style="bold")
    table.add_row(*score_row(scores))
    console.print(table)
    print_charge(console, scores)
    print_translation(console, scores)


class _Printers(NamedTuple):
    """How the scores of a task are printed."""

    summary: Callable[[Console, Mapping[str, Any]], None]
    """Of all splits, at the end of a training."""

    split: Callable[[Console, Mapping[str, Any]], None]


def _printers(verb: str, scores: Mapping[str, Any]) -> _Printers:
    """How a run's scores are printed, of which those of one split are given."""
    if "estimates" in scores:
        return _Printers(print_estimates, lambda console, scores: print_sentence_estimates(console, [scores]))
    if verb == "classify":
        return _Printers(
            print_classification, lambda console, scores: print_class_scores(console, {scores["split"]: scores})
        )
    if verb == "caption":
        return _Printers(
            print_captioning, lambda console, scores: print_caption_scores(console, {scores["split"]: scores})
        )
    return _Printers(print_scores, _print_likelihood)


def print_charge(console: Console, scores: Mapping[str, Any]) -> None:
    """How much of a score is for what the ids do not tell, where that shows."""
    from inkloom.experiments.wording import charge

    if said := charge(scores):
        console.print(said, markup=False)


def score_row(scores: Mapping[str, Any]) -> list[str]:
    """One split's scores as cells."""
    perplexity = scores["perplexity"]
    return [
        scores["split"] + (" (part)" if scores.get("partial") else ""),
        f"{scores['chars']:,}",
        f"{scores['nats_per_token']:.4f}",
        "∞" if perplexity is None or math.isinf(perplexity) else f"{perplexity:,.2f}",
        f"{scores['nats_per_char']:.4f}",
        f"{scores['bits_per_char']:.4f}",
        f"{scores['bits_per_byte']:.4f}",
    ]


def text_row(metrics: "TextMetrics", bleu: float | None, copies: "CopyLevel") -> list[str]:
    """What is measured of written text, as cells."""
    return [
        *("" if value is None else f"{value:.3f}" for value in (bleu, metrics.self_bleu)),
        *(
            "" if share is None else f"{share:.1%}"
            for share in (metrics.loop_rate, metrics.repetition[4], metrics.distinct[2], metrics.known_words)
        ),
        f"{copies.longest:.0f}",
    ]


def print_settings(console: Console, sections: Mapping[str, tuple[str, Sequence[tuple[str, str, str]]]]) -> None:
    """Every setting by its dotted name, with its default and its documentation."""
    for section, (owner, lines) in sections.items():
        if not lines:
            continue
        table = Table("setting", "default", "", box=None, pad_edge=False, header_style="bold")
        for name, default, text in lines:
            table.add_row(f"{section}.{name}", default, text)
        console.print(f"[bold]{section}[/bold]" + (f" of {owner}" if owner else ""))
        console.print(table)
        console.print()
