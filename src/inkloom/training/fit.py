"""One training from config.json to the scored run, or from where it was interrupted: a straight line of builds."""

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from rich.console import Console

from inkloom.config import build
from inkloom.corpus import split_corpus
from inkloom.corpus.base import Corpus, Part
from inkloom.corpus.leaks import find_leaks
from inkloom.data import BATCHINGS, BatchSource, EncodedPart, encode_part
from inkloom.errors import InputError, InterruptedByUserError
from inkloom.evaluation import score_tokens
from inkloom.evaluation.leakage import check_splits, check_tokenizer, leaks_with_score
from inkloom.files import GrowingFile, write_json
from inkloom.models import FAMILIES, MODELS
from inkloom.models.base import LanguageModel
from inkloom.runs import RunConfig, RunDirectory
from inkloom.runs.run import Run, build_model, load_run, load_tokenizer, without_name
from inkloom.runs.weights import load_weights, save_weights
from inkloom.tokenizers import TOKENIZERS, Tokenizer
from inkloom.training.callbacks.checkpoints import Checkpoints, SafeCheckpointIO
from inkloom.training.callbacks.display import Display
from inkloom.training.callbacks.interrupt import Interrupt
from inkloom.training.callbacks.metrics import HEADER, Metrics, metrics_row
from inkloom.training.callbacks.samples import Samples, sample_text, sample_title
from inkloom.training.callbacks.validation import Validation
from inkloom.training.config import TrainingConfig
from inkloom.training.fitters import FITTERS
from inkloom.training.machine import Machine, choose
from inkloom.training.objectives import OBJECTIVES
from inkloom.training.schedule import Clock, progress_for

log = logging.getLogger("inkloom")


def fit(run: RunDirectory, corpus: Corpus, console: Console) -> dict[str, Any]:
    """Train the run whose config.json is written, or go on with it. Returns what evaluation.json holds.

    Raises InterruptedByUserError after Ctrl-C, when all is saved.
    """
    checkpoint = SafeCheckpointIO().load_checkpoint(run.last_checkpoint) if run.last_checkpoint.exists() else None
    clock = Clock(before=checkpoint["seconds"] if checkpoint else 0.0)
    config = resolve(run.read_config(), corpus)
    run.write_config(config)
    settings = build(TrainingConfig, config.training, "training")

    parts = split_corpus(corpus, config.split.shares, config.split.seed)
    check_splits(parts, config.split.shares)
    tokenizer = _tokenizer(run, config, parts["train"])
    check_tokenizer(tokenizer, parts)
    encoded = {name: encode_part(tokenizer, part) for name, part in parts.items() if name != "test"}
    _announce_unknown(encoded["val"])
    _describe_text(console, config, tokenizer, encoded)
    if FAMILIES[config.model["name"]].objective in FITTERS:
        return _fit_without_gradients(run, config, parts, tokenizer, encoded, clock, console)
    machine = _machine(run, settings)
    torch.manual_seed(settings.seed)
    model = build_model(config, tokenizer).to(machine.device)
    _initialise(model, config)

    source = BATCHINGS.load(settings.batching)(
        encoded["train"].ids, settings.batch_size, settings.seq_len, settings.seed
    )
    progress = progress_for(settings, source.steps_per_epoch, clock)
    objective = OBJECTIVES.load(FAMILIES[config.model["name"]].objective)(model, settings, progress)
    _describe_training(console, config, machine, model, source)
    validation = Validation(model, encoded["val"], progress, settings.validations, settings.patience)
    interrupt = Interrupt()
    tokens_per_step = settings.batch_size * settings.seq_len
    prompt = Run(run).default_prompt
    callbacks = [
        interrupt,
        validation,
        Metrics(run.metrics_file, validation, progress, tokens_per_step),
        Samples(model, run.samples_file, validation, progress, tokenizer, prompt, settings.samples, settings.seed),
        Display(console, validation, progress, tokens_per_step),
        Checkpoints(model, run, validation, clock, settings.checkpoint_seconds),
    ]
    if checkpoint is None or not checkpoint["finished"]:
        trainer = _trainer(run, settings, machine, callbacks)
        with warnings.catch_warnings():
            # The batches depend on the step alone, so a mid-epoch resume is exact, whatever Lightning may fear.
            warnings.filterwarnings("ignore", module="pytorch_lightning")
            batches = source.batches_from(checkpoint["global_step"] if checkpoint else 0)
            trainer.fit(objective, batches, ckpt_path=run.last_checkpoint if checkpoint else None)
        if interrupt.stopped:
            if not run.weights_file.exists():
                save_weights(model, run.weights_file)
            raise InterruptedByUserError(
                f"Stopped at step {trainer.global_step:,}; all is saved. Go on with: inkloom train --resume {run.path}"
            )
        steps = trainer.global_step
    else:
        steps = checkpoint["global_step"]
    seconds = clock.seconds
    load_weights(model, run.weights_file)
    return _summarise(run, config, model, tokenizer, parts, steps, steps * tokens_per_step, seconds)


