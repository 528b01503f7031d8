"""A trained translator on disk, opened: it translates and is scored."""

import functools
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from inkloom.config import build
from inkloom.corpus.base import Corpus, Part
from inkloom.data.pairs import EncodedPairs, encode_pairs
from inkloom.data.progress import Advance, progress
from inkloom.evaluation.likelihood import Scores
from inkloom.evaluation.translation import TranslationScores, score_pairs, translation_scores
from inkloom.generation.translating import Translation, TranslationConfig, translate
from inkloom.models.evaluating import evaluating
from inkloom.models.seq2seq import Seq2Seq
from inkloom.runs.directory import RunConfig
from inkloom.runs.run import Run, without_name
from inkloom.runs.weights import load_weights
from inkloom.tokenizers import Tokenizer, read_tokenizer

if TYPE_CHECKING:
    from rich.console import Console

log = logging.getLogger("inkloom")


@dataclass(frozen=True)
class PairScores(Scores):
    """What the targets of a split cost given their sources, and what the model's own translations are worth.

    settings: of the search, as `TranslationConfig` has them. searched: with them. greedy: token by token.
    """

    settings: TranslationConfig
    searched: TranslationScores
    greedy: TranslationScores

    def as_json(self) -> dict[str, Any]:
        return {
            **super().as_json(),
            "translation": {**self.settings.model_dump(include={"beam", "length_penalty"}), **self.searched.as_json()},
            "greedy": self.greedy.as_json(),
        }


class TranslationRun(Run):
    """A run of a family that translates."""

    verb: ClassVar[str] = "translate"
    takes: ClassVar[str] = "runs that translate"

    @functools.cached_property
    def source_tokenizer(self) -> Tokenizer:
        """The tokenizer of sources; the targets' own where both share one."""
        if self.config.tokenizer_source is None:
            return self.tokenizer
        return read_tokenizer(self.directory.read_json(self.directory.source_tokenizer_file))

    @functools.cached_property
    def model(self) -> Seq2Seq:
        """The best weights, in float32, in evaluation mode."""
        model = build_translator(self.config, self.tokenizer, self.source_tokenizer)
        load_weights(model, self.directory.weights_file)
        return model.eval()

    def translate(
        self, sources: Sequence[str], advance: Advance = lambda done: None, **settings: Any
    ) -> list[list[Translation]]:
        """Translations of each source, the best first; none of one that is blank.

        settings: the fields of `TranslationConfig`: beam, length_penalty, n_best. advance: hears of sources that are
        done. A source with more tokens than the model reads is cut, which is announced.
        Raises InputError for a setting out of its range.
        """
        return self.translate_with(self.model, sources, build(TranslationConfig, settings, "translation"), advance)

    def translate_with(
        self, model: Seq2Seq, sources: Sequence[str], config: TranslationConfig, advance: Advance = lambda done: None
    ) -> list[list[Translation]]:
        """The same by a model that has this run's vocabularies."""
        written = [number for number, source in enumerate(sources) if source.strip()]
        ids = self._source_ids([sources[number] for number in written], model.config.context_length)
        with evaluating(model):
            found = translate(model, self.tokenizer, ids, model.config.context_length, config, advance)
        translations: list[list[Translation]] = [[] for _ in sources]
        for number, of_source in zip(written, found, strict=True):
            translations[number] = of_source
        return translations

    def encode_pairs(self, part: Part, console: "Console | None" = None) -> EncodedPairs:
        """A split as ids."""
        return encode_pairs(self.source_tokenizer, self.tokenizer, part, console)

    def evaluate(
        self, split: str | None = None, corpus: str | Corpus | None = None, console: "Console | None" = None
    ) -> PairScores:
        """Score every pair of a split, and translate it.

        split: `val` or `test` of the run's own pairs; test where there is one.
        corpus: other pairs, scored whole, or their `split` cut as the run's own were.
        console: where to show how far that is.
        """
        part = self._own_part(split) if corpus is None else self._other_part(corpus, split)
        return self.evaluate_part(part, console)[0]

    def evaluate_part(self, part: Part, console: "Console | None" = None) -> tuple[PairScores, list[str]]:
        """The scores of some pairs, and their translations."""
        pairs = self.encode_pairs(part, console)
        if left_out := len(pairs) - len(pairs.within(self.model.config.context_length)):
            log.warning(
                "%s of %s pairs of %s count for translations alone: a side has more tokens than the model reads.",
                f"{left_out:,}",
                f"{len(pairs):,}",
                part.name,
            )
        with progress(console, f"Scoring {part.name}", pairs.targets.encoded.tokens, "tokens") as advance:
            scores = score_pairs(self.model, pairs, advance)
        assert part.conditions is not None, "pairs were made of them"
        config = TranslationConfig()
        translated = []
        for of_config in (config, TranslationConfig(beam=1)):
            with progress(console, f"Translating {part.name}", len(part.texts), "lines") as advance:
                found = self.translate_with(self.model, part.conditions, of_config, advance)
            translated.append([best[0].text if best else "" for best in found])
        searched, greedy = (translation_scores(texts, part.texts) for texts in translated)
        return PairScores(**vars(scores), settings=config, searched=searched, greedy=greedy), translated[0]

    def source_ids(self, source: str) -> list[int]:
        """The ids of one source with the end token, whatever their number."""
        text = source.strip().lower() if self.config.corpus.lowercase else source.strip()
        ids: list[int] = self.source_tokenizer.encode_all([text], [True]).ids.tolist()
        return ids

    def _source_ids(self, sources: Iterable[str], longest: int) -> list[list[int]]:
        """The ids of sources with their end tokens, at most `longest` of each; that some are cut is announced."""
        found = list(map(self.source_ids, sources))
        cut = sum(len(ids) > longest for ids in found)
        found = [ids if len(ids) <= longest else [*ids[: longest - 1], ids[-1]] for ids in found]
        if cut:
            log.warning(
                "%s too long: of %s, the first %s tokens are translated.",
                "1 line is" if cut == 1 else f"{cut:,} lines are",
                "it" if cut == 1 else "them",
                f"{longest - 1:,}",
            )
        return found


def build_translator(config: RunConfig, tokenizer: Tokenizer, source_tokenizer: Tokenizer) -> Seq2Seq:
    """The model that a run's config describes, with fresh weights."""
    fields = build(Seq2Seq.Config, without_name(config.model), "model")
    shared = config.tokenizer_source is None
    return Seq2Seq(fields, tokenizer.vocab_size, None if shared else source_tokenizer.vocab_size)
