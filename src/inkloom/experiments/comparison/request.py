"""What is asked of a comparison, checked before any work."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from inkloom.config import parse_overrides
from inkloom.errors import InputError, unknown_name
from inkloom.experiments.comparison.sizes import size_fields
from inkloom.models import FAMILIES, LANGUAGE_MODELS, MODELS
from inkloom.tokenizers import TOKENIZERS
from inkloom.training.config import TrainingConfig
from inkloom.training.fitters import fitted_in_one_go
from inkloom.training.plan import SECTIONS

OPTIONS = {"seconds": "--budget", "tokens": "--tokens", "epochs": "--epochs"}


@dataclass(frozen=True)
class Length:
    """What the runs of one table have the same of."""

    unit: Literal["seconds", "tokens", "epochs"]
    amount: float

    def __str__(self) -> str:
        unit = self.unit[:-1] if self.amount == 1 else self.unit
        return f"{self.amount:,.10g} {unit}"

    @property
    def short(self) -> str:
        """For the names of folders: `60s`, `1000000tokens`, `2epochs`."""
        return f"{self.amount:.10g}{'s' if self.unit == 'seconds' else self.unit}"


@dataclass(frozen=True)
class Request:
    """What is asked of a comparison.

    lengths: one table for each. seq_lens: none for each family's own window. parameters: None for its own size.
    tokenizers: each model is trained with each; none for the one that is the default.
    overrides: as after `-o`; besides `model`, `training`, `tokenizer` and `split`, a section may be the name of a model
    or of a tokenizer.
    """

    models: tuple[str, ...]
    lengths: tuple[Length, ...]
    seq_lens: tuple[int, ...] = ()
    parameters: int | None = None
    seeds: int = 3
    tokenizers: tuple[str, ...] = ()
    split: str | None = None
    overrides: tuple[str, ...] = ()

    @property
    def compares_tokenizers(self) -> bool:
        """Whether tokens are not the same for all."""
        return len(self.tokenizers) > 1

    @property
    def contestants(self) -> tuple[str, ...]:
        """What is compared, by the names for the reader: models, with the tokenizer where there are several."""
        return tuple(self.contestant(*pair) for pair in itertools.product(self.models, self.tokenizers or ("",)))

    def contestant(self, model: str, tokenizer: str) -> str:
        """The name of a model that reads with a tokenizer."""
        return f"{model} {tokenizer}" if self.compares_tokenizers else model


def is_counted(model: str) -> bool:
    """Whether a family is estimated by counting: in one pass, without windows and without random numbers."""
    return FAMILIES[model].objective == "kneser_ney"


def is_mixture(model: str) -> bool:
    """Whether a family is made of others, which are trained inside its own time."""
    return FAMILIES[model].objective == "mixing"


def has_window(model: str) -> bool:
    """Whether a family is trained on windows of a length that is its own to choose."""
    return not fitted_in_one_go(model)


def numbers(text: str) -> tuple[int, ...]:
    """`8,16,32` as numbers. InputError for anything else."""
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError as error:
        raise InputError(f"--seq-lens got {text!r}; it takes numbers of tokens, such as 8,16,32.") from error


def checked(request: Request) -> Request:
    """The request with the models by their own names. Raises InputError for what cannot be compared."""
    if not any(name.strip() for name in request.models):
        raise InputError(
            f"--models is empty. Name one or more of {', '.join(LANGUAGE_MODELS)}, such as lstm,transformer."
        )
    models = tuple(map(MODELS.canonical, request.models))
    if others := [name for name in models if name not in LANGUAGE_MODELS]:
        raise InputError(
            f"--models got {others[0]}, which does not continue texts. Of those that do, compare "
            f"{', '.join(LANGUAGE_MODELS)}."
        )
    tokenizers = tuple(map(TOKENIZERS.canonical, request.tokenizers))
    _refuse_repeats("--models", models)
    _refuse_repeats("--tokenizers", tokenizers)
    _refuse_repeats("--seq-lens", request.seq_lens)
    if request.seeds < 1:
        raise InputError(f"--seeds got {request.seeds}; it takes a number of runs, 1 or more.")
    if request.parameters is not None and request.parameters < 1:
        raise InputError(f"--parameters got {request.parameters}; it takes a number of parameters, such as 1000000.")
    for length in request.lengths:
        if not length.amount > 0:
            raise InputError(f"{OPTIONS[length.unit]} got {length.amount:g}; it takes a number above 0.")
        if length.unit == "tokens" and any(map(is_mixture, models)):
            raise InputError("--tokens cannot hold for a mixture, whose parts read at their own pace. Give --budget.")
    for seq_len in request.seq_lens:
        if seq_len < 1:
            raise InputError(f"--seq-lens got {seq_len}; it takes numbers of tokens, such as 8,16,32.")
    if len(tokenizers) > 1 and request.seq_lens:
        raise InputError(
            "--seq-lens counts tokens, which are not of one length with several --tokenizers. Leave one of them out."
        )
    return dataclasses.replace(request, models=models, tokenizers=tokenizers)


def overrides_of(model: str, tokenizer: str | None, request: Request) -> dict[str, dict[str, Any]]:
    """What the overrides say about one model of a checked request, or a mixture's part, in the sections of a run.

    `model.FIELD` is for every family that has the field, `NAME.FIELD` for one family: a field of its config or of its
    training. The same holds of `tokenizer.FIELD` and the tokenizers that are named. Raises InputError for fields that
    are not known, or that the comparison sets itself.
    """
    own, known = _fields(model), {field for each in request.models for field in _fields(each)}
    found: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    sections = (*SECTIONS, *request.models, *request.tokenizers)
    for section, fields in parse_overrides(request.overrides, sections).items():
        for name, value in fields.items():
            dotted = f"{section}.{name}"
            if section == "model":
                _check_field(dotted, name, known)
                if name in own:
                    _check_size(dotted, name, model, request)
                    found["model"][name] = value
            elif section == "training":
                _check_training(dotted, name, request)
                found["training"][name] = value
            elif section == model:
                _check_field(dotted, name, {*own, *TrainingConfig.model_fields})
                if name in own:
                    _check_size(dotted, name, model, request)
                    found["model"][name] = value
                else:
                    _check_training(dotted, name, request)
                    found["training"][name] = value
            elif tokenizer is not None and section in ("tokenizer", *request.tokenizers):
                of_all = {each: TOKENIZERS.load(each).Config.model_fields for each in request.tokenizers}
                asked = of_all if section == "tokenizer" else {section: of_all[section]}
                _check_field(dotted, name, {field for of_one in asked.values() for field in of_one})
                if name in asked.get(tokenizer, {}):
                    found["tokenizer"][name] = value
            elif section in SECTIONS:
                found[section][name] = value
    return found


def as_items(overrides: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Overrides as the user writes them after `-o`."""
    return [
        f"{section}.{name}={'none' if value is None else value}"
        for section, fields in overrides.items()
        for name, value in fields.items()
    ]


def _fields(model: str) -> Iterable[str]:
    return MODELS.load(model).Config.model_fields


def _check_field(dotted: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise unknown_name(f"field of {dotted.partition('.')[0]}", name, known)


def _check_size(dotted: str, name: str, model: str, request: Request) -> None:
    if request.parameters is not None and name in size_fields(model):
        raise InputError(f"-o {dotted} cannot be given beside --parameters, which chooses it. Leave one of them out.")


def _check_training(dotted: str, name: str, request: Request) -> None:
    """A comparison sets the length of training itself, and the windows where it sweeps them."""
    if name in ("budget", "steps", "epochs"):
        raise InputError(f"-o {dotted} is a length of its own. Give --budget, --tokens or --epochs, for all models.")
    if name == "seq_len" and request.seq_lens:
        raise InputError(f"-o {dotted} cannot be given beside --seq-lens. Leave one of them out.")


def _refuse_repeats(option: str, values: Sequence[object]) -> None:
    for value, times in Counter(values).items():
        if times > 1:
            raise InputError(f"{option} names {value} {times} times. Name it once.")
