"""A trained model on disk, opened: it generates and is scored."""

import functools
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from inkloom.config import build
from inkloom.corpus import open_corpus, split_corpus
from inkloom.corpus.base import Corpus, Part
from inkloom.corpus.splits import is_random_windows
from inkloom.data import encode_part
from inkloom.data.progress import progress
from inkloom.errors import InputError
from inkloom.evaluation import Scores, score
from inkloom.generation import GenerationConfig, Sample, generate, stream
from inkloom.models import FAMILIES, MODELS
from inkloom.models.base import LanguageModel
from inkloom.registry import Registry
from inkloom.runs.directory import RunConfig, RunDirectory, find_run
from inkloom.runs.parts import choose, corpus_of, cut
from inkloom.runs.weights import load_weights
from inkloom.tokenizers import ControlledTokenizer, Tokenizer, read_tokenizer

if TYPE_CHECKING:
    from rich.console import Console

log = logging.getLogger("inkloom")

ENOUGH_BEGINNINGS = 500
"""With so many documents a model sees enough beginnings to write one of its own."""


class Run:
    """A run of `inkloom train`: its settings, its tokenizer and the best weights, loaded when first needed.

    This one continues texts. Runs for another task are of a class of their own, which `load_run` finds in `RUNS`.
    """

    verb: ClassVar[str] = "generate"
    """Of the command line: what the run is there for."""

    takes: ClassVar[str] = "runs that continue texts"
    """What that verb takes."""

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory
        self.config = directory.read_config()

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.directory.path.resolve().name

    @functools.cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that was fitted on the run's train split."""
        return load_tokenizer(self.directory)

    @functools.cached_property
    def model(self) -> LanguageModel:
        """The best weights, in float32, in evaluation mode."""
        model = build_model(self.config, self.tokenizer)
        load_weights(model, self.directory.weights_file)
        return model.eval()

    def generate(self, prompt: str = "", *, control: str | None = None, **settings: Any) -> list[Sample]:
        """Continue a prompt. `settings` are the fields of `GenerationConfig`: max_tokens, temperature, top_k, top_p,
        min_p, repetition_penalty, greedy, stop, seed, num_samples. The text of a sample does not repeat the prompt.

        control: what the text is to be like, for a run that was trained with a control field. Where neither it nor a
            prompt is given, the model chooses.
        Raises InputError for a setting out of its range, for a prompt that the vocabulary cannot spell, and for a
        control that the run does not know.
        """
        config = build(GenerationConfig, settings, "generation")
        return generate(self.model, self._under(control, prompt), prompt or self.default_prompt, config)

    def stream(self, prompt: str = "", *, control: str | None = None, **settings: Any) -> Iterator[str]:
        """One sample as `generate` writes it, in pieces as soon as they are final."""
        config = build(GenerationConfig, settings, "generation")
        return stream(self.model, self._under(control, prompt), prompt or self.default_prompt, config)

    def _under(self, control: str | None, prompt: str) -> Tokenizer:
        """The tokenizer, whose prompts begin with a control where one is given."""
        if isinstance(self.tokenizer, ControlledTokenizer):
            if control is not None:
                return self.tokenizer.under(control)
            if prompt:
                raise InputError(
                    f"{self.name} was trained with --control {self.tokenizer.field}, so a prompt needs one: --control "
                    f"VALUE. Known: {', '.join(self.tokenizer.values)}."
                )
        elif control is not None:
            raise InputError(
                f"--control got {control!r}, but {self.name} was trained without. Train with --control FIELD, or leave "
                "it out."
            )
        return self.tokenizer

    def summary(self) -> dict[str, Any]:
        """The keys of `inkloom train --json`: what was trained, for how long, and the scores of every split.

        Raises InputError where the training has not come to its end.
        """
        if not self.directory.finished:
            raise InputError(f"{self.name} is not finished. Go on with `inkloom train --resume {self.directory.path}`.")
        return self.directory.read_evaluation()

    @property
    def default_prompt(self) -> str:
        """What generation starts from where no prompt is given: a new document, or a new line where documents are few.

        A running text has one beginning and a few long documents hardly more: too few to learn how texts begin.
        """
        if isinstance(self.tokenizer, ControlledTokenizer):
            return ""
        knows_newline = self.tokenizer.encode("\n").unknown_tokens == 0
        return "\n" if knows_newline and self.config.documents < ENOUGH_BEGINNINGS else ""

    def evaluate(
        self, split: str | None = None, corpus: str | Corpus | None = None, console: "Console | None" = None
    ) -> Scores:
        """Score every token of a split once, in float32.

        split: `val` or `test` of the run's own corpus; test where there is one.
        corpus: another text, scored whole, or its `split` cut as the run's own was.
        console: where to show how far that is.
        """
        part = self._own_part(split) if corpus is None else self._other_part(corpus, split)
        encoded = encode_part(self.tokenizer, part, console)
        with progress(console, f"Scoring {part.name}", encoded.tokens, "tokens") as advance:
            return score(self.model, encoded, advance)

    def parts(self) -> dict[str, Part]:
        """The splits of the run's own corpus. InputError where the text is gone or is no longer the same."""
        return cut(corpus_of(self.directory), self.config.split)

    def _own_part(self, split: str | None) -> Part:
        part = choose(self.parts(), split, self.name)
        if is_random_windows(self.config.split.shares):
            log.warning(f"{self.name} has a split that leaks on purpose: its score measures memory.")
        return part

    def _other_part(self, corpus: str | Corpus, split: str | None) -> Part:
        if isinstance(corpus, str):
            corpus = open_corpus(self.config.corpus.replace(sources=(corpus,), documents=None))
        if corpus.own_splits:
            return choose(corpus.own_splits, split, corpus.name)
        if split is None:
            return corpus.whole
        shares, seed = self.config.split.shares, self.config.split.seed
        return choose(split_corpus(corpus, shares, seed), split, f"{corpus.name}, cut {shares} as {self.name} was,")


