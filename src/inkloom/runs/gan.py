"""A trained text GAN, opened: it writes sentences from noise and is measured by them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from inkloom.config import build
from inkloom.corpus.base import Corpus, Part
from inkloom.data import encode_part
from inkloom.data.sentences import CutSentences, cut_sentences, own_words
from inkloom.errors import InputError
from inkloom.evaluation.sentences import RealSentences, SentenceMeasures, bound
from inkloom.generation import GenerationConfig, Sample
from inkloom.generation.rows import Request
from inkloom.generation.samples import sample_requests, stream_one, untold_space, write_all
from inkloom.generation.sampling import generator_of_sample
from inkloom.models.gan import GAN
from inkloom.runs.run import Run

if TYPE_CHECKING:
    from rich.console import Console

MEASURED = 1000
"""Sentences that are written to be measured, or as many as the split has."""

ROWS_AT_ONCE = 1024
"""Sentences are short and begin together: a large batch writes them soonest."""


@dataclass(frozen=True)
class GANScores:
    """Named estimates on a split: a GAN has no likelihood that could be computed."""

    split: str
    sentences: int
    long: int
    """Sentences of the split that are cut, since with their end they have more tokens than the generator writes."""

    temperature: float
    """At which the measured sentences were written."""

    written: SentenceMeasures
    real: SentenceMeasures
    """As many sentences of val beside those of the split; of train for val itself: the yardstick."""

    bound_nats: float
    """Mean cost of a real token given noise, in nats: an upper bound, which the adversarial phase does not lower."""

    def as_json(self) -> dict[str, Any]:
        """The keys of `inkloom evaluate --json` for a GAN."""
        return {
            "split": self.split,
            "sentences": self.sentences,
            "long_sentences": self.long,
            "temperature": self.temperature,
            "estimates": {**self.written.as_json(), "bound_nats": self.bound_nats},
            "real": self.real.as_json(),
        }


class GANRun(Run):
    """A run of the family `gan`. Every sample has noise of its own, drawn from its own generator."""

    @property
    def generator(self) -> GAN:
        """The model, by its class."""
        model = self.model
        assert isinstance(model, GAN)
        return model

    @property
    def default_temperature(self) -> float:
        """How words are chosen where nothing else is asked for: as in training. 0, the likeliest, where the noise alone
        makes sentences differ; 1 where words are drawn in training, too, or where likelihood alone was learned."""
        config = self.generator.config
        return 1.0 if config.output == "gumbel" or config.objective == "likelihood" else 0.0

    def generate(self, prompt: str = "", *, style_seed: int | None = None, **settings: Any) -> list[Sample]:
        """Sentences that go on from a prompt. style_seed: fixes the global noise; the seed varies the rest.

        Raises InputError for a setting out of its range, and for a prompt that leaves no room for a word.
        """
        requests = self._requests(prompt, settings, style_seed)
        spaces = [untold_space(self.tokenizer, prompt)] * len(requests)
        return write_all(self.model, self.tokenizer, requests, spaces, ROWS_AT_ONCE)

    def stream(self, prompt: str = "", *, style_seed: int | None = None, **settings: Any) -> Iterator[str]:
        """One sample as `generate` writes it, in pieces as soon as they are final."""
        request = self._requests(prompt, {**settings, "num_samples": 1}, style_seed)[0]
        return stream_one(self.model, self.tokenizer, request, untold_space(self.tokenizer, prompt))

    def sentences(self, count: int, temperature: float | None = None, seed: int = 0) -> list[list[int]]:
        """So many sentences as ids, without their end tokens."""
        at = self.default_temperature if temperature is None else temperature
        written = self.generate(num_samples=count, seed=seed, temperature=at)
        return [own_words(sample.token_ids, self.tokenizer.end_id) for sample in written]

    def walk(self, first: int, last: int, steps: int, seed: int = 0) -> list[str]:
        """Sentences on the way between two global noises, those of `--style-seed first` and `last`; the rest of the
        noise is that of one sample. The noises are mixed by angle, so that mixtures of normal ones stay normal."""
        ends = [self.generator.noise(1, generator_of_sample(seed, 0), self._style(style)) for style in (first, last)]
        config = self._settings({"seed": seed}, self.generator.length)
        requests = []
        for angle in torch.linspace(0, torch.pi / 2, steps):
            own = generator_of_sample(seed, 0)
            style = angle.cos() * ends[0].style + angle.sin() * ends[1].style
            requests.append(Request([], config, own, condition=self.generator.noise(1, own)._replace(style=style)))
        return [sample.text for sample in write_all(self.model, self.tokenizer, requests, [""] * steps)]

    def evaluate(  # type: ignore[override]  # estimates, since there is no likelihood
        self, split: str | None = None, corpus: str | Corpus | None = None, console: "Console | None" = None
    ) -> GANScores:
        """Measure as many sentences as a split has, up to MEASURED, beside those of the split.

        split, corpus: as of every run.
        """
        part = self._own_part(split) if corpus is None else self._other_part(corpus, split)
        parts = self.parts()
        return self.measure(part, parts["train" if part.name == "val" else "val"], console)

    def measure(self, part: Part, beside: Part, console: "Console | None" = None) -> GANScores:
        """The estimates on a split. beside: other real sentences, which are measured like those that are written."""
        cut = self.cut(part, console)
        real = self.real_sentences(cut)
        count = min(MEASURED, len(real.judged))
        others = self.real_sentences(self.cut(beside, console)).judged[:count]
        return GANScores(
            split=part.name,
            sentences=len(real.judged),
            long=cut.long,
            temperature=self.default_temperature,
            written=real.measure(self.sentences(count)),
            real=real.measure(others),
            bound_nats=bound(self.generator, torch.from_numpy(cut.tokens_NS[:MEASURED]), self.tokenizer.end_id),
        )

    def cut(self, part: Part, console: "Console | None" = None) -> CutSentences:
        """The sentences of a split as the generator has them."""
        encoded = encode_part(self.tokenizer, part, console)
        cut = cut_sentences(encoded.ids, self.tokenizer.end_id, self.generator.length)
        if len(cut.tokens_NS) < 2:
            raise InputError(
                f"The {part.name} split has {len(cut.tokens_NS)} sentences, and a GAN is measured by two or more. "
                "Give a longer text, or a larger share in --split."
            )
        return cut

    def real_sentences(self, cut: CutSentences) -> RealSentences:
        """Sentences to measure others against."""
        end_id = self.tokenizer.end_id
        words = [own_words(sentence, end_id) for sentence in cut.tokens_NS.tolist()]
        return RealSentences(words, self.tokenizer.vocab_size, end_id)

    def _requests(self, prompt: str, settings: dict[str, Any], style_seed: int | None) -> list[Request]:
        """A request for each sample, with its noise, which its generator draws before any word."""
        ids = self.tokenizer.encode_prompt(prompt)
        room = self.generator.length - len(ids)
        if room < 1:
            raise InputError(
                f"The prompt has {len(ids)} tokens, and {self.name} writes sentences of at most "
                f"{self.generator.length}. Give a shorter one."
            )
        requests = sample_requests([ids], self._settings(settings, room))
        return [
            replace(request, condition=self.generator.noise(1, request.generator, self._style(style_seed)))
            for request in requests
        ]

    def _style(self, style_seed: int | None) -> torch.Generator | None:
        return None if style_seed is None else generator_of_sample(style_seed, 0)

    def _settings(self, settings: dict[str, Any], room: int) -> GenerationConfig:
        """The settings of a generation, with as many tokens as there is room for at most."""
        defaults = {} if settings.get("greedy") else {"temperature": self.default_temperature}
        config = build(GenerationConfig, {**defaults, **settings}, "generation")
        return config.replace(max_tokens=min(config.max_tokens, room))
