"""One token in every row, again and again: what decoding asks of a model once the prompts are read.

Shapes: B rows, V vocabulary.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from torch import Tensor

if TYPE_CHECKING:
    from inkloom.models.base import LanguageModel

State: TypeAlias = Any
"""A stepper's state; opaque to all callers, as a model's is."""

WeightType: TypeAlias = Literal["float32", "bfloat16", "int8"]
"""What the large matrices are kept in while text is written; whatever it is, logits are float32."""


class Stepper:
    """Reads tokens one by one. The plain one, which is here, asks the model itself.

    A family that can lay out its weights for single tokens has a stepper of its own, made by `LanguageModel.stepper`;
    its logits equal the model's to float tolerance where weights are float32. It may keep another state than the model.
    Weights that change afterwards are not noticed. It belongs to one thread at a time.
    """

    def __init__(self, model: "LanguageModel") -> None:
        self._model = model

    def adopt(self, state: State) -> State:
        """A state of the model's as this stepper keeps it. The model's own may not be used afterwards."""
        return state

    def read(self, tokens_B1: Tensor, state: State) -> tuple[Tensor, State]:
        """Read a token in every row. Returns (logits_BV, state)."""
        logits_B1V, state = self._model(tokens_B1, state)
        return logits_B1V[:, -1], state

    def expect(self, tokens_B1: Tensor, state: State) -> None:
        """The next call of `read` is likely to be with these very arguments: who can, begins with it meanwhile."""

    def prepare(self) -> None:
        """Many tokens are to come: make ready now what is else made when it is seen to pay, such as machine code."""

    def select_state(self, state: State, index_B: Tensor) -> State:
        """The rows `index_B` of a state, as a copy."""
        return self._model.select_state(state, index_B)

    def join_states(self, states: Sequence[State]) -> State:
        """One state with the rows of all, in order."""
        return self._model.join_states(states)