def _fit_without_gradients(
    run: RunDirectory,
    config: RunConfig,
    parts: Mapping[str, Part],
    tokenizer: Tokenizer,
    encoded: Mapping[str, EncodedPart],
    clock: Clock,
    console: Console,
) -> dict[str, Any]:
    """The rest of `fit` for a family that has a fitter: one call, which an interrupted run makes again.

    Every model that the fitter tries is a step and a row of metrics.csv.
    """
    settings = build(TrainingConfig, config.training, "training")
    fitter = FITTERS.load(FAMILIES[config.model["name"]].objective)
    tokens = encoded["train"].tokens
    metrics, samples = GrowingFile(run.metrics_file), GrowingFile(run.samples_file)
    metrics.cut_back()
    samples.cut_back()
    metrics.append(HEADER)
    tried: list[str] = []

    def report(name: str, val_loss: float) -> None:
        tried.append(name)
        metrics.append(metrics_row(len(tried), clock.seconds, tokens, val_loss=val_loss))
        console.print(f"{name}  val {val_loss:.4f}  after {clock.seconds:.1f} s")

    try:
        model, val_loss = fitter(build_model(config, tokenizer), encoded, tokenizer.end_id, settings, clock, report)
    except KeyboardInterrupt as stop:
        raise InterruptedByUserError(f"Stopped. Begin again with: inkloom train --resume {run.path}") from stop
    config = config.replace(model={"name": config.model["name"], **model.config.model_dump(mode="json")})
    run.write_config(config)
    save_weights(model, run.weights_file)
    seconds = clock.seconds
    for number in range(1, settings.samples + 1):
        text = sample_text(model, tokenizer, Run(run).default_prompt, settings.seed + number)
        samples.append(sample_title(len(tried), val_loss) + text)
    return _summarise(run, config, model, tokenizer, parts, len(tried), tokens, seconds)


def _summarise(
    run: RunDirectory,
    config: RunConfig,
    model: LanguageModel,
    tokenizer: Tokenizer,
    parts: Mapping[str, Part],
    steps: int,
    tokens_seen: int,
    seconds: float,
) -> dict[str, Any]:
    """Score the model and write evaluation.json, with which the run is finished."""
    summary = {
        "run": str(run.path),
        "model": config.model["name"],
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "steps": steps,
        "tokens_seen": tokens_seen,
        "seconds": round(seconds, 3),
        "tokens_per_second": round(tokens_seen / seconds, 1),
        **final_scores(model, tokenizer, parts),
    }
    write_json(run.evaluation_file, summary)
    return summary


def final_scores(model: LanguageModel, tokenizer: Tokenizer, parts: Mapping[str, Part]) -> dict[str, Any]:
    """The protocol's scores of every split, in float32: val and test whole, and of train as much as val is long.

    `leaks` has, for val and test, what they share with train, and their score without it.
    """
    train = parts["train"].head(parts["val"].chars)
    scores, leaks = {}, {}
    for name, part in {**parts, "train": train}.items():
        of_split, nats_T = score_tokens(model, encode_part(tokenizer, part))
        scores[name] = of_split.as_json()
        if name != "train":
            leaks[name] = leaks_with_score(find_leaks(parts["train"], part), part, tokenizer, nats_T)
    scores["train"]["partial"] = train.chars < parts["train"].chars
    return {**scores, "leaks": leaks}


