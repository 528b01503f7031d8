"""What shapes the choice of a token: one function in `filters` and one line here for each.

They apply in the order of the tables. Penalties come first, for they change the scores themselves and act on greedy
decoding too; then temperature, top-k, top-p and min-p, the order in which most other libraries apply them. A name is
also the field of `GenerationConfig` that holds its strength, whose default leaves the logits as they are.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from inkloom.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

    from inkloom.generation.filters import Seen

Filter: TypeAlias = "Callable[[Tensor, float | Tensor], Tensor]"
"""(logits_BV, strength) -> logits_BV."""

Penalty: TypeAlias = "Callable[[Tensor, float | Tensor, Seen], Tensor]"
"""(logits_BV, strength, seen) -> logits_BV."""

PENALTIES: Registry[Penalty] = Registry(
    "penalty",
    {
        "repetition_penalty": "inkloom.generation.filters:repetition_penalty",
        "presence_penalty": "inkloom.generation.filters:presence_penalty",
        "frequency_penalty": "inkloom.generation.filters:frequency_penalty",
    },
)

FILTERS: Registry[Filter] = Registry(
    "filter",
    {
        "temperature": "inkloom.generation.filters:temperature",
        "top_k": "inkloom.generation.filters:top_k",
        "top_p": "inkloom.generation.filters:top_p",
        "min_p": "inkloom.generation.filters:min_p",
    },
)
