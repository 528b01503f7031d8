"""Models trained on one text under one condition: which is better, and how sure is that?

Models that continue texts are scored on the held-out text and ranked in a league; where one of them is a GAN, which
has no likelihood, all write sentences and these are judged.

The folder of a comparison:

    compare.json      what was asked, and what was found
    runs/             the run of every cell, each an ordinary run
    cells/            NAME.json for each run: the settings it was asked for, and the peak memory of its training
    report.html       the page

and that of a league besides:

    token_nats/       NAME.npy for each run: what it pays for every token of the scored split, float32, in nats
    report.md         the same as the page, with figures/, for papers
"""

import logging
import time
from pathlib import Path

from rich.console import Console

from inkloom.corpus.base import Corpus
from inkloom.experiments.comparison.cells import cells_of, measure_machines, plan_entries
from inkloom.experiments.comparison.judged import WriterComparison
from inkloom.experiments.comparison.judging import Judging
from inkloom.experiments.comparison.kind import Kind
from inkloom.experiments.comparison.request import Request, checked
from inkloom.experiments.comparison.results import Comparison
from inkloom.experiments.comparison.scoring import Scoring
from inkloom.experiments.comparison.training import EachMessageOnce, check_folder, train_all
from inkloom.training.callbacks.display import duration

log = logging.getLogger("inkloom")


def compare(corpus: Corpus, request: Request, folder: Path, console: Console) -> Comparison | WriterComparison:
    """Train what is asked for and not there yet, measure it, and write the comparison into `folder`.

    Raises InputError before any work for what cannot be compared, and InterruptedByUserError after Ctrl-C, when all is
    saved: the same call goes on from there.
    """
    started = time.perf_counter()
    with EachMessageOnce():
        check_folder(folder)
        request = checked(request)
        entries = plan_entries(corpus, request, folder / "runs")
        cells = cells_of(entries)
        machines = measure_machines(cells)
        chosen: type[Kind[Comparison | WriterComparison]] = Judging if request.writes_sentences else Scoring
        kind = chosen(corpus, request, entries, folder, console)
        kind.write({"rows": []})
        training = train_all(cells, machines, kind.train, console)
        found = kind.conclude()
    outside = time.perf_counter() - started - training
    log.info(f"{duration(training)} of training; {duration(outside)} for plans, scores, samples and reports.")
    return found
