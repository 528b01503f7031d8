"""Random numbers of a distribution that the user names: the noise that a generator starts from."""

import inspect
import re
from typing import Any

import torch
from torch import Generator, Tensor, distributions
from torch.distributions import Distribution, constraints

from inkloom.errors import unknown_name

_WRITTEN = re.compile(r"([a-z_]+)(?:\(([^()]*)\))?")

_NAMES = {
    name.lower(): kind
    for name, kind in vars(distributions).items()
    if inspect.isclass(kind) and issubclass(kind, Distribution)
}

_STANDARD = ((constraints.positive, 1.0), (constraints.unit_interval, 0.5), (constraints.real, 0.0))
"""What a parameter is where none is given, the narrowest constraint first: Normal(0, 1), Exponential(1), Beta(1, 1)."""


def distribution_named(written: str) -> Distribution:
    """The distribution of one number that a user names: `normal`, `uniform` (from -1 to 1), or any univariate one of
    `torch.distributions`, with its parameters in order where they are not the standard ones: `laplace`, `gamma(2,1)`.

    Raises InputError for a name that is none, ValueError for one of several numbers and for wrong parameters.
    """
    match = _WRITTEN.fullmatch(written.strip().lower())
    name = match[1].replace("_", "") if match else written
    if match is None or name not in _NAMES:
        raise unknown_name("distribution of noise", written, _NAMES)
    kind: Any = _NAMES[name]
    given = [float(value) for value in (match[2] or "").split(",") if value.strip()]
    if kind is distributions.Uniform and not given:
        given = [-1.0, 1.0]
    try:
        made: Distribution = kind(*(given or _standard_parameters(kind)))
        number = made.sample()
    except (TypeError, ValueError, NotImplementedError, AttributeError, RuntimeError) as error:
        raise ValueError(
            f"{name} cannot be made so; give a distribution of one number with its parameters, such as gamma(2,1)"
        ) from error
    if number.shape != ():
        raise ValueError(f"{name} draws several numbers at once; give a distribution of one, such as normal")
    return made


def sample(distribution: Distribution, shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Independent float32 numbers, the same for the same state of the generator.

    Distributions draw from PyTorch's own random state alone, so that is set aside meanwhile.
    """
    seed = int(torch.randint(2**62, (), generator=generator))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return distribution.sample(shape).float()


def _standard_parameters(kind: Any) -> list[float]:
    """One for each parameter without a default. ValueError where the constraint on it does not say which."""
    named: dict[str, Any] = kind.arg_constraints
    required = [
        name
        for name, parameter in inspect.signature(kind.__init__).parameters.items()
        if name in named and parameter.default is inspect.Parameter.empty
    ]
    return [_standard(named[name]) for name in required]


def _standard(constraint: Any) -> float:
    for kind, value in _STANDARD:
        if constraint is kind:
            return value
    raise ValueError("no standard value")
