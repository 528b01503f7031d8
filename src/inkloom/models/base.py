"""The contract of every model that generates text.

Shapes: B rows (samples, streams), T tokens, V vocabulary.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, Self, TypeAlias, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from inkloom.config import Config as BaseConfig
from inkloom.models.stepping import Stepper, WeightType

State: TypeAlias = Any
"""What a model remembers of the tokens it has read; opaque to all callers. Nested tuples of tensors where a
family trains on carried streams, so that a checkpoint can hold it."""


class TrainingLoss(NamedTuple):
    """What one training step minimises, the sum of both."""

    nats: Tensor
    """Mean of -ln p over the targets, a float32 scalar."""

    penalty: Tensor
    """What regularisation adds; 0 in a family without."""


class LanguageModel(nn.Module, ABC):
    """A model that gives, after every token it reads, the logits of the next one.

    `forward` over T tokens equals T calls with one token each, to float tolerance. `forward` may reuse the memory of
    the state it was given: who needs that state afterwards takes a copy first with `select_state`.
    """

    class Config(BaseConfig):
        """The family's own fields; each subclass adds them."""

        def resolve(self, seq_len: int) -> Self:
            """The config with every field that follows from the training window (tokens) filled in."""
            del seq_len
            return self

    training_defaults: ClassVar[Mapping[str, Any]] = {}
    """Where this family wants other training settings than `TrainingConfig`'s defaults."""

    config: Config
    vocab_size: int
    context_window: int | None
    """The most tokens a prediction can depend on; None where the state carries all that precedes."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.vocab_size = vocab_size
        self.context_window = None

    @abstractmethod
    def initial_state(self, batch_size: int, condition: object | None = None) -> State:
        """The state of `batch_size` rows that have read nothing.

        `condition` is nothing for a language model; an encoded source, an image or noise for conditional families.
        """

    @abstractmethod
    def forward(self, tokens_BT: Tensor, state: State) -> tuple[Tensor, State]:
        """Read T tokens in every row. Returns (logits_BTV, state); logits[:, t] predict the token after t."""

    @abstractmethod
    def select_state(self, state: State, index_B: Tensor) -> State:
        """The rows `index_B` (int64, any length, repeats allowed) of a state, as a copy."""

    @abstractmethod
    def join_states(self, states: Sequence[State]) -> State:
        """One state with the rows of all, in order. Rows may have read different numbers of tokens."""

    def training_loss(self, tokens_BT: Tensor, targets_BT: Tensor, state: State) -> tuple[TrainingLoss, State]:
        """Read T tokens in every row and pay for the targets. Returns (the loss, state).

        A family that can do without the logits of the whole vocabulary, or that adds a penalty, has its own.
        """
        logits_BTV, state = self(tokens_BT, state)
        nats = functional.cross_entropy(logits_BTV.float().flatten(0, 1), targets_BT.flatten())
        return TrainingLoss(nats, nats.new_zeros(())), state

    def hidden_matrices(self) -> Iterable[nn.Parameter]:
        """The two-dimensional weights between hidden layers, which Muon may update; none where it does not pay."""
        return ()

    def stepper(self, kind: WeightType = "float32") -> Stepper:
        """What reads one token in every row while text is written, with its large matrices kept as `kind`.

        A family without packed weights reads with its own, in float32 whatever is asked for.
        """
        del kind
        return Stepper(self)

    @property
    def device(self) -> torch.device:
        """Where the parameters lie."""
        return next(self.parameters()).device


@runtime_checkable
class ScoresTokens(Protocol):
    """A model that can score given tokens without the whole distribution of each; scores are asked of it alone then."""

    def token_log_probs(self, tokens_N: Tensor) -> Tensor:
        """ln p of every token but the first, given all before it: (N - 1,), what `forward` gives to float tolerance."""
        ...


@runtime_checkable
class CombinesParts(Protocol):
    """A model made of others, whose score follows from theirs; each part is scored on its own then, as suits it."""

    @property
    def models(self) -> Sequence["LanguageModel"]:
        """The parts."""
        ...

    def combine(self, log_probs_KN: Tensor, tokens_N: Tensor) -> Tensor:
        """ln p of the tokens that follow tokens_N, (N,), from what each part gives them."""
        ...


@runtime_checkable
class Rewinds(Protocol):
    """A model that can forget the last tokens it has read, so that prompts of unequal length can be read padded."""

    def rewind(self, state: State, tokens_B: Tensor) -> State:
        """The state before the last `tokens_B` (int64) of each row were read: none that a full window has dropped."""
        ...


@runtime_checkable
class ShowsUnits(Protocol):
    """A model of units that hold a value each, token by token."""

    def unit_values(self, tokens_T: Tensor) -> Mapping[str, Tensor]:
        """What every unit holds after each token of a text: (layers, T, units) for each name, such as `hidden`."""
        ...


def map_state(state: State, change: Callable[[Tensor], Tensor]) -> State:
    """A carried state, nested tuples of tensors, with every tensor changed."""
    if isinstance(state, Tensor):
        return change(state)
    return tuple(map_state(part, change) for part in state)


def detach_state(state: State) -> State:
    """A carried state cut from the graph: truncated back-propagation through time."""
    return map_state(state, Tensor.detach)
