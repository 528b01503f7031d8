"""A training before it begins: its settings filled in, its text cut, encoded and checked."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rich.console import Console

from inkloom.config import build
from inkloom.corpus.base import Corpus, Part
from inkloom.corpus.labelled import LABEL
from inkloom.corpus.leaks import LeakReport
from inkloom.data import EncodedPart, encode_part
from inkloom.errors import InputError
from inkloom.evaluation.leakage import check_splits, check_tokenizer
from inkloom.files import write_json
from inkloom.models import MODELS
from inkloom.runs import RunConfig, RunDirectory
from inkloom.runs.parts import cut
from inkloom.runs.run import load_run, load_tokenizer, without_name
from inkloom.tokenizers import ControlledTokenizer, Tokenizer, described, fit_tokenizer
from inkloom.training.begun import Begun
from inkloom.training.config import TrainingConfig
from inkloom.training.fitters import fitted_in_one_go

log = logging.getLogger("inkloom")


@dataclass(frozen=True, kw_only=True)
class Job(Begun):
    """All that the training of a language model works on.

    parts: the splits; train without what is held back. encoded: train, val and, where there is one, `held_back`.
    leaks: what val and test share with train.
    """

    corpus: Corpus
    parts: Mapping[str, Part]
    tokenizer: Tokenizer
    encoded: Mapping[str, EncodedPart]
    leaks: Mapping[str, LeakReport]


def prepare(run: RunDirectory, corpus: Corpus, console: Console, leaks: Mapping[str, LeakReport] | None = None) -> Job:
    """Read a run's config.json, fill it in, and make ready what it trains on.

    The clock starts here, behind the leak check: that is part of the evaluation, and of 1 GB it takes half a minute.
    leaks: what is known of the same splits already.
    """
    config = resolve(run.read_config(), corpus)
    run.write_config(config)
    parts = cut(corpus, config.split)
    held_back = {name: parts.pop(name) for name in ("held_back",) if name in parts}
    leaks = check_splits(parts, config.split.shares, console) if leaks is None else leaks
    begun = Begun.now(run, config, console)
    tokenizer = kept_tokenizer(run, config, lambda: _fit_tokenizer(config, parts["train"]))
    if parts["train"].conditions is not None and not isinstance(tokenizer, ControlledTokenizer):
        raise InputError(
            f"--control cannot be used with {config.init or config.of[0]}, which was trained without and has no tokens "
            "for the values. Train one with --control, or leave it out."
        )
    if config.init or config.of:
        check_tokenizer(tokenizer, parts)
    to_encode = {name: part for name, part in parts.items() if name != "test"} | held_back
    encoded = {name: encode_part(tokenizer, part, console) for name, part in to_encode.items()}
    _announce_unknown(encoded["val"])
    _describe_text(console, config, tokenizer, encoded)
    return Job(**vars(begun), corpus=corpus, parts=parts, tokenizer=tokenizer, encoded=encoded, leaks=leaks)


def resolve(config: RunConfig, corpus: Corpus) -> RunConfig:
    """The config with every field filled in; one that is filled in already stays as it is.

    Raises InputError for fields that the family or the tokenizer does not have.
    """
    if config.init is not None:
        origin = load_run(config.init).config
        config = config.replace(model=origin.model, tokenizer=origin.tokenizer)
    name = MODELS.canonical(config.model["name"])
    by_gradients = not fitted_in_one_go(name)
    if config.init is not None and not by_gradients:
        raise InputError(
            f"--init {config.init} cannot be used: {name} is fitted in one go, it has no weights to start from."
        )
    family = MODELS.load(name)
    training = build(TrainingConfig, {**family.training_defaults, **config.training}, "training")
    # The window shrinks to the text, not below two tokens: one is read and one predicted.
    train_chars = cut(corpus, config.split)["train"].chars
    if by_gradients and config.tokenizer["name"] == "char" and training.seq_len > train_chars:
        log.warning(
            f"The text has {train_chars} characters to train on; the window shrinks from {training.seq_len} to that."
        )
        training = training.replace(seq_len=train_chars)
    model = build(family.Config, without_name(config.model), "model").resolve(training.seq_len)
    return config.replace(
        model={"name": name, **model.model_dump(mode="json")},
        tokenizer=described(config.tokenizer),
        training=training.model_dump(mode="json"),
    )


def kept_tokenizer(run: RunDirectory, config: RunConfig, fit: Callable[[], Tokenizer]) -> Tokenizer:
    """The run's tokenizer: the saved one, else that of the run it starts from or what `fit` gives, which is saved."""
    if run.tokenizer_file.exists():
        return load_tokenizer(run)
    origin = config.init or next(iter(config.of), None)
    tokenizer = load_run(origin).tokenizer if origin else fit()
    write_json(run.tokenizer_file, tokenizer.to_json())
    return tokenizer


def _fit_tokenizer(config: RunConfig, train: Part) -> Tokenizer:
    """A tokenizer of train, with a token for each value of the field that texts go with."""
    tokenizer = fit_tokenizer(config.tokenizer, (piece.text for piece in train.pieces()))
    if train.conditions is None:
        return tokenizer
    field = config.corpus.label_column or LABEL
    return ControlledTokenizer(tokenizer, field, sorted(set(train.conditions)))


def _announce_unknown(val: EncodedPart) -> None:
    if val.unknown_tokens:
        share = val.unknown_tokens / val.tokens
        log.info(f"{val.unknown_tokens} tokens of val ({share:.2%}) are not in the vocabulary; scores charge for them.")


def _describe_text(
    console: Console, config: RunConfig, tokenizer: Tokenizer, encoded: Mapping[str, EncodedPart]
) -> None:
    """What is read, in one line."""
    sizes = ", ".join(f"{name} {part.tokens:,}" for name, part in encoded.items())
    console.print(f"Text: {config.name}, tokens: {sizes}; {tokenizer.vocab_size} distinct")
