"""Does a text GAN beat plain likelihood? Quality against diversity over temperature, for several writers.

M. Caccia et al., "Language GANs Falling Short", ICLR 2020 (arXiv:1811.02549): either of the two can be had for nothing,
by a low or a high temperature, so that what counts is the front: for each diversity the best quality. Two planes are
drawn, and in both 1 is real text or the most that is possible:

    likelihood   quality exp(r - s): s the nats a token of the samples costs under n-grams of real held-out sentences,
                 r those of other real sentences; diversity exp(r' - s'), where the held-out sentences are scored by
                 n-grams of the samples, and of as many other real sentences; at most 1, since one common phrase over
                 and over is likelier than real text, and no better for it
    BLEU         quality BLEU-4 against the held-out sentences, diversity 1 - self-BLEU-4

The area under a front is that of all points which some point of it beats in both. Unigrams, bigrams and real text are
there as yardsticks.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Protocol

from inkloom.data.progress import Advance, progress
from inkloom.data.sentences import own_words
from inkloom.evaluation.copying import CopyIndex
from inkloom.evaluation.fluency import fit_ngrams
from inkloom.evaluation.sentences import RealSentences, SentenceMeasures
from inkloom.generation import GenerationConfig
from inkloom.generation.samples import sample_requests, write_all
from inkloom.models.base import LanguageModel
from inkloom.runs.gan import ROWS_AT_ONCE, GANRun
from inkloom.runs.run import Run
from inkloom.tokenizers import Tokenizer

if TYPE_CHECKING:
    from rich.console import Console

TEMPERATURES = (0.0, 0.5, 0.7, 0.85, 1.0, 1.2)

COUNT = 300
"""Sentences that each writer writes at each temperature; self-BLEU of more takes longer and ranks the same."""

SHOWN = 6
"""Sentences of each writer that are shown."""

YARDSTICKS = {"unigrams": 1, "bigrams": 2}
"""Orders of the n-grams of train that write, too."""

STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)
"""95 % quantiles of Student's t, two-sided, by degrees of freedom from 1 on."""

PLANES = {"likelihood": "n-grams", "bleu": "BLEU"}
"""What each measures by, for the reader."""


class Writer(Protocol):
    """Writes sentences as ids of the vocabulary that all are measured in."""

    def __call__(self, count: int, temperature: float, seed: int) -> list[list[int]]:
        """So many, the same for the same seed."""
        ...


@dataclass(frozen=True)
class Place:
    """A set of sentences in one plane."""

    diversity: float
    quality: float


@dataclass(frozen=True)
class Point:
    """What a writer wrote at one temperature; None for real text."""

    temperature: float | None
    measures: SentenceMeasures
    places: Mapping[str, Place]
    """By plane."""


@dataclass(frozen=True)
class Shown:
    """A sentence, and the stretches (first character, first behind) of it that stand word for word in train."""

    text: str
    copied: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Interval:
    """A mean and where it may lie; the mean alone where there is one value."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Interval":
        """Student's 95 % interval of the mean of values with one normal distribution."""
        mean, count = fmean(values), len(values)
        if count < 2:
            return cls(mean, mean, mean)
        half = STUDENT[min(count - 1, len(STUDENT)) - 1] * stdev(values) / math.sqrt(count)
        return cls(mean, mean - half, mean + half)

    def overlaps(self, other: "Interval") -> bool:
        """Whether some value may be both means."""
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True)
class Judged:
    """One writer: its runs' points, and the areas under their fronts."""

    name: str
    runs: tuple[tuple[Point, ...], ...]
    """The points of each run, by temperature."""

    areas: Mapping[str, Interval]
    """By plane, over the runs."""

    samples: tuple[Shown, ...]

    def quality_at(self, plane: str, diversity: float) -> float | None:
        """The best quality at so much diversity or more, the mean over runs; None where a run has no such point."""
        found = [best_quality([point.places[plane] for point in run], diversity) for run in self.runs]
        return None if None in found else fmean(quality for quality in found if quality is not None)


@dataclass(frozen=True)
class Verdict:
    """All writers, and real text in the same measures."""

    writers: tuple[Judged, ...]
    real: Point
    sentences: int
    """That were written for each point."""

    def named(self, name: str) -> Judged:
        """The writer of a name."""
        return next(writer for writer in self.writers if writer.name == name)

    @property
    def all_in_one(self) -> tuple[Judged, ...]:
        """The writers, and behind them real text as one more, which wrote one set of sentences."""
        areas = {plane: Interval.of([area([place])]) for plane, place in self.real.places.items()}
        return (*self.writers, Judged("real text", ((self.real,),), areas, ()))

    def quality_at_bigrams(self, writer: Judged, plane: str) -> float | None:
        """A writer's best quality where it is as diverse as bigrams are at temperature 1; None where it never is."""
        points = self.named("bigrams").runs[0]
        at_one = min(points, key=lambda point: abs((point.temperature or 0.0) - 1))
        return writer.quality_at(plane, at_one.places[plane].diversity)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "sentences": self.sentences,
            "real": _point_json(self.real),
            "writers": [
                {
                    "name": writer.name,
                    "areas": {plane: vars(area) for plane, area in writer.areas.items()},
                    "quality_at_bigrams": {plane: self.quality_at_bigrams(writer, plane) for plane in PLANES},
                    "runs": [[_point_json(point) for point in run] for run in writer.runs],
                    "samples": [shown.text for shown in writer.samples],
                }
                for writer in self.writers
            ],
        }


