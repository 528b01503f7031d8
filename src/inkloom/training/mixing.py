"""How a mixture comes about: its parts are trained or taken from runs, then its weights are found.

The weights are found on text that no part was trained on and no score is reported for: val where there is a test split,
else what is held back from train, which the parts must have left alone (`split.held_back`).
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from inkloom.data import EncodedPart, encode_part
from inkloom.evaluation.likelihood import mean_nats, token_nats
from inkloom.models.base import LanguageModel
from inkloom.models.mixture import Mixture
from inkloom.runs.directory import RunConfig, RunDirectory
from inkloom.runs.parts import cut
from inkloom.runs.run import load_run
from inkloom.training.callbacks.validation import scored_while_training
from inkloom.training.fit import train_model
from inkloom.training.fitters import Fitted, Report, fitted_in_one_go, fitter_of
from inkloom.training.job import Job, prepare
from inkloom.training.trained import Trained

log = logging.getLogger("inkloom")

RESERVE = 0.08
"""Share of the budget that is left for the weights: scoring every part on val or the held-back text."""

MOST_TOKENS = 2_000_000
"""On which weights are learned: a few numbers, for which 20,000 are plenty; with `gate=token`, some for every token."""


def fit_mixture(model: LanguageModel, job: Job, report: Report) -> Fitted:
    """Bring the parts together and learn their weights, unless the config fixes them."""
    assert isinstance(model, Mixture)
    runs = [load_run(name) for name in job.config.of]
    trained = [] if runs else _train_parts(model, job)
    parts = [run.model for run in runs] or [part.model for part in trained]
    names = [run.config.model["name"] for run in runs] or [part["name"] for part in model.config.parts]
    mixture = _assembled(model.config, names, parts)
    if mixture.config.weights is None:
        _learn_weights(mixture, text_for_weights(job))
    if trained and "held_back" in job.encoded:
        mixture = _with_all_of_train(mixture, names, job)
    val = scored_while_training(job.encoded["val"], job.settings.budget)
    val_loss = mean_nats(mixture, val)
    report(f"mixture of {', '.join(names)}", val_loss)
    _say_weights(mixture, names)
    return Fitted(mixture, val_loss, sum(part.tokens_seen for part in trained) or job.encoded["train"].tokens)


def _assembled(config: Mixture.Config, names: Sequence[str], parts: Sequence[LanguageModel]) -> Mixture:
    """The mixture that holds these parts, each copied."""
    fields = ({"name": name, **part.config.model_dump(mode="json")} for name, part in zip(names, parts, strict=True))
    mixture = Mixture(config.replace(parts=tuple(fields)), parts[0].vocab_size)
    for own, part in zip(mixture.models, parts, strict=True):
        own.load_state_dict(part.state_dict())
    mixture.eval()
    return mixture


def _with_all_of_train(mixture: Mixture, names: Sequence[str], job: Job) -> Mixture:
    """The same weights over parts that are fitted again, where that takes one go, on train and what was held back.

    Counting again is a matter of a second, and every bit of text helps counts.
    """
    everything = encode_part(job.tokenizer, cut(job.corpus, job.config.split.replace(held_back=0.0))["train"])
    whole_job = replace(job, encoded={**job.encoded, "train": everything})
    parts = [
        fitter_of(name)(part, whole_job, _unheard).model if fitted_in_one_go(name) else part
        for name, part in zip(names, mixture.models, strict=True)
    ]
    refitted = _assembled(mixture.config, names, parts)
    refitted.log_weights_GK.copy_(mixture.log_weights_GK)
    return refitted


def _unheard(name: str, val_loss: float) -> None:
    """A report of a model that was reported before."""


def text_for_weights(job: Job) -> EncodedPart:
    """Held-out text that is not reported on; `plan` has seen to it that there is some."""
    return job.encoded.get("held_back", job.encoded["val"])


def _learn_weights(mixture: Mixture, part: EncodedPart) -> None:
    ids = part.ids[: 1 + MOST_TOKENS]
    log_probs_KN = torch.stack([-torch.from_numpy(token_nats(own, ids)) for own in mixture.models])
    scored_N = torch.from_numpy(part.scored[: len(ids) - 1])
    before_N = torch.from_numpy(ids[:-1].astype("int64"))
    mixture.learn_weights(log_probs_KN[:, scored_N], before_N[scored_N])


def _train_parts(model: Mixture, job: Job) -> list[Trained]:
    """Train every part in a run of its own below the mixture's, the quick ones first, within the mixture's budget."""
    names = [part["name"] for part in model.config.parts]
    order = sorted(range(len(names)), key=lambda number: not fitted_in_one_go(names[number]))
    trained: dict[int, Trained] = {}
    for place, number in enumerate(order):
        part = model.config.parts[number]
        directory = RunDirectory(job.run.path / "parts" / f"{number + 1}-{part['name']}")
        if not directory.config_file.exists():
            directory.write_config(_config_of_part(part, job, parts_left=len(order) - place))
        job.console.print(f"Part {place + 1} of {len(order)}: {part['name']}")
        trained[number] = train_model(prepare(directory, job.corpus, job.console, job.leaks))
    return [trained[number] for number in range(len(order))]


def _config_of_part(part: dict[str, Any], job: Job, parts_left: int) -> RunConfig:
    """The mixture's settings, but for what is the part's own: its family's defaults and its share of the time."""
    settings = job.settings
    training: dict[str, object] = {
        **part.get("training", {}),
        **{
            name: getattr(settings, name)
            for name in ("steps", "epochs", "seed", "device", "precision")
            if getattr(settings, name)
        },
    }
    training["samples"] = 0
    if settings.budget is not None:
        left = settings.budget * (1 - RESERVE) - job.clock.seconds
        training["budget"] = max(left / parts_left, 1.0)
    model = {field: value for field, value in part.items() if field != "training"}
    return job.config.replace(model=model, training=training, of=(), recipe=None)


def _say_weights(mixture: Mixture, names: Sequence[str]) -> None:
    weights_K = mixture.log_weights_GK.exp().mean(dim=0).tolist()
    said = ", ".join(f"{name} {weight:.3f}" for name, weight in zip(names, weights_K, strict=True))
    log.info(f"Weights{' on average' if mixture.config.gate != 'common' else ''}: {said}.")
