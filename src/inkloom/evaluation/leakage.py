"""What a score owes to leaks: held-out text that stands in train, and a tokenizer that has seen held-out text."""

import itertools
import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inkloom.corpus.base import Part
from inkloom.corpus.leaks import LeakReport, find_all_leaks
from inkloom.corpus.splits import WINDOW_CHARS, WINDOW_STRIDE, is_random_windows
from inkloom.data.progress import progress
from inkloom.tokenizers import Lengths, Tokenizer

if TYPE_CHECKING:
    from rich.console import Console

log = logging.getLogger("inkloom")

Nats: TypeAlias = NDArray[np.float64]

WARNED_SHARE = 0.01
"""Of a held-out part. Real text quotes itself: 0.02 % of articles, 0.7 % of sayings stand in both."""


def check_splits(parts: Mapping[str, Part], split: str, console: "Console | None" = None) -> dict[str, LeakReport]:
    """What each held-out part shares with train, said before training in one line that names the longest span.

    split: how the parts were cut; one that leaks on purpose is explained. console: where to show how far the check is.
    """
    if is_random_windows(split):
        log.warning(
            f"This split leaks on purpose, to show how some published losses come about: windows of {WINDOW_CHARS} "
            f"characters, one every {WINDOW_STRIDE}, go into train or val at random, so that nine tenths of val stand "
            "in train. Its score measures memory and is no honest one; leave --split out for one that is."
        )
    held_out = [part for name, part in parts.items() if name != "train"]
    with progress(console, "Looking for held-out text in train", parts["train"].chars, "characters") as advance:
        reports = find_all_leaks(parts["train"], held_out, advance=advance)
    for report in reports:
        log.log(logging.WARNING if report.share >= WARNED_SHARE else logging.INFO, f"Leak check: {report.summary()}")
    return {report.held_out: report for report in reports}


def check_tokenizer(tokenizer: Tokenizer, parts: Mapping[str, Part]) -> None:
    """Say so where a tokenizer with a closed vocabulary knows what train lacks and a held-out part has.

    One that is fitted on train cannot; one that another run brings may have been fitted on this run's held-out text.
    """
    if tokenizer.unknown_id is None:
        return
    of_train = _known(tokenizer, parts["train"])
    for name, part in parts.items():
        if known := sorted(_known(tokenizer, part) - of_train):
            log.warning(
                f"The tokenizer knows {', '.join(map(repr, known[:8]))}{' …' if len(known) > 8 else ''}, which {name} "
                f"has and train lacks: it was fitted on more than train, and the score of {name} is not quite honest."
            )


@dataclass(frozen=True)
class CleanScore:
    """The score of what is left of a held-out part without the text that leaks."""

    tokens: int
    chars: int
    nats: float
    """The charge for text that the tokenizer loses included."""

    def as_json(self) -> dict[str, Any]:
        """The units that compare with the score of the whole part."""
        nats_per_char = self.nats / self.chars
        return {
            "tokens": self.tokens,
            "chars": self.chars,
            "nats_per_char": nats_per_char,
            "bits_per_char": nats_per_char / math.log(2),
        }


def asks_for_clean_score(report: LeakReport) -> bool:
    """Whether there is a score without what leaks: where something does, and all of it is known."""
    return bool(report.leaks or report.duplicates) and not report.partial


def leaks_with_score(report: LeakReport, part: Part, tokenizer: Tokenizer, nats_T: Nats | None) -> dict[str, Any]:
    """A leak report as JSON; where something leaks, `without_leaks` is the score of the rest, None where it has none.

    nats_T: what the tokens of `part` cost, as `token_nats` gives it for `encode_part`'s ids; for a report that
    `asks_for_clean_score`.
    """
    found = report.as_json()
    if asks_for_clean_score(report) and nats_T is not None:
        score = score_without_leaks(report, part, tokenizer, nats_T)
        found["without_leaks"] = None if score is None else score.as_json()
    return found


def score_without_leaks(report: LeakReport, part: Part, tokenizer: Tokenizer, nats_T: Nats) -> CleanScore | None:
    """The score without the tokens that touch a leak, and without whole documents that train has too.

    None where nothing is left, and where the tokenizer cannot tell its tokens' places in the text; that is announced.
    """
    tokens = chars = 0
    nats = 0.0
    rest_T = nats_T
    leaked = _leaked_stretches(report, part)
    for number, text in enumerate(part.texts):
        encoding = tokenizer.encode(text)
        lengths = tokenizer.lengths(text)
        if lengths is None:
            log.info(
                f"{tokenizer.name} tokens have no place in the text, so {part.name} has no score without its leaks."
            )
            return None
        kept = ~_touching(lengths, leaked.get(number, ()))
        of_text_T, rest_T = np.split(rest_T, [len(encoding.ids)])
        dropped = "".join(itertools.compress(text, np.repeat(~kept, lengths)))
        nats += of_text_T[kept].sum() + encoding.charge_nats - tokenizer.encode(dropped).charge_nats
        tokens += int(np.count_nonzero(kept))
        chars += int(lengths[kept].sum())
        if part.documents:
            if kept.any() or number not in leaked:
                tokens, chars, nats = tokens + 1, chars + part.end_chars, nats + rest_T[0]
            rest_T = rest_T[1:]
    return CleanScore(tokens, chars, float(nats)) if chars else None


def _leaked_stretches(report: LeakReport, part: Part) -> dict[int, list[tuple[int, int]]]:
    """By the number of a text: what of it stands in train, first character and first behind."""
    stretches: dict[int, list[tuple[int, int]]] = {}
    for number, start, stop in report.intervals.tolist():
        stretches.setdefault(number, []).append((start, stop))
    for number in report.duplicates:
        stretches[number] = [(0, len(part.texts[number]))]
    return stretches


def _touching(lengths: Lengths, stretches: Iterable[tuple[int, int]]) -> NDArray[np.bool_]:
    """Which tokens have a character in a stretch; one without characters goes with the token behind it."""
    stops = np.cumsum(lengths)
    starts = stops - lengths
    leaked = np.zeros(lengths.sum() + 1, dtype=np.int64)
    for start, stop in stretches:
        leaked[start:stop] = 1
    before = np.concatenate([[0], np.cumsum(leaked)])
    touching: NDArray[np.bool_] = before[np.maximum(stops, starts + 1)] > before[starts]
    return touching


def _known(tokenizer: Tokenizer, part: Part) -> set[str]:
    """What a part has of what the vocabulary knows."""
    known: set[str] = set()
    for piece in part.pieces():
        known |= tokenizer.known(piece.text)
    return known