def verdict_on(
    runs: Mapping[str, Sequence[Run]],
    *,
    temperatures: Sequence[float] = TEMPERATURES,
    count: int = COUNT,
    seed: int = 0,
    console: "Console | None" = None,
) -> Verdict:
    """Judge runs of one text beside unigrams, bigrams and real text. The first of all is a GAN, whose vocabulary and
    length of sentences hold for all.

    runs: by the name for the reader; several of one name differ in their seeds. The held-out text is that of test where
    there is one, else val, and the other real sentences are of train. console: where to show how far that is.
    """
    first = next(iter(runs.values()))[0]
    assert isinstance(first, GANRun)
    parts = first.parts()
    held_out = first.real_sentences(first.cut(parts.get("test", parts["val"])))
    train = first.real_sentences(first.cut(parts["train"]))
    count = min(count, len(held_out.judged), len(train.judged))
    step = len(train.judged) // count
    real = held_out.measure(train.judged[: step * count : step])
    writers: dict[str, list[Writer]] = {
        name: [_writer_of(run, first) for run in of_name] for name, of_name in runs.items()
    }
    for name, order in YARDSTICKS.items():
        model = fit_ngrams(train.judged, train.vocab_size, train.end_id, order)
        writers[name] = [_writer(model, first.tokenizer, first.generator.length)]
    points = len(temperatures) * sum(map(len, writers.values()))
    with progress(console, "Judging sentences", points, "sets") as advance:
        jury = _Jury(held_out, real, first.tokenizer, CopyIndex(parts["train"]), temperatures, count, seed, advance)
        judged = tuple(jury.judge(name, of_name) for name, of_name in writers.items())
    return Verdict(judged, Point(None, real, places(real, real)), count)


def front(places: Sequence[Place]) -> list[Place]:
    """The places that no other beats in both diversity and quality, the most diverse first."""
    found: list[Place] = []
    for place in sorted(places, key=lambda place: (-place.diversity, -place.quality)):
        if not found or place.quality > found[-1].quality:
            found.append(place)
    return found


def area(places: Sequence[Place]) -> float:
    """The area of all that some place beats in both diversity and quality, down to 0."""
    covered, reached = 0.0, 0.0
    for place in front(places):
        covered += (place.quality - reached) * place.diversity
        reached = place.quality
    return covered


def best_quality(places: Sequence[Place], diversity: float) -> float | None:
    """The quality of the front at so much diversity, straight between its places; None beyond them."""
    ordered = front(places)
    if not ordered or ordered[0].diversity < diversity:
        return None
    for right, left in itertools.pairwise(ordered):
        if left.diversity < diversity:
            share = (diversity - left.diversity) / (right.diversity - left.diversity)
            return left.quality + share * (right.quality - left.quality)
    return ordered[-1].quality


def places(measures: SentenceMeasures, real: SentenceMeasures) -> dict[str, Place]:
    """Where sentences lie in each plane, given the measures of as many real ones."""
    return {
        "likelihood": Place(
            diversity=math.exp(min(0.0, real.real_nats - measures.real_nats)),
            quality=math.exp(min(0.0, real.sample_nats - measures.sample_nats)),
        ),
        "bleu": Place(diversity=1 - measures.self_bleu[4], quality=measures.bleu[4]),
    }


@dataclass(frozen=True)
class _Jury:
    """What all writers are judged by. advance: hears of each set of sentences that is measured."""

    held_out: RealSentences
    real: SentenceMeasures
    tokenizer: Tokenizer
    index: CopyIndex
    temperatures: Sequence[float]
    count: int
    seed: int
    advance: Advance

    def judge(self, name: str, writers: Sequence[Writer]) -> Judged:
        """The runs of one name."""
        runs = tuple(tuple(self._measured(writer, at) for at in self.temperatures) for writer in writers)
        areas = {plane: Interval.of([area([point.places[plane] for point in run]) for run in runs]) for plane in PLANES}
        shown_at = min(self.temperatures, key=lambda temperature: abs(temperature - 1))
        texts = [self.tokenizer.decode(sentence) for sentence in writers[0](SHOWN, shown_at, self.seed)]
        samples = tuple(Shown(text, self.index.report(text).covered) for text in texts)
        return Judged(name, runs, areas, samples)

    def _measured(self, writer: Writer, temperature: float) -> Point:
        measures = self.held_out.measure(writer(self.count, temperature, self.seed))
        self.advance(1)
        return Point(temperature, measures, places(measures, self.real))


def _writer_of(run: Run, first: GANRun) -> Writer:
    """A run as a writer in the first one's vocabulary."""
    if isinstance(run, GANRun):
        return lambda count, temperature, seed: _same_ids(run, first, run.sentences(count, temperature, seed))
    own = _writer(run.model, run.tokenizer, first.generator.length)
    return lambda count, temperature, seed: _same_ids(run, first, own(count, temperature, seed))


def _same_ids(run: Run, first: GANRun, sentences: list[list[int]]) -> list[list[int]]:
    """Sentences in the first one's ids, as many words at most as that writes."""
    if run.tokenizer.to_json() == first.tokenizer.to_json():
        return sentences
    texts = [run.tokenizer.decode(sentence) for sentence in sentences]
    return [first.tokenizer.encode(text).ids.tolist()[: first.generator.length] for text in texts]


def _writer(model: LanguageModel, tokenizer: Tokenizer, length: int) -> Writer:
    """A language model as a writer of documents, of at most so many tokens."""

    def write(count: int, temperature: float, seed: int) -> list[list[int]]:
        config = GenerationConfig(max_tokens=length, num_samples=count, temperature=temperature, seed=seed)
        written = write_all(model, tokenizer, sample_requests([[]], config), [""] * count, ROWS_AT_ONCE)
        return [own_words(sample.token_ids, tokenizer.end_id) for sample in written]

    return write


def _point_json(point: Point) -> dict[str, Any]:
    return {
        "temperature": point.temperature,
        **point.measures.as_json(),
        "places": {plane: vars(place) for plane, place in point.places.items()},
    }