RUNS: Registry[type[Run]] = Registry(
    "kind of run",
    {
        "text": "inkloom.runs.run:Run",
        "captioning": "inkloom.runs.captioning:CaptionerRun",
        "classification": "inkloom.runs.classifier:ClassifierRun",
        "gan": "inkloom.runs.gan:GANRun",
        "translation": "inkloom.runs.translation:TranslationRun",
    },
)
"""The class of a task's runs."""


RunT = TypeVar("RunT", bound=Run)


def load_run(name: str | Path) -> Run:
    """Open a run by its folder, or by its name below `runs/`. InputError where there is none."""
    directory = find_run(str(name))
    family = MODELS.canonical(directory.read_config().model["name"])
    return RUNS.load(FAMILIES[family].task)(directory)


def load_run_for(name: str | Path, verb: str, kind: type[RunT]) -> RunT:
    """Open a run of one kind; InputError, which names the verb that fits, for another."""
    run = load_run(name)
    if not isinstance(run, kind) or run.verb != kind.verb:
        raise InputError(
            f"inkloom {verb} takes {kind.takes}, and {run.name} is a {run.config.model['name']}. "
            f"Use `inkloom {run.verb} {run.directory.path}`."
        )
    return run


def load_language_model(name: str | Path, verb: str) -> Run:
    """Open a run that continues texts, for `generate` or for a verb that cannot say what a text is to be like."""
    run = load_run_for(name, verb, Run)
    if verb != Run.verb and isinstance(run.tokenizer, ControlledTokenizer):
        raise InputError(
            f"inkloom {verb} has no --control, and {run.name} was trained with --control {run.tokenizer.field}. "
            f"Use `inkloom {run.verb} {run.directory.path} --control VALUE`."
        )
    return run


def load_tokenizer(directory: RunDirectory) -> Tokenizer:
    """The tokenizer of a run."""
    return read_tokenizer(directory.read_json(directory.tokenizer_file))


def build_model(config: RunConfig, tokenizer: Tokenizer) -> LanguageModel:
    """The model that a run's config describes, with fresh weights."""
    family = MODELS.load(config.model["name"])
    fields = without_name(config.model)
    return family(build(family.Config, fields, "model"), tokenizer.vocab_size)


def initial_model(config: RunConfig, tokenizer: Tokenizer) -> LanguageModel:
    """The same, with the weights of the run that it starts from where there is one."""
    model = build_model(config, tokenizer)
    if config.init is not None:
        load_weights(model, load_run(config.init).directory.weights_file)
    return model


def without_name(section: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a section of config.json, less the name of the component they belong to."""
    return {key: value for key, value in section.items() if key != "name"}
