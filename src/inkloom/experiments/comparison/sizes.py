"""Models made equally large: the hidden sizes of each family that bring it to a number of parameters."""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

import torch

from inkloom.config import build
from inkloom.errors import InputError
from inkloom.models import MODELS

LARGEST_MISS = 0.05
"""How far a family's parameters may be from the number that was asked for, as a share of it."""

LARGEST_SIZE = 1 << 16

Sizes = Mapping[str, int]


def size_fields(model: str) -> tuple[str, ...]:
    """The fields that `sized` chooses for a family; none where it has no size of its own, such as a counted one."""
    fields = MODELS.load(model).Config.model_fields
    if "hidden_size" in fields:
        return ("hidden_size",)
    return ("width", "heads") if "width" in fields else ()


def sized(model: str, fields: Mapping[str, Any], parameters: int, vocab_size: int, seq_len: int) -> Sizes:
    """The size fields that give a family about so many parameters, its other fields as they are.

    A recurrent family gets its `hidden_size`; a Transformer its `width`, with as many heads as leave each about as wide
    as the family's own are. Raises InputError for a family without a size, and where none comes within LARGEST_MISS.
    """

    def count(sizes: Sizes) -> int:
        return count_parameters(model, {**fields, **sizes}, vocab_size, seq_len)

    match size_fields(model):
        case ("hidden_size",):
            best = _nearest_hidden_size(count, parameters)
        case ("width", "heads"):
            default = MODELS.load(model).Config().model_dump()
            best = _best_width(count, parameters, default["width"] / default["heads"])
        case _:
            raise InputError(
                f"--parameters cannot hold for {model}, whose size follows from the text. Leave it out of --models."
            )
    if abs(count(best) / parameters - 1) > LARGEST_MISS:
        chosen = " and ".join(f"{name} {value:,}" for name, value in best.items())
        raise InputError(
            f"--parameters got {parameters:,}, but {model} comes no nearer than {count(best):,}, with {chosen}. "
            "Give another number, or change its other sizes with -o."
        )
    return best


def count_parameters(model: str, fields: Mapping[str, Any], vocab_size: int, seq_len: int) -> int:
    """Parameters of a family with these config fields, counted without memory for them."""
    family = MODELS.load(model)
    config = build(family.Config, fields, "model").resolve(seq_len)
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in family(config, vocab_size).parameters())


def _nearest_hidden_size(count: Callable[[Sizes], int], parameters: int) -> Sizes:
    def of_size(size: int) -> int:
        return count({"hidden_size": size})

    above = 1 + bisect_left(range(1, LARGEST_SIZE), parameters, key=of_size)
    nearest = min({max(above - 1, 1), above}, key=lambda size: abs(of_size(size) - parameters))
    return {"hidden_size": nearest}


def _best_width(count: Callable[[Sizes], int], parameters: int, head_size: float) -> Sizes:
    """The width whose heads come nearest to `head_size`, of those that bring the number within LARGEST_MISS."""
    above = 2 + 2 * bisect_left(range(2, LARGEST_SIZE, 2), parameters, key=lambda width: count(_split(width, width)))
    # Parameters grow with the width to the power of 1 to 2, so no width further away can be within the miss.
    widths = range(max(2, int(0.95 * above) // 2 * 2), int(1.05 * above) + 1, 2)
    splits = [_split(width, head_size) for width in widths]
    misses = [abs(count(split) / parameters - 1) for split in splits]
    most = max(LARGEST_MISS, min(misses))

    def wideness(split: Sizes) -> float:
        """How many times as wide or as narrow as wanted the heads are, as a power of 2."""
        return abs(math.log2(split["width"] / split["heads"] / head_size))

    near = [(wideness(split), miss, split) for split, miss in zip(splits, misses, strict=True) if miss <= most]
    return min(near, key=lambda found: found[:2])[2]


def _split(width: int, head_size: float) -> dict[str, int]:
    """An even width, cut into equal heads of an even size as near to `head_size` as can be."""
    heads = [heads for heads in range(1, width // 2 + 1) if width % (2 * heads) == 0]
    return {"width": width, "heads": min(heads, key=lambda number: abs(math.log2(width / number / head_size)))}