def resolve(config: RunConfig, corpus: Corpus) -> RunConfig:
    """The config with every field filled in; one that is filled in already stays as it is.

    Raises InputError for fields that the family or the tokenizer does not have.
    """
    if config.init is not None:
        origin = load_run(config.init).config
        config = config.replace(model=origin.model, tokenizer=origin.tokenizer)
    name = MODELS.canonical(config.model["name"])
    by_gradients = FAMILIES[name].objective not in FITTERS
    if config.init is not None and not by_gradients:
        raise InputError(
            f"--init {config.init} cannot be used: {name} is fitted in one go, it has no weights to start from."
        )
    family = MODELS.load(name)
    training = build(TrainingConfig, {**family.training_defaults, **config.training}, "training")
    # The window shrinks to the text, not below two tokens: one is read and one predicted.
    train_chars = split_corpus(corpus, config.split.shares, config.split.seed)["train"].chars
    if by_gradients and config.tokenizer["name"] == "char" and training.seq_len > train_chars:
        log.warning(
            f"The text has {train_chars} characters to train on; the window shrinks from {training.seq_len} to that."
        )
        training = training.replace(seq_len=train_chars)
    model = build(family.Config, without_name(config.model), "model").resolve(training.seq_len)
    tokenizer_class = TOKENIZERS.load(config.tokenizer["name"])
    tokenizer = build(tokenizer_class.Config, without_name(config.tokenizer), "tokenizer")
    return config.replace(
        model={"name": name, **model.model_dump(mode="json")},
        tokenizer={"name": TOKENIZERS.canonical(config.tokenizer["name"]), **tokenizer.model_dump(mode="json")},
        training=training.model_dump(mode="json"),
    )


def _tokenizer(run: RunDirectory, config: RunConfig, train: Part) -> Tokenizer:
    """The run's tokenizer: the saved one, that of the run it starts from, or one fitted on train."""
    if run.tokenizer_file.exists():
        return load_tokenizer(run)
    if config.init is not None:
        tokenizer = load_run(config.init).tokenizer
    else:
        tokenizer_class = TOKENIZERS.load(config.tokenizer["name"])
        fields = build(tokenizer_class.Config, without_name(config.tokenizer), "tokenizer")
        tokenizer = tokenizer_class.fit(train.texts, fields)
    write_json(run.tokenizer_file, {"name": tokenizer.name, **tokenizer.to_json()})
    return tokenizer


def _machine(run: RunDirectory, settings: TrainingConfig) -> Machine:
    """The measured choices: those the run began with, or new ones, written down at once."""
    if run.measured_file.exists():
        return Machine(**run.read_json(run.measured_file))
    machine = choose(settings)
    write_json(run.measured_file, machine.as_json())
    return machine


def _initialise(model: LanguageModel, config: RunConfig) -> None:
    if config.init is not None:
        load_weights(model, load_run(config.init).directory.weights_file)


def _trainer(run: RunDirectory, settings: TrainingConfig, machine: Machine, callbacks: list[pl.Callback]) -> pl.Trainer:
    torch.set_num_threads(machine.threads)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    return pl.Trainer(
        accelerator=machine.device if machine.device != "cuda" else "gpu",
        devices=1,
        precision="bf16-mixed" if machine.precision == "bfloat16" else "32-true",
        max_epochs=1,  # the batches go on without end; the validation callback stops the training
        callbacks=[*callbacks[:-1], *_tensorboard_callbacks(settings), callbacks[-1]],
        logger=_tensorboard(run, settings),
        plugins=[SafeCheckpointIO()],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=50,
        default_root_dir=run.path,
    )


def _tensorboard(run: RunDirectory, settings: TrainingConfig) -> Any:
    if not settings.tensorboard:
        return False
    try:
        from pytorch_lightning.loggers import TensorBoardLogger

        return TensorBoardLogger(save_dir=run.path, name="tensorboard", version="")
    except ModuleNotFoundError as error:
        raise InputError(
            "training.tensorboard needs the package tensorboard, which is not installed. "
            "Install inkloom[tensorboard], or leave the option out: metrics.csv is written in any case."
        ) from error


def _tensorboard_callbacks(settings: TrainingConfig) -> list[pl.Callback]:
    if not settings.tensorboard:
        return []
    from pytorch_lightning.callbacks import LearningRateMonitor

    return [LearningRateMonitor(logging_interval="step")]


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


def _describe_training(
    console: Console, config: RunConfig, machine: Machine, model: LanguageModel, source: BatchSource
) -> None:
    """What is trained and how, in two lines."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    rates = f" (measured: {machine.float32_rate:,.0f} GFLOP/s in float32, {machine.bfloat16_rate:,.0f} in bfloat16)"
    console.print(
        f"Model: {config.model['name']}, {parameters:,} parameters; batches of {source.batch_size} x {source.seq_len}"
    )
    console.print(f"Machine: {machine.device}, {machine.precision}{rates if machine.bfloat16_rate else ''}")
