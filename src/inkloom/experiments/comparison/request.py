"""What is asked of a comparison, checked before any work."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from inkloom.errors import InputError
from inkloom.experiments.comparison.contestants import (
    CONTESTANTS,
    GAN,
    LIKELIHOOD,
    family_of,
    is_mixture,
    label_of,
)
from inkloom.models import LANGUAGE_MODELS
from inkloom.recipes import RECIPES, load_recipe
from inkloom.tokenizers import TOKENIZERS

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

    models: families, or names of contestants.WAYS. recipe: for the family that it names; its text, tokenizer and split
    are everybody's.
    lengths: one table for each. seq_lens: none for each family's own window. parameters: None for its own size.
    tokenizers: each model is trained with each; none for the one that is the default.
    overrides: as after `-o`; besides `model`, `training`, `tokenizer` and `split`, a section may be the name of a model
    or of a tokenizer.
    """

    models: tuple[str, ...]
    lengths: tuple[Length, ...]
    recipe: str | None = None
    seq_lens: tuple[int, ...] = ()
    parameters: int | None = None
    seeds: int = 3
    tokenizers: tuple[str, ...] = ()
    split: str | None = None
    overrides: tuple[str, ...] = ()

    @property
    def writes_sentences(self) -> bool:
        """Whether sentences are judged, since one of the models has no likelihood."""
        return GAN in map(family_of, self.models)

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
        return f"{model} {tokenizer}" if self.compares_tokenizers else label_of(model)


def numbers(text: str) -> tuple[int, ...]:
    """`8,16,32` as numbers. InputError for anything else."""
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError as error:
        raise InputError(f"--seq-lens got {text!r}; it takes numbers of tokens, such as 8,16,32.") from error


def checked(request: Request) -> Request:
    """The request with the models by their own names, and beside a GAN what its critic has to beat.

    Raises InputError for what cannot be compared.
    """
    if not any(name.strip() for name in request.models):
        raise InputError(
            f"--models is empty. Name one or more of {', '.join(LANGUAGE_MODELS)}, such as lstm,transformer."
        )
    models = tuple(map(CONTESTANTS.canonical, request.models))
    if others := [name for name in models if family_of(name) not in (*LANGUAGE_MODELS, GAN)]:
        raise InputError(
            f"--models got {others[0]}, which does not continue texts. Of those that do, compare "
            f"{', '.join(LANGUAGE_MODELS)}; or give gan, and sentences are compared."
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
        if length.unit == "tokens" and any(is_mixture(family_of(model)) for model in models):
            raise InputError("--tokens cannot hold for a mixture, whose parts read at their own pace. Give --budget.")
    for seq_len in request.seq_lens:
        if seq_len < 1:
            raise InputError(f"--seq-lens got {seq_len}; it takes numbers of tokens, such as 8,16,32.")
    if len(tokenizers) > 1 and request.seq_lens:
        raise InputError(
            "--seq-lens counts tokens, which are not of one length with several --tokenizers. Leave one of them out."
        )
    request = dataclasses.replace(request, models=models, tokenizers=tokenizers)
    if request.recipe is not None:
        request = dataclasses.replace(request, recipe=_known_recipe(request.recipe, models))
    return _among_writers(request) if request.writes_sentences else request


def _known_recipe(name: str, models: Sequence[str]) -> str:
    """A recipe by its own name. InputError where it is for none of the models, or for whatever is best."""
    recipe, family = RECIPES.canonical(name), load_recipe(name).get("model", {}).get("name")
    if recipe == "auto":
        raise InputError("--recipe auto chooses what to train, and a comparison is told. Give --models alone.")
    if family not in {family_of(model) for model in models}:
        raise InputError(f"--recipe {name} is for {family}, which --models does not name. Add it, or drop --recipe.")
    return recipe


def _among_writers(request: Request) -> Request:
    """A request for a GAN: the same generator by likelihood competes, and GANs go first, since their sentences set the
    length of all. InputError for what does not hold for writers of sentences."""
    by_time = "a critic reads more than likelihood does, so wall time is held equal. Give --budget"
    refused = {
        "--seq-lens": request.seq_lens and "sentences have one length. Give -o gan.seq_len=N",
        **{OPTIONS[length.unit]: by_time for length in request.lengths if length.unit != "seconds"},
        "--parameters": request.parameters and "its critic has some, too. Give sizes, such as -o gan.width=N",
        "--tokenizers": request.compares_tokenizers and "all write in one vocabulary. Name one, such as word",
    }
    for option, reason in refused.items():
        if reason:
            raise InputError(f"{option} cannot be given beside gan: {reason}.")
    gans = [name for name in request.models if family_of(name) == GAN and name != LIKELIHOOD]
    if not gans:
        raise InputError("--models names no GAN with a critic. Name gan; gan-by-likelihood is compared with it anyway.")
    others = [name for name in request.models if family_of(name) != GAN]
    return dataclasses.replace(request, models=(*gans, LIKELIHOOD, *others))


def _refuse_repeats(option: str, values: Sequence[object]) -> None:
    for value, times in Counter(values).items():
        if times > 1:
            raise InputError(f"{option} names {value} {times} times. Name it once.")
